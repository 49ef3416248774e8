import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findWithheld } from './find-withheld.ts';

const groupsOf = (sizes: readonly number[]) => sizes.map((people, index) => ({ key: `g${index}`, people }));
const withheldOf = (...sizes: number[]) => [...findWithheld(groupsOf(sizes), { least: 5 })].sort();

describe('Groups that are withheld', () => {
  test.each([
    [[5, 5], []],
    [[4], ['g0']],
    [
      [12, 9, 7, 4],
      ['g2', 'g3'],
    ],
    [
      [12, 4, 1],
      ['g1', 'g2'],
    ],
    [
      [12, 9, 2, 2],
      ['g1', 'g2', 'g3'],
    ],
    [[12, 0], ['g1']],
    [[], []],
  ] as const)('of sizes %j are %j', (sizes, expected) => {
    expect(withheldOf(...sizes)).toEqual(expected);
  });

  test('never are few enough for a total to tell of them, and are no more than that takes', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 8 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 2, max: 7 }), fc.nat(7), (drawn, least, first) => {
        const groups = groupsOf(drawn);
        const already = new Set([`g${first}`]);
        const withheld = findWithheld(groups, { least, already });
        const hidden = groups.filter(({ key }) => withheld.has(key));
        const shown = groups.filter(({ key }) => !withheld.has(key));
        const people = hidden.reduce((sum, group) => sum + group.people, 0);
        expect(shown.filter((group) => group.people < least || already.has(group.key))).toEqual([]);
        // The total less what is shown is of nobody, or of enough, or there is nothing shown to take from it.
        expect(people === 0 || people >= least || shown.length === 0).toBe(true);
        const needless = hidden.filter((group) => group.people >= least && !already.has(group.key));
        for (const group of needless) expect(people - group.people).toBeLessThan(least);
      }),
      { numRuns: 2_000 },
    );
  });
});
