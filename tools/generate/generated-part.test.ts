import { expect, test } from 'vitest';
import { replaceBetweenMarkers } from './generated-part.ts';
import { renderTable } from './render-table.ts';

test('replaces only what stands between the two comments', () => {
  const document = 'before\n<!-- generated:table -->\nold\n<!-- /generated:table -->\nafter\n';
  const expected = 'before\n<!-- generated:table -->\nnew\n<!-- /generated:table -->\nafter\n';
  expect(replaceBetweenMarkers(document, 'table', 'new\n')).toBe(expected);
});

test('refuses a document without the comments', () => {
  expect(() => replaceBetweenMarkers('# Title', 'table', 'new')).toThrow('<!-- generated:table -->');
});

test('escapes pipes, which would end a cell', () => {
  expect(renderTable(['takes'], [['on | off']])).toBe('| takes |\n| --- |\n| on \\| off |');
});
