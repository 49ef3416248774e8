import { isConnectorProblem } from '#connectors/kit/problems.ts';
import type { HistoryCursor } from './history-cursor.ts';
import { listCommits } from './list-commits.ts';
import { findObjects, findTips, type RepositoryState } from './repository-state.ts';
import type { GitCommand } from './run-git.ts';

type Place = Pick<GitCommand, 'folder' | 'signal'>;

/** What lies between a cursor and the repository as it is now. */
export interface ReadPlan {
  state: RepositoryState;
  /** What is reachable from here has been handed on when the read is over. */
  tips: string[];
  /** What has been handed on already. */
  known: Pick<HistoryCursor, 'tips' | 'tags'>;
  /** Commits that were handed on and are reachable no more. */
  vanishedCommits: string[];
  /** Everything is listed anew, from the first item. */
  isFresh: boolean;
  isReplacing: boolean;
}

/**
 * Goes on from `previous` where that is possible. It is not without one, when its commits were pruned, or when
 * something changed on which all descriptions rest.
 */
export async function planRead(
  place: Place,
  state: RepositoryState,
  previous: HistoryCursor | undefined,
): Promise<ReadPlan> {
  const tips = await findTips(place, state);
  if (previous && previous.basis === state.basis) {
    const vanishedCommits = await findVanished(place, { before: previous.tips, now: tips });
    const { isReplacing } = previous;
    if (vanishedCommits) return { state, tips, known: previous, vanishedCommits, isFresh: false, isReplacing };
  }
  return { state, tips, known: { tips: [], tags: {} }, vanishedCommits: [], isFresh: true, isReplacing: true };
}

/** Undefined when it cannot be told any more. */
async function findVanished(place: Place, tips: { before: string[]; now: string[] }): Promise<string[] | undefined> {
  const names = tips.before.map((id) => `${id}^{commit}`);
  const found = await findObjects(place, names);
  if (found.includes(undefined)) return undefined;
  const vanished: string[] = [];
  try {
    for await (const shas of listCommits({ place, from: tips.before, except: tips.now })) vanished.push(...shas);
  } catch (error) {
    // A commit may outlive its ancestors when old objects are pruned.
    if (isConnectorProblem(error, 'malformed_reply')) return undefined;
    throw error;
  }
  return vanished;
}
