import { expect, test } from 'vitest';
import type { KindCounts, StoredItem, WeekNumbers } from './weekly.views.ts';
import { writeHighlights } from './write-highlights.ts';

const none: KindCounts = { uploads: 0, updates: 0, decisions: 0, completed: 0 };

function numbersOf(
  counts: Partial<KindCounts>,
  weeksBefore: readonly Partial<KindCounts>[],
  highImpact: StoredItem[] = [],
) {
  const days = Array.from({ length: 7 }, (_, index) => (index === 3 ? { ...none, ...counts } : none));
  const before = weeksBefore.map((week) => ({ ...none, ...week }));
  return { days, highImpact, weeksBefore: before } as unknown as WeekNumbers;
}

const item = (title: string): StoredItem => ({
  id: title,
  title,
  author: 'Ada',
  category: 'General',
  impact: 'high',
  status: 'done',
  url: null,
  occurred_at: '2024-12-17T10:00:00Z',
});
const flat = (count: number, week: Partial<KindCounts>) => Array.from({ length: count }, () => week);

test('an empty week has none', () => {
  expect(writeHighlights(numbersOf({}, []))).toEqual([]);
});

test('high-impact items come first, named with their author', () => {
  const sentences = writeHighlights(numbersOf({ updates: 9 }, flat(8, { updates: 3 }), [item('Moved'), item('Left')]));
  expect(sentences).toEqual(['Moved (Ada, high impact)', 'Left (Ada, high impact)', 'Most updates in 9 weeks: 9']);
});

test('a record takes at least four weeks before, all of them lower', () => {
  expect(writeHighlights(numbersOf({ updates: 3 }, flat(3, { updates: 2 })))).toEqual([]);
  expect(writeHighlights(numbersOf({ updates: 3 }, flat(4, { updates: 2 })))).toEqual(['Most updates in 5 weeks: 3']);
  expect(writeHighlights(numbersOf({ updates: 3 }, [{ updates: 3 }, ...flat(4, { updates: 2 })]))).toEqual([]);
});

test('growth takes 20 % and three items more than the week before', () => {
  const grow = (previous: number, current: number) =>
    writeHighlights(numbersOf({ decisions: current }, [{ decisions: previous }]));
  expect(grow(10, 13)).toEqual(['13 decisions, 30 % more than in the whole week before (10)']);
  expect(grow(15, 18)).toEqual(['18 decisions, 20 % more than in the whole week before (15)']);
  expect(grow(16, 19)).toEqual([]);
  expect(grow(2, 4)).toEqual([]);
  expect(grow(0, 9)).toEqual([]);
  expect(grow(9, 3)).toEqual([]);
});

test('of growth the two largest are told, and what is a record is not told twice', () => {
  const before = { uploads: 10, updates: 10, decisions: 10, completed: 10 };
  const now = { uploads: 14, updates: 20, decisions: 15, completed: 13 };
  expect(writeHighlights(numbersOf(now, [before]))).toEqual([
    '20 updates, 100 % more than in the whole week before (10)',
    '15 decisions, 50 % more than in the whole week before (10)',
  ]);
  expect(writeHighlights(numbersOf(now, [...flat(4, { uploads: 90, decisions: 90, completed: 90 }), before]))).toEqual([
    'Most updates in 6 weeks: 20',
    '15 decisions, 50 % more than in the whole week before (10)',
    '14 uploads, 40 % more than in the whole week before (10)',
  ]);
});
