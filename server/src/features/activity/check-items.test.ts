import { describe, expect, test } from 'vitest';
import type { ItemRecord } from './activity.store.ts';
import { checkItems } from './check-items.ts';

const now = Date.parse('2024-12-18T12:00:00Z');
const item: ItemRecord = {
  external_id: null,
  kind: 'update',
  title: 'A',
  author: 'Ada',
  category: 'General',
  impact: 'medium',
  status: 'done',
  url: null,
  occurred_at: '2024-12-17T10:00:00.000Z',
  resolved_at: null,
};

describe('A time', () => {
  test.each([
    ['1970-01-01T00:00:00.000Z', true],
    ['1969-12-31T23:59:59.999Z', false],
    ['2024-12-18T12:05:00.000Z', true],
    ['2024-12-18T12:05:00.001Z', false],
    ['9999-12-31T00:00:00.000Z', false],
    ['no time', false],
  ])('%s may be when an item happened: %s', (occurred_at, isTaken) => {
    const { faults } = checkItems([item, { ...item, occurred_at }], now);
    expect(faults.length === 0).toBe(isTaken);
    if (!isTaken) expect(faults[0]).toMatchObject({ field: 'items[1].occurred_at', index: 1 });
    if (!isTaken) expect(faults[0]?.issue).toContain(`'${occurred_at}'`);
  });

  test.each([
    ['review', '2024-12-17T10:00:00.000Z', true],
    ['review', '2024-12-17T09:59:59.999Z', false],
    ['review', '2024-12-18T12:05:00.001Z', false],
    ['review', null, true],
    ['update', '2024-12-17T11:00:00.000Z', false],
    ['update', null, true],
  ] as const)('of a %s may be resolved at %s: %s', (kind, resolved_at, isTaken) => {
    const { faults } = checkItems([{ ...item, kind, resolved_at }], now);
    expect(faults.map(({ field }) => field)).toEqual(isTaken ? [] : ['items[0].resolved_at']);
  });
});

describe('An external id', () => {
  test('that is repeated to the letter counts once', () => {
    const known = { ...item, external_id: 'a' };
    expect(checkItems([known, item, { ...known }, item], now)).toEqual({
      items: [known, item, item],
      repeated: 1,
      faults: [],
    });
  });

  test('that stands for two items is a fault of the second', () => {
    const { faults } = checkItems(
      [{ ...item, external_id: 'a' }, item, { ...item, external_id: 'a', title: 'B' }],
      now,
    );
    expect(faults).toEqual([
      {
        field: 'items[2].external_id',
        issue: "'a' stands for another item in items[0]; send each item once",
        index: 2,
      },
    ]);
  });
});
