/** A part of the exported file: a name, and its rows page by page. */
export interface ExportSection {
  readonly name: string;
  readonly pages: AsyncIterable<readonly object[]>;
}

interface ExportedFile {
  readonly exportedAt: Date;
  readonly account: object;
  readonly sections: readonly ExportSection[];
}

/**
 * Writes the exported file piece by piece, asking for no page before the one before it is taken. It says that it is
 * complete as its last word: where a page cannot be read the writing fails, and what was written so far is no JSON.
 */
export async function* writeExport({ exportedAt, account, sections }: ExportedFile): AsyncGenerator<string> {
  yield `{"exported_at":${JSON.stringify(exportedAt)},\n"account":${JSON.stringify(account)}`;
  for (const { name, pages } of sections) {
    let separator = `,\n${JSON.stringify(name)}:[`;
    for await (const rows of pages) {
      if (rows.length === 0) continue;
      yield `${separator}\n${rows.map((row) => JSON.stringify(row)).join(',\n')}`;
      separator = ',';
    }
    yield separator === ',' ? ']' : `${separator}]`;
  }
  yield ',\n"complete":true}\n';
}
