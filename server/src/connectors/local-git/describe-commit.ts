import type { Impact } from '@almanac/contract/weekly.ts';
import { type ActivityRecord, maxTitleCharacters } from '#connectors/kit/connector.ts';
import { cleanText, formatUnixTime } from './clean-text.ts';
import { commitUrl, type WebAddress } from './find-web-address.ts';

/** What a commit changed. */
export interface Churn {
  /** Lines added and removed in text files; renaming a file changes none. */
  lines: number;
  /** By top-level folder ('' for the root) the changed lines, a binary file counting as one. */
  folders: ReadonlyMap<string, number>;
}

export interface Commit {
  sha: string;
  parents: readonly string[];
  /** Unix time in seconds; NaN where the commit holds none that git can read. */
  committedAt: number;
  author: string;
  subject: string;
  /** Undefined where it cannot be known: at the edge of a shallow clone, and in a partial clone. */
  churn: Churn | undefined;
}

/** The first word of a conventional commit, and the category it stands for. */
const categoryByType: Readonly<Record<string, string>> = {
  feat: 'Feature',
  feature: 'Feature',
  fix: 'Fix',
  bugfix: 'Fix',
  hotfix: 'Fix',
  docs: 'Documentation',
  doc: 'Documentation',
  test: 'Tests',
  tests: 'Tests',
  refactor: 'Refactoring',
  perf: 'Performance',
  style: 'Style',
  build: 'Build',
  deps: 'Build',
  ci: 'Build',
  chore: 'Maintenance',
  revert: 'Revert',
  security: 'Security',
};

const maxNameCharacters = 120;

/**
 * A commit with one parent, or none, is an `update`; with more it is a merge, and so a `completion`: a piece of work
 * that arrived. Undefined when its date cannot be written as RFC 3339.
 *
 * `occurred_at` is the committer's date. The author's date is when the work was begun, often weeks before it arrived
 * (rebased, picked, applied from mail): items would turn up in weeks that are long closed.
 */
export function describeCommit(commit: Commit, web: WebAddress | undefined): ActivityRecord | undefined {
  const occurredAt = formatUnixTime(commit.committedAt);
  if (occurredAt === undefined) return undefined;
  const isMerge = commit.parents.length > 1;
  return {
    external_id: `commit:${commit.sha}`,
    kind: isMerge ? 'completion' : 'update',
    title: cleanText(commit.subject, maxTitleCharacters) || '(no message)',
    author: cleanText(commit.author, maxNameCharacters) || 'Unknown',
    category: categorizeCommit(commit),
    impact: isMerge ? 'medium' : rateChurn(commit.churn),
    status: isMerge ? 'merged' : 'committed',
    url: commitUrl(web, commit.sha),
    occurred_at: occurredAt,
    resolved_at: null,
  };
}

/**
 * The type of a conventional commit (`fix(api): …` → Fix); else the top-level folder with the most changed lines, the
 * first by name where several have as many; 'Root' for files outside any folder; 'Repository' where nothing is known
 * to have changed, as for merges and empty commits.
 */
export function categorizeCommit({ subject, churn }: Pick<Commit, 'subject' | 'churn'>): string {
  const type = /^([A-Za-z]+)(?:\([^)]*\))?!?:\s/.exec(subject)?.[1]?.toLowerCase();
  const named = type !== undefined && Object.hasOwn(categoryByType, type) ? categoryByType[type] : undefined;
  if (named !== undefined) return named;
  let most: [folder: string, lines: number] | undefined;
  for (const [folder, lines] of churn?.folders ?? []) {
    if (!most || lines > most[1] || (lines === most[1] && folder < most[0])) most = [folder, lines];
  }
  if (!most) return 'Repository';
  return most[0] === '' ? 'Root' : cleanText(most[0], maxNameCharacters) || 'Root';
}

/** 500 changed lines and more are high, 50 and more medium. Unknown counts as low: nothing is claimed without a number. */
export function rateChurn(churn: Churn | undefined): Impact {
  const lines = churn?.lines ?? 0;
  if (lines >= 500) return 'high';
  return lines >= 50 ? 'medium' : 'low';
}
