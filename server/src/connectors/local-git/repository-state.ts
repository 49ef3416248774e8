import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connectorProblem } from '#connectors/kit/problems.ts';
import { findWebAddress, type WebAddress } from './find-web-address.ts';
import { type GitCommand, runGit, streamRecords } from './run-git.ts';

type Place = Pick<GitCommand, 'folder' | 'signal'>;

/** Raised when commits and tags are described in another way, so that stored items are described anew. */
const descriptionVersion = 1;

/** What a repository holds at one moment, as far as it decides what a read finds. */
export interface RepositoryState {
  /** Object ids of branches and remote-tracking branches, by full name. */
  branches: ReadonlyMap<string, string>;
  /** Object ids of tags, by full name: of the tag object where there is one. */
  tags: ReadonlyMap<string, string>;
  /** The commit that is checked out; undefined before the first one. */
  head: string | undefined;
  web: WebAddress | undefined;
  /** Commits at the edge of a shallow clone; empty in a whole one. */
  shallow: ReadonlySet<string>;
  isPartial: boolean;
  /** Equal for two states in which every commit and tag is described alike. */
  basis: string;
  /** Equal for two states in which a read finds the same. */
  fingerprint: string;
}

/** Takes the state with four short runs of git, none of which grows with the history. */
export async function readRepositoryState(place: Place): Promise<RepositoryState> {
  const [{ branches, tags }, { head, mailmap }, shallow, { web, isPartial }] = await Promise.all([
    readRefs(place),
    readHead(place),
    readShallow(place),
    readConfiguration(place),
  ]);
  const basis = hash([descriptionVersion, mailmap ?? null, shallow, web?.base ?? null, isPartial]);
  const fingerprint = hash([basis, head ?? null, [...branches], [...tags]]);
  return { branches, tags, head, web, shallow: new Set(shallow), isPartial, basis, fingerprint };
}

async function readRefs(place: Place): Promise<Pick<RepositoryState, 'branches' | 'tags'>> {
  const branches = new Map<string, string>();
  const tags = new Map<string, string>();
  const args = ['for-each-ref', '--format=%(objectname)%00%(refname)', 'refs/heads', 'refs/remotes', 'refs/tags'];
  for await (const lines of streamRecords({ ...place, args }, '\n')) {
    for (const line of lines) {
      const [id = '', name = ''] = line.split('\0');
      (name.startsWith('refs/tags/') ? tags : branches).set(name, id);
    }
  }
  return { branches, tags };
}

async function readHead(place: Place): Promise<{ head: string | undefined; mailmap: string | undefined }> {
  const [head, mailmap] = await findObjects(place, ['HEAD^{commit}', 'HEAD:.mailmap']);
  return { head, mailmap };
}

async function readShallow(place: Place): Promise<string[]> {
  const args = ['rev-parse', '--path-format=absolute', '--git-path', 'shallow'];
  const path = (await runGit({ ...place, args })).replace(/\r?\n$/, '');
  try {
    return (await readFile(path, 'utf8')).split('\n').filter(Boolean).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw connectorProblem('forbidden', `The server's user may not read '${path}'.`, error);
  }
}

async function readConfiguration(place: Place): Promise<Pick<RepositoryState, 'web' | 'isPartial'>> {
  const pattern = '^(remote\\.origin\\.url|remote\\..*\\.promisor|extensions\\.partialclone)$';
  const args = ['config', '--null', '--get-regexp', pattern];
  const answer = await runGit({ ...place, args, acceptedExitCodes: [1] });
  const entries = answer.split('\0').map((entry) => entry.split('\n', 2) as [string, string?]);
  const origin = entries.find(([name]) => name === 'remote.origin.url')?.[1];
  const isPartial = entries.some(([name]) => name === 'extensions.partialclone' || name.endsWith('.promisor'));
  return { web: origin === undefined ? undefined : findWebAddress(origin), isPartial };
}

/** The object id behind each name, in the same order; undefined where there is no such object. */
export async function findObjects(place: Place, names: readonly string[]): Promise<(string | undefined)[]> {
  if (names.length === 0) return [];
  const args = ['cat-file', '--batch-check=%(objectname)'];
  const answer = await runGit({ ...place, args, input: `${names.join('\n')}\n` });
  const lines = answer.split('\n');
  return names.map((_, index) => {
    const line = lines[index] ?? '';
    return /^[0-9a-f]{40,64}$/.test(line) ? line : undefined;
  });
}

/** The commits from which everything that counts is reachable; tags are followed to their commits. */
export async function findTips(place: Place, state: RepositoryState): Promise<string[]> {
  const branchIds = [...new Set(state.branches.values())];
  const tagIds = [...new Set(state.tags.values())];
  const commits = await findObjects(
    place,
    [...branchIds, ...tagIds].map((id) => `${id}^{commit}`),
  );
  const lost = branchIds.filter((_, index) => commits[index] === undefined);
  if (lost.length > 0) {
    const damage = `${lost.length} of its branches name commits that are not there, such as ${lost[0]}`;
    throw connectorProblem('malformed_reply', `'${place.folder}' is damaged: ${damage}. 'git fsck' tells more.`);
  }
  const tips = [state.head, ...commits].filter((commit) => commit !== undefined);
  return [...new Set(tips)];
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url');
}
