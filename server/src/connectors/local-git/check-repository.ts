import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { connectorProblem } from '#connectors/kit/problems.ts';
import { runGit } from './run-git.ts';

/** Resolves when `folder` (absolute) can be read as a git repository; else throws a ConnectorProblem that says why. */
export async function checkRepository(folder: string, signal: AbortSignal): Promise<void> {
  const found = await getStats(folder);
  if (!found.isDirectory()) throw connectorProblem('not_found', `'${folder}' is a file. Name the folder it lies in.`);
  await runGit({ folder, args: ['rev-parse', '--git-dir'], signal });
}

async function getStats(folder: string): Promise<Stats> {
  try {
    return await stat(folder);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EACCES') {
      throw connectorProblem('forbidden', `The server's user may not read '${folder}'.`, cause);
    }
    throw connectorProblem('not_found', `There is no folder '${folder}'.`, cause);
  }
}
