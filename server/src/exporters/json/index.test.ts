import { expect, test } from 'vitest';
import { jsonExporter } from './index.ts';

test('the document is written as JSON, and its rows are not asked for', async () => {
  const document = { name: 'Ünïcode 🎉', list: [1, null], quote: '"' };
  const rows = () => {
    throw new Error('not asked for');
  };
  const text = (await Array.fromAsync(jsonExporter.write({ name: 'x', document, columns: [], rows }))).join('');
  expect(JSON.parse(text)).toEqual(document);
  expect(text.endsWith('\n')).toBe(true);
});
