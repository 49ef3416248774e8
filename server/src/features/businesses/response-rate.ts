import { percentOf } from '#kernel/rounding.ts';

/** Answers to invites in percent, at most 100, with one decimal; 0 without invites. */
export function responseRate({ invites, answered }: { invites: number; answered: number }): number {
  return Math.min(100, percentOf(answered, invites));
}
