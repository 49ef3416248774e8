import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './run-program.ts';

/** A git checkout of a test's own. */
export interface Checkout {
  readonly folder: string;
  /** Runs git there and answers what it prints, trimmed. */
  git(...args: string[]): Promise<string>;
  /** Commits one changed file; now, unless told when. */
  commit(subject: string, at?: Date): Promise<void>;
}

/** Makes a checkout in an empty folder. */
export async function makeCheckout(folder: string): Promise<Checkout> {
  const runGit = async (args: readonly string[], env: Record<string, string> = {}): Promise<string> => {
    const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org'];
    const alone = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', ...env };
    const { code, stdout, stderr } = await runProgram('git', [...identity, ...args], { cwd: folder, env: alone });
    if (code !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  await runGit(['init', '--quiet', '--initial-branch=main']);
  let count = 0;
  return {
    folder,
    git: (...args) => runGit(args),
    commit: async (subject, at = new Date()) => {
      count += 1;
      await writeFile(join(folder, `file-${count}.txt`), `${subject}\n`);
      await runGit(['add', `file-${count}.txt`]);
      const date = at.toISOString();
      await runGit(['commit', '--quiet', '-m', subject], { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date });
    },
  };
}

/** What git itself counts from a moment on, in all that branches and tags reach. */
export async function countSince({ git }: Checkout, since: string): Promise<{ commits: number; merges: number }> {
  const count = async (kind: string) => Number(await git('rev-list', '--all', kind, `--since=${since}`, '--count'));
  return { commits: await count('--no-merges'), merges: await count('--merges') };
}
