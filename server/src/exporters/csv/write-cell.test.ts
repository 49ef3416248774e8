import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCsv } from '#testing/read-csv.ts';
import { csvExporter } from './index.ts';
import { writeCell } from './write-cell.ts';

test.each([
  ['plain', 'plain'],
  ['', ''],
  ['a,b', '"a,b"'],
  ['say "hi"', '"say ""hi"""'],
  ['two\nlines', '"two\nlines"'],
  ['two\r\nlines', '"two\r\nlines"'],
  ['=1+1', "'=1+1"],
  ['+49 30', "'+49 30"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1', "'\t=1"],
  ['\ra', '"\'\ra"'],
  ["'\ra", '"\'\'\ra"'],
  [' =1', "' =1"],
  ['"=1"', `"'""=1"""`],
  ["'=1", "''=1"],
  ['＝1', "'＝1"],
  ['\u200b=1', "'\u200b=1"],
  ["'tis", "'tis"],
  ['a=1', 'a=1'],
  ['🎉', '🎉'],
])('%j is written as %s', (text, cell) => {
  expect(writeCell(text)).toBe(cell);
});

test('numbers stay numbers, and nothing is empty', () => {
  expect([writeCell(-1.5), writeCell(0), writeCell(null)]).toEqual(['-1.5', '0', '']);
});

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('=', '+', '-', '@', "'", '"', ',', ' ', '\t', '\r', '\n', 'a', '1', '＝', '🎉') }),
);

test('any rows are read back as they were, and no cell is a formula', async () => {
  const rowsOf = fc.array(fc.array(fc.oneof(text, fc.double({ noNaN: true })), { minLength: 2, maxLength: 2 }));
  await fc.assert(
    fc.asyncProperty(rowsOf, async (rows) => {
      const source = {
        name: 'x',
        document: undefined,
        columns: [
          { name: 'a', type: 'text' },
          { name: 'b', type: 'text' },
        ] as const,
        async *rows() {
          yield* rows;
        },
      };
      const pieces = await Array.fromAsync(csvExporter.write(source));
      const [header, ...read] = readCsv(pieces.join(''));
      expect(header).toEqual(['a', 'b']);
      expect(read.map((row) => row.map(withoutMark))).toEqual(rows.map((row) => row.map(String)));
      for (const [index, row] of rows.entries()) {
        for (const [at, value] of row.entries()) {
          if (typeof value === 'string') expect(read[index]?.[at]?.trimStart()).not.toMatch(/^[=+\-@＝]/);
        }
      }
    }),
  );
});

/** Takes off the apostrophe that stands before what would be a formula. */
function withoutMark(cell: string): string {
  const rest = cell.slice(1);
  return readCsv(`${writeCell(rest)}\r\n`)[0]?.[0] === `'${rest}` && cell.startsWith("'") ? rest : cell;
}
