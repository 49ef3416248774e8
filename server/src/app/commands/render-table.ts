/** Draws rows as a table of text, as psql does. */
export function renderTable(rows: readonly Readonly<Record<string, unknown>>[]): string {
  const count = `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})\n`;
  const [first] = rows;
  if (!first) return count;
  const names = Object.keys(first);
  const cells = rows.map((row) => names.map((name) => showCell(row[name])));
  const widths = names.map((name, column) => Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (texts: readonly string[]) =>
    ` ${texts.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')}`.trimEnd();
  const rule = widths.map((width) => '-'.repeat(width + 2)).join('+');
  return `${[line(names), rule, ...cells.map(line)].join('\n')}\n${count}`;
}

function showCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
