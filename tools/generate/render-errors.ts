import { errorCodes } from '@almanac/contract/errors.ts';
import { renderTable } from './render-table.ts';

const introduction = `# Error codes

Every code that an answer can carry. The table is closed: \`contract/errors.ts\` is its source, and this page is made
from it by \`npm run generate\`.
`;

/** The page of error codes, by status. */
export function renderErrors(): string {
  const codes = Object.entries(errorCodes).sort(([, one], [, two]) => one.status - two.status);
  const rows = codes.map(([code, { status, meaning }]) => [`\`${code}\``, String(status), meaning]);
  return `${introduction}\n${renderTable(['code', 'status', 'when'], rows)}\n`;
}
