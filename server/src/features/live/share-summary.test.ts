import type { DashboardSummary } from '@almanac/contract/dashboard.ts';
import { expect, test } from 'vitest';
import { shareSummary } from './share-summary.ts';

test('A summary is made once for an event and those before it, for each organization, and anew where that failed', async () => {
  const asked: string[] = [];
  let isAway = false;
  const read = shareSummary(async (organization_id) => {
    asked.push(organization_id);
    if (isAway) throw new Error('away');
    return { organization_id, complete: asked.length > 2 } as DashboardSummary;
  });
  const [first, again] = await Promise.all([read('a', 7), read('a', 7)]);
  expect(again).toBe(first);
  expect(await read('a', 6)).toBe(first);
  expect(asked).toEqual(['a']);
  expect((await read('b', 7)).organization_id).toBe('b');
  expect(await read('a', 8)).not.toBe(first);
  expect(asked).toEqual(['a', 'b', 'a']);
  isAway = true;
  await expect(read('a', 9)).rejects.toThrow('away');
  isAway = false;
  expect((await read('a', 9)).organization_id).toBe('a');
  expect(asked).toHaveLength(5);
});
