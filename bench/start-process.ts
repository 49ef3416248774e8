import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/** A process of the product that serves. */
export interface Started {
  readonly process: ChildProcess;
  readonly url: string;
  /** From the call to the line that says it is ready. */
  readonly seconds: number;
  stop(): Promise<void>;
}

interface StartOptions {
  command: string;
  words: readonly string[];
  folder: string;
  environment: Readonly<Record<string, string>>;
}

/** Starts the product by a command and waits until it says that it is ready. */
export async function startProcess({ command, words, folder, environment }: StartOptions): Promise<Started> {
  const begun = performance.now();
  const child = spawn(command, words, {
    cwd: folder,
    env: { ...process.env, PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /"url":"([^"]+)"[^}]*"msg":"ready"/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    return {
      process: child,
      url,
      seconds: (performance.now() - begun) / 1_000,
      stop: async () => {
        process.kill(-(child.pid ?? 0), 'SIGTERM');
        await exited;
      },
    };
  }
  throw new Error(`${command} ${words.join(' ')} ended before it was ready.`);
}

/** Resident memory of a process, in MB. */
export async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_000;
}
