import type { Churn, Commit } from './describe-commit.ts';

const fieldsPerHead = 5;

interface Rename {
  weight: number;
  pathsToCome: number;
}

interface OpenCommit extends Omit<Commit, 'churn'> {
  lines: number;
  folders: Map<string, number>;
}

/**
 * Takes the fields of git's answer one by one (undefined at the end) and hands on each commit when it is whole. A change
 * is `added TAB removed TAB path`, with `-` for counts of binary files; a rename has an empty path, and two fields more.
 */
export function createCommitParser(found: (commit: Commit) => void): (field: string | undefined) => void {
  let head: string[] = [];
  let open: OpenCommit | undefined;
  let renamed: Rename | undefined;

  const finish = () => {
    if (!open) return;
    const { lines, folders, ...commit } = open;
    const churn: Churn = { lines, folders };
    found({ ...commit, churn });
    open = undefined;
  };
  const begin = () => {
    const [sha = '', parents = '', committedAt = '', author = '', subject = ''] = head;
    const at = committedAt === '' ? Number.NaN : Number(committedAt);
    const people = { author, subject, lines: 0, folders: new Map<string, number>() };
    open = {
      sha: sha.slice('commit '.length),
      parents: parents.split(' ').filter(Boolean),
      committedAt: at,
      ...people,
    };
    head = [];
  };
  const addChange = (field: string) => {
    const [, added = '', removed = '', path = ''] = /^\n?(\d+|-)\t(\d+|-)\t(.*)$/s.exec(field) ?? [];
    if (!open || added === '') return;
    const lines = added === '-' ? 0 : Number(added) + Number(removed);
    open.lines += lines;
    const weight = added === '-' ? 1 : lines;
    if (path === '') renamed = { weight, pathsToCome: 2 };
    else addWeight(open.folders, path, weight);
  };
  const takeHead = (field: string) => {
    if (head.length === 0) finish();
    head.push(field);
    if (head.length === fieldsPerHead) begin();
  };
  const takePath = (field: string, rename: Rename) => {
    rename.pathsToCome -= 1;
    if (rename.pathsToCome > 0) return;
    // The second path is the new one.
    if (open) addWeight(open.folders, field, rename.weight);
    renamed = undefined;
  };
  return (field) => {
    if (field === undefined) finish();
    else if (renamed) takePath(field, renamed);
    else if (head.length > 0 || field.startsWith('commit ')) takeHead(field);
    else addChange(field);
  };
}

function addWeight(folders: Map<string, number>, path: string, weight: number): void {
  const slash = path.indexOf('/');
  const folder = slash < 0 ? '' : path.slice(0, slash);
  folders.set(folder, (folders.get(folder) ?? 0) + weight);
}
