import type { Exporter } from '../kit/exporter.ts';
import { writeCell } from './write-cell.ts';

/** The rows as CSV (RFC 4180): UTF-8, CRLF, a header line, and no cell that a spreadsheet would run. */
export const csvExporter: Exporter = {
  format: 'csv',
  mediaType: 'text/csv; charset=utf-8; header=present',
  extension: 'csv',
  async *write({ columns, rows }) {
    yield `${columns.map(({ name }) => writeCell(name)).join(',')}\r\n`;
    for await (const row of rows()) yield `${row.map(writeCell).join(',')}\r\n`;
  },
};
