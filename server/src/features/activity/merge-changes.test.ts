import { expect, test } from 'vitest';
import { type ItemDelta, mergeChanges } from './merge-changes.ts';

const change = (deltas: readonly ItemDelta[], days: readonly string[] = [], reviewsFrom: string | null = null) => ({
  ...{ days, reviewsFrom, deltas },
});
const uploads = (count: number, atMs: number, quarterMs = 0): ItemDelta => ({ kind: 'upload', count, quarterMs, atMs });

test('changes come to each day once, and reviews to the first of their days', () => {
  const merged = mergeChanges([
    change([], ['2024-12-17', '2024-12-18'], '2024-12-18'),
    change([], ['2024-12-17']),
    change([], ['2024-12-16'], '2024-12-16'),
  ]);
  expect(merged).toEqual(change([], ['2024-12-17', '2024-12-18', '2024-12-16'], '2024-12-16'));
});

test('what came into a quarter of an hour counts from its first time, what left it until its last', () => {
  const merged = mergeChanges([
    change([uploads(2, 500), uploads(-1, 300)]),
    change([uploads(3, 200), uploads(-4, 700)]),
    change([uploads(1, 900), uploads(-1, 100)]),
  ]);
  expect(merged.deltas).toEqual([uploads(6, 200), uploads(-6, 700)]);
});

test('kinds and quarters stay apart', () => {
  const parts = [uploads(1, 10), uploads(1, 3_600_010, 3_600_000), { ...uploads(1, 10), kind: 'update' as const }];
  expect(mergeChanges(parts.map((delta) => change([delta]))).deltas).toEqual(parts);
});
