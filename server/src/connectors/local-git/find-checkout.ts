import { resolve } from 'node:path';
import { isConnectorProblem } from '#connectors/kit/problems.ts';
import { runGit } from './run-git.ts';

/**
 * The top folder of the git checkout that `folder` lies in. Undefined where there is none, where it belongs to another
 * user, and where git is not installed.
 */
export async function findCheckout(folder: string): Promise<string | undefined> {
  const { signal } = new AbortController();
  try {
    const answer = await runGit({ folder: resolve(folder), args: ['rev-parse', '--show-toplevel'], signal });
    return answer.replace(/\r?\n$/, '') || undefined;
  } catch (error) {
    if (isConnectorProblem(error)) return undefined;
    throw error;
  }
}
