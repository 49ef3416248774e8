/** One column of an exported table. */
export interface ExportColumn {
  readonly name: string;
  readonly type: 'text' | 'number' | 'date' | 'time';
}

/** What there is to export: the whole document, and its rows for formats that are tables. */
export interface ExportDocument {
  /** File name without its ending. */
  readonly name: string;
  readonly document: unknown;
  readonly columns: readonly ExportColumn[];
  /** Rows in the order of the columns, read as they are written. */
  rows(): AsyncIterable<readonly (string | number | null)[]>;
}

/** A format. */
export interface Exporter {
  readonly format: string;
  readonly mediaType: string;
  readonly extension: string;
  /** The file's text, in pieces. */
  write(source: ExportDocument): AsyncIterable<string>;
}
