import { expect, test } from 'vitest';
import { findRing } from './feature-graph.ts';

test('finds the ring of features and names it in order', () => {
  const graph = new Map([
    ['alerts', ['metrics', 'weekly']],
    ['metrics', []],
    ['weekly', ['reports']],
    ['reports', ['metrics', 'weekly']],
  ]);
  expect(findRing(graph)).toEqual(['weekly', 'reports', 'weekly']);
});

test('takes two ways to the same feature for what they are, no ring', () => {
  const graph = new Map([
    ['alerts', ['metrics', 'weekly']],
    ['metrics', []],
    ['weekly', ['metrics']],
  ]);
  expect(findRing(graph)).toBeUndefined();
});
