import type { Commit } from './describe-commit.ts';
import { createCommitParser } from './parse-commits.ts';
import { type GitCommand, streamRecords } from './run-git.ts';

/** Everything but the changes, as NUL-separated fields. No line of changes begins with a letter, so none is taken for it. */
const header = 'tformat:commit %H%x00%P%x00%ct%x00%aN%x00%s';

// Only `diff-tree` reads one commit at a time without holding on to the ones before.
const baseArguments = [
  'diff-tree',
  '--stdin',
  '--always',
  '--root',
  '-r',
  '-z',
  '--encoding=UTF-8',
  `--format=${header}`,
];
const churnArguments = [
  ...['--numstat', '--find-renames', '-l400', '--no-ext-diff', '--no-textconv', '--no-relative', '-O/dev/null'],
  ...['--ignore-submodules=none', '--no-color', '--diff-algorithm=default'],
];

interface CommitQuery extends Pick<GitCommand, 'folder' | 'signal'> {
  shas: readonly string[];
  /** False in a partial clone, which lacks the contents to compare. */
  withChurn: boolean;
  /** Commits whose parents a shallow clone lacks: everything in them would look new. */
  shallow: ReadonlySet<string>;
}

/** The named commits in the order given; merges are not compared with their parents. */
export async function readCommits({ folder, signal, shas, withChurn, shallow }: CommitQuery): Promise<Commit[]> {
  if (shas.length === 0) return [];
  const args = [...baseArguments, ...(withChurn ? churnArguments : ['--no-patch'])];
  const commits: Commit[] = [];
  const take = createCommitParser((commit) => {
    const isChurnKnown = withChurn && !shallow.has(commit.sha);
    commits.push(isChurnKnown ? commit : { ...commit, churn: undefined });
  });
  for await (const fields of streamRecords({ folder, signal, args, input: `${shas.join('\n')}\n` }, '\0')) {
    for (const field of fields) take(field);
  }
  take(undefined);
  return commits;
}
