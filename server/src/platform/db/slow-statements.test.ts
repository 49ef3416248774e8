import { expect, test } from 'vitest';
import { createSlowStatements } from './slow-statements.ts';

const note = (slow: ReturnType<typeof createSlowStatements>, text: string, queryDurationMillis: number) =>
  slow.note({ query: { sql: text }, queryDurationMillis });

test('statements are kept from half a second on, by their text, until they are taken', () => {
  const slow = createSlowStatements();
  note(slow, 'select 1', 499.9);
  note(slow, 'select 1', 500);
  note(slow, 'select 1', 5_001);
  note(slow, 'select 2', 5_000);
  expect(slow.take()).toEqual([
    { statement: 'select 1', calls: 2, totalMs: 5_501, maxMs: 5_001, verySlowCalls: 1 },
    { statement: 'select 2', calls: 1, totalMs: 5_000, maxMs: 5_000, verySlowCalls: 0 },
  ]);
  expect(slow.take()).toEqual([]);
});

test('the memory that they take is bounded, and every call counts', () => {
  const slow = createSlowStatements();
  for (let n = 0; n < 1_000; n += 1) note(slow, `select ${n} ${'x'.repeat(20_000)}`, 600);
  const taken = slow.take();
  expect(taken).toHaveLength(101);
  expect(Math.max(...taken.map(({ statement }) => statement.length))).toBe(10_000);
  expect(taken.reduce((sum, { calls }) => sum + calls, 0)).toBe(1_000);
});
