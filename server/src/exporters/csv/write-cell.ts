/** Signs with which spreadsheets begin a formula, in ASCII and full width, also behind quotes, spaces and controls. */
const formula = /^[\s"'\p{Cc}\p{Cf}]*[=+\-@＝＋－＠]|^'*[\t\r]/u;

/**
 * Writes one cell. Text that a spreadsheet would take for a formula is made inert with a leading apostrophe; numbers
 * stay numbers, negative ones too.
 */
export function writeCell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = formula.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
