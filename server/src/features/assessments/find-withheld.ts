/** A group, and how many people its number is of. */
export interface GroupSize {
  readonly key: string;
  readonly people: number;
}

interface Rule {
  /** How many people a number that is shown is of, at least. */
  least: number;
  /** Groups that are withheld for another reason. */
  already?: ReadonlySet<string>;
}

/**
 * The groups whose numbers are withheld: those of too few people. Where all that are withheld add up to too few people
 * themselves, a total and the groups shown would tell of them by difference, so the smallest groups shown are withheld too,
 * until they add up. Those without anybody count for nothing.
 */
export function findWithheld(groups: readonly GroupSize[], { least, already = new Set() }: Rule): Set<string> {
  const isWithheld = ({ key, people }: GroupSize) => already.has(key) || people < least;
  const withheld = groups.filter(isWithheld);
  const shown = groups
    .filter((group) => !isWithheld(group))
    .sort((a, b) => a.people - b.people || (a.key < b.key ? -1 : 1));
  let people = withheld.reduce((sum, group) => sum + group.people, 0);
  for (const group of shown) {
    if (people === 0 || people >= least) break;
    withheld.push(group);
    people += group.people;
  }
  return new Set(withheld.map(({ key }) => key));
}
