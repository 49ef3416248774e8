import { WeeklyData } from '@almanac/contract/weekly.ts';
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import { weekOfDate } from '#kernel/weeks.ts';
import { presentWeek, shapeWeek } from './shape-week.ts';
import type { StoredItem, WeekNumbers } from './weekly.views.ts';

const check = Compile(WeeklyData);
const none = { uploads: 0, updates: 0, decisions: 0, completed: 0 };
const empty: WeekNumbers = {
  version: 0,
  changedAt: null,
  stats: { newUploads: 0, updates: 0, decisions: 0, completedTasks: 0, contributors: 0, pendingReviews: 0 },
  days: Array.from({ length: 7 }, () => none),
  categories: [],
  impacts: [],
  lists: { uploads: [], updates: [], decisions: [], completed: [], pending: [] },
  highImpact: [],
  weeksBefore: [],
};
const item: StoredItem = {
  id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5a',
  title: 'Ünïcode 𝒯itle 🎉',
  author: 'Ada',
  category: 'General',
  impact: 'high',
  status: 'done',
  url: null,
  occurred_at: '2024-12-17T10:00:00+00:00',
};
const moment = { nowMs: Date.parse('2024-12-18T12:00:00Z'), version: 3, changedAt: null };
const weekFrom = (firstDayOfWeek: number) =>
  weekOfDate(Temporal.PlainDate.from('2024-12-18'), { timezone: 'UTC', firstDayOfWeek });
const present = (numbers: WeekNumbers, firstDayOfWeek = 1) => {
  const week = weekFrom(firstDayOfWeek);
  return presentWeek(week, shapeWeek(week, numbers, false), moment);
};
const categoriesOf = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `Category ${index}`, value: 100 - index }));

describe('The weekly object', () => {
  test.each([
    ['an empty week', empty],
    [
      'a week with items',
      { ...empty, lists: { ...empty.lists, updates: [item], pending: [item] }, highImpact: [item] },
    ],
    ['a week with many categories', { ...empty, categories: categoriesOf(30) }],
  ])('of %s is what the contract says', (_name, numbers) => {
    expect([...check.Errors(present(numbers))]).toEqual([]);
  });

  test('has seven days from the first day of the week on, zeros included', () => {
    expect(
      present(empty, 1)
        .chartData.weeklyActivity.map(({ day }) => day)
        .join(),
    ).toBe('Mon,Tue,Wed,Thu,Fri,Sat,Sun');
    expect(
      present(empty, 7)
        .chartData.weeklyActivity.map(({ day }) => day)
        .join(),
    ).toBe('Sun,Mon,Tue,Wed,Thu,Fri,Sat');
    expect(present(empty, 7).chartData.weeklyActivity[0]).toEqual({ day: 'Sun', date: '2024-12-15', ...none });
  });

  test('has all three impacts, in order, zeros included', () => {
    const { impactDistribution } = present({
      ...empty,
      impacts: [
        { name: 'low', value: 57 },
        { name: 'high', value: 23 },
      ],
    }).chartData;
    expect(impactDistribution).toEqual([
      { name: 'High', value: 23, percentage: 28.8 },
      { name: 'Medium', value: 0, percentage: 0 },
      { name: 'Low', value: 57, percentage: 71.3 },
    ]);
  });

  test('shows twenty categories as they are, and of more the largest nineteen and the rest together', () => {
    expect(present({ ...empty, categories: categoriesOf(20) }).chartData.categoryBreakdown).toHaveLength(20);
    const many = present({ ...empty, categories: categoriesOf(25) }).chartData.categoryBreakdown;
    expect(many).toHaveLength(20);
    expect(many.at(-1)).toMatchObject({ name: 'Other (6)', value: 81 + 80 + 79 + 78 + 77 + 76 });
    const total = categoriesOf(25).reduce((sum, { value }) => sum + value, 0);
    expect(many.reduce((sum, { value }) => sum + value, 0)).toBe(total);
  });

  test('is the same at another time but for what tells of the time', () => {
    const week = weekFrom(1);
    const snapshot = shapeWeek(week, empty, false);
    const early = presentWeek(week, snapshot, moment);
    const late = presentWeek(week, snapshot, { ...moment, nowMs: moment.nowMs + 40 * 86_400_000 });
    expect({ ...late, generated: early.generated, week: early.week }).toEqual(early);
    expect(late.week).toEqual({ ...early.week, complete: true, elapsed_fraction: 1 });
  });
});
