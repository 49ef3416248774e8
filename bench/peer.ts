import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

/** The flags that the product is started with (server/bin/almanac.js). */
export const productFlags = ['--max-semi-space-size=16', '--heap-growing-percent=100'];

interface PeerOptions {
  file: string;
  message: object;
  flags?: string[];
}

/** Starts a process of `peers/` with a message; answers it with what it says once it serves. */
export async function startPeer<Target>({
  file,
  message,
  flags = [],
}: PeerOptions): Promise<{ peer: ChildProcess; target: Target }> {
  const peer = fork(new URL(file, import.meta.url), { execArgv: flags, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  peer.send(message);
  const ended = once(peer, 'exit').then(([code]) => {
    throw new Error(`${file} ended with ${code} before it served.`);
  });
  const [target] = (await Promise.race([once(peer, 'message'), ended])) as [Target];
  ended.catch(() => undefined);
  return { peer, target };
}

/** Processor time that a process has used, in seconds. */
export async function processorSeconds({ pid }: ChildProcess): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return (user + system) / 100;
}
