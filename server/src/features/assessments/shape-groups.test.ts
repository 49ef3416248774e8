import { expect, test } from 'vitest';
import { type GroupRow, shapeGroups } from './shape-groups.ts';

const scores = {
  openness: 28.75,
  conscientiousness: 50,
  extraversion: 33.333333333333336,
  agreeableness: 0,
  neuroticism: 100,
};
const group = (aggregation_key: string, people: number, facets: Record<string, [number, number]> = {}): GroupRow => ({
  aggregation_key,
  people,
  ocean_scores: scores,
  facet_scores: Object.fromEntries(
    Object.entries(facets).map(([facet, [average, of]]) => [facet, { average, people: of }]),
  ),
});

test('averages have one decimal, rounded half up; those without a key come with null', () => {
  expect(shapeGroups([group('', 9)])).toEqual([
    {
      aggregation_key: null,
      suppressed: false,
      people: 9,
      ocean_scores: { ...scores, openness: 28.8, extraversion: 33.3 },
      facet_scores: {},
    },
  ]);
});

test('a small group and the one that would give it away show nothing, not even how many they are', () => {
  const groups = shapeGroups([group('Sales', 3), group('Research', 20), group('Legal', 6)]);
  expect(groups.map(({ aggregation_key, suppressed, people }) => [aggregation_key, suppressed, people])).toEqual([
    ['Research', false, 20],
    ['Legal', true, null],
    ['Sales', true, null],
  ]);
  expect(groups.slice(1).every(({ ocean_scores, facet_scores }) => !ocean_scores && !facet_scores)).toBe(true);
});

test('a facet that few have is left out, and so is what would give it away', () => {
  const groups = shapeGroups([
    group('A', 20, { trust: [10, 20], order: [20, 20] }),
    group('B', 9, { trust: [30, 9], order: [40, 9] }),
    group('C', 8, { trust: [50, 2], order: [60, 8] }),
  ]);
  expect(groups.map(({ facet_scores }) => facet_scores)).toEqual([
    { order: 20, trust: 10 },
    { order: 40 },
    { order: 60 },
  ]);
});
