import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gitEnvironment } from './git-safety.ts';

const run = promisify(execFile);

interface CommitOptions {
  /** Contents by path; undefined removes the file. */
  files?: Readonly<Record<string, string | Buffer | undefined>>;
  /** RFC 3339. */
  at?: string;
  authoredAt?: string;
  author?: string;
}

/** A git repository in a temporary folder, for tests; every commit's date and author are the test's own. */
export interface TestRepository {
  folder: string;
  /** Runs git there and gives its output without the last line break. */
  git: (args: readonly string[], options?: { at?: string; input?: string | Buffer }) => Promise<string>;
  /** Commits and gives the commit's id. */
  commit: (subject: string, options?: CommitOptions) => Promise<string>;
  close: () => Promise<void>;
}

/** Makes an empty repository; `init` takes further arguments of `git init`. */
export async function makeRepository(init: readonly string[] = []): Promise<TestRepository> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'almanac-git-')));
  const git: TestRepository['git'] = async (args, { at = '2025-01-06T09:00:00Z', input } = {}) => {
    const running = run('git', ['-C', folder, ...args], { env: makeEnvironment(at), maxBuffer: 1 << 28 });
    // A git that does not read its input may be gone before it is closed.
    running.child.stdin?.on('error', () => undefined).end(input);
    return (await running).stdout.replace(/\n$/, '');
  };
  await git(['init', '--quiet', '--initial-branch=main', ...init]);
  const commit: TestRepository['commit'] = async (subject, { files = {}, at, authoredAt, author } = {}) => {
    for (const [path, content] of Object.entries(files)) await setFile(join(folder, path), content);
    await git(['add', '--all']);
    const options = ['--quiet', '--allow-empty', '--allow-empty-message', '--cleanup=verbatim', '-m', subject];
    if (authoredAt) options.push(`--date=${authoredAt}`);
    if (author) options.push(`--author=${author}`);
    await git(['commit', ...options], at ? { at } : {});
    return await git(['rev-parse', 'HEAD']);
  };
  return { folder, git, commit, close: () => rm(folder, { recursive: true, force: true }) };
}

/** A stream for `git fast-import`: `count` commits a minute apart on `main`, each adding lines to one of 20 files. */
export function makeHistoryStream(count: number): string {
  const parts: string[] = [];
  const start = Date.parse('2024-01-01T00:00:00Z') / 1_000;
  for (let index = 0; index < count; index += 1) {
    const file = `area-${index % 5}/file-${index % 20}.txt`;
    const content = `${'line\n'.repeat(index % 100)}change ${index}\n`;
    const subject = `Change number ${index}`;
    parts.push(`commit refs/heads/main\ncommitter Ada <ada@example.org> ${start + index * 60} +0000\n`);
    parts.push(`data ${subject.length}\n${subject}\n`);
    parts.push(`M 100644 inline ${file}\ndata ${content.length}\n${content}\n`);
  }
  return parts.join('');
}

function makeEnvironment(at: string): Record<string, string> {
  const ada = { GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@example.org' };
  const committer = { GIT_COMMITTER_NAME: 'Ada', GIT_COMMITTER_EMAIL: 'ada@example.org' };
  const { PATH = '' } = gitEnvironment();
  const alone = { PATH, LC_ALL: 'C', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  return { ...alone, ...ada, ...committer, GIT_AUTHOR_DATE: at, GIT_COMMITTER_DATE: at };
}

async function setFile(path: string, content: string | Buffer | undefined): Promise<void> {
  if (content === undefined) return await rm(path, { force: true });
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
