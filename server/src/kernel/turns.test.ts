import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTurns } from './turns.ts';

test('work of one key runs in its order, at most so many at a time, and leaves nothing behind', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.record({ key: fc.constantFrom('a', 'b'), ticks: fc.nat(5), fails: fc.boolean() }), { maxLength: 30 }),
      async (atOnce, works) => {
        const turns = createTurns(atOnce);
        const running = new Map<string, number>();
        const begun: number[] = [];
        const ends = works.map(({ key, ticks, fails }, index) =>
          turns.take(key, async () => {
            begun.push(index);
            running.set(key, (running.get(key) ?? 0) + 1);
            expect(running.get(key)).toBeLessThanOrEqual(atOnce);
            for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
            running.set(key, (running.get(key) ?? 0) - 1);
            if (fails) throw new Error('failed');
            return index;
          }),
        );
        const results = await Promise.allSettled(ends);
        for (const [index, { fails }] of works.entries())
          expect(results[index]?.status).toBe(fails ? 'rejected' : 'fulfilled');
        for (const key of ['a', 'b']) {
          const ofKey = begun.filter((index) => works[index]?.key === key);
          expect(ofKey).toEqual([...ofKey].sort((one, other) => one - other));
          expect(turns.countOf(key)).toBe(0);
        }
      },
    ),
  );
});
