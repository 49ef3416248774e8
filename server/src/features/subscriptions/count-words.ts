const singular = { members: 'member', sources: 'source', invitations: 'open invitation' } as const;
const plural = { members: 'members', sources: 'sources', invitations: 'open invitations' } as const;

/** What tiers limit the number of. */
export type CountedThing = 'members' | 'sources';

/** A count in words, such as `3 members`. */
export function countOf(what: CountedThing | 'invitations', count: number): string {
  return `${count} ${count === 1 ? singular[what] : plural[what]}`;
}
