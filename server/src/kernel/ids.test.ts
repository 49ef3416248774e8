import fc from 'fast-check';
import { expect, test } from 'vitest';
import { idOf, isId, newId } from './ids.ts';

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

test('an id is a UUID in its plain form, in any case, and nothing else', () => {
  const form = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
  const id = '01a1ffd1-b184-7855-8163-b103ba80d744';
  const texts = fc
    .tuple(
      fc.nat(35),
      fc.oneof(fc.constantFrom(...'-0189agAGfFzZ@`/:'), fc.string({ minLength: 1, maxLength: 1, unit: 'binary' })),
    )
    .map(([at, letter]) => id.slice(0, at) + letter + id.slice(at + 1));
  fc.assert(
    fc.property(texts, (text) => isId(text) === form.test(text)),
    { numRuns: 2_000 },
  );
  expect([id, id.toUpperCase()].map(isId)).toEqual([true, true]);
  for (const other of [
    undefined,
    null,
    1,
    '',
    `{${id}}`,
    `urn:uuid:${id}`,
    id.slice(1),
    `${id}0`,
    id.replaceAll('-', ''),
  ])
    expect(isId(other)).toBe(false);
});
