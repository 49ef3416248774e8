import { spawn } from 'node:child_process';
import { aborted } from '#connectors/kit/problems.ts';
import { explainGitFailure, gitMissing } from './git-problems.ts';
import { gitEnvironment, safeArguments } from './git-safety.ts';

export interface GitCommand {
  /** Where git looks for the repository: an absolute path. */
  folder: string;
  args: readonly string[];
  /** Handed to git on standard input: revisions go here, so that no number of them is too many. */
  input?: string;
  signal: AbortSignal;
  /** Exit codes, besides 0, that are an answer and not a failure. */
  acceptedExitCodes?: readonly number[];
}

type Ending = { cause: Error } | { exitCode: number | null; endedBy: NodeJS.Signals | null };

const maxWords = 8_192;

/**
 * Runs git without a shell and yields what it writes, as it comes: a slow reader slows git down. Leaving the loop early
 * ends the process. Throws a ConnectorProblem.
 */
async function* streamGit(command: GitCommand): AsyncGenerator<Buffer, void, undefined> {
  const { folder, signal } = command;
  if (signal.aborted) throw aborted(`Reading '${folder}'`);
  const child = spawn('git', [...safeArguments, '-C', folder, ...command.args], {
    env: gitEnvironment(),
    cwd: '/',
    windowsHide: true,
  });
  const ended = new Promise<Ending>((resolve) => {
    child.once('error', (cause) => resolve({ cause }));
    child.once('close', (exitCode, endedBy) => resolve({ exitCode, endedBy }));
  });
  const end = () => child.kill('SIGKILL');
  signal.addEventListener('abort', end, { once: true });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    if (words.length < maxWords) words += chunk;
  });
  // A git that gives up early closes its input; its exit code and words say why.
  child.stdin.on('error', () => undefined);
  child.stdin.end(command.input);
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const ending = await ended;
    if (signal.aborted) throw aborted(`Reading '${folder}'`);
    if ('cause' in ending) throw gitMissing(ending.cause);
    if (ending.exitCode === 0 || command.acceptedExitCodes?.includes(ending.exitCode ?? -1)) return;
    throw explainGitFailure({ folder, words, ...ending });
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

/** Runs git and gives everything it wrote. For short answers. */
export async function runGit(command: GitCommand): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of streamGit(command)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** The records that git wrote, each ended by `separator` (one byte), in groups as they come. */
export async function* streamRecords(
  command: GitCommand,
  separator: string,
): AsyncGenerator<string[], void, undefined> {
  const mark = separator.charCodeAt(0);
  let open: Buffer[] = [];
  for await (const chunk of streamGit(command)) {
    const last = chunk.lastIndexOf(mark);
    if (last < 0) {
      open.push(chunk);
      continue;
    }
    // Cut at the separator before decoding, so that no character is torn by the edge of a chunk.
    const whole = Buffer.concat([...open, chunk.subarray(0, last)]);
    open = last + 1 < chunk.length ? [chunk.subarray(last + 1)] : [];
    yield whole.toString('utf8').split(separator);
  }
  if (open.length > 0) yield [Buffer.concat(open).toString('utf8')];
}
