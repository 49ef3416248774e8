import { expect, test } from 'vitest';
import { idOf, newId } from './ids.ts';

test('ids are UUIDv7 that sort in the order in which they were made', () => {
  const ids = Array.from({ length: 1_000 }, newId);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(ids).size).toBe(1_000);
  const millisecondOf = (id: string) => id.slice(0, 13);
  expect(ids.map(millisecondOf)).toEqual(ids.map(millisecondOf).sort());
});

test('what is named alike has one id, a UUIDv8, and nothing else has it', () => {
  const id = idOf('points', 'a', 'b');
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(idOf('points', 'a', 'b')).toBe(id);
  const others = [
    idOf('points', 'b', 'a'),
    idOf('points', 'ab'),
    idOf('points', 'a', 'b', ''),
    idOf('points","a', 'b'),
  ];
  expect(new Set([id, ...others]).size).toBe(5);
});
