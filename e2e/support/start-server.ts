import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { mainFile, plainEnvironment } from './run-program.ts';

/** One line of the server's log. */
export interface LogLine {
  level: number;
  msg: string;
  url?: string;
}

/** A server process. */
export interface StartedServer {
  readonly url: string;
  readonly port: number;
  readonly log: readonly LogLine[];
  /** What it has written to standard error, once it has ended. */
  readonly stderr: Promise<string>;
  /** Sends SIGTERM and answers the exit code. */
  stop(): Promise<number | null>;
  /** kill -9. */
  kill(): Promise<void>;
}

interface StartOptions {
  /** The environment: all of it, but for PATH and the like. `PORT` is a free one unless given. */
  env: Readonly<Record<string, string>>;
  cwd: string;
}

/** Levels of the log. */
const errorLevel = 50;

/** Starts `almanac start` and resolves when it says that it is ready; throws with its output when it ends before. */
export async function startServer({ env, cwd }: StartOptions): Promise<StartedServer> {
  const child = spawn(process.execPath, [mainFile, 'start'], {
    cwd,
    env: { ...plainEnvironment(), PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  const stderr = text(child.stderr);
  const log: LogLine[] = [];
  const ready = Promise.withResolvers<string>();
  createInterface(child.stdout).on('line', (line) => {
    if (!line.startsWith('{')) return;
    const entry = JSON.parse(line) as LogLine;
    log.push(entry);
    if (entry.msg === 'ready') ready.resolve(entry.url ?? '');
  });
  void exited.then(async ([code, signal]) =>
    ready.reject(new Error(`The server ended with ${code ?? signal}: ${await stderr}`)),
  );
  const url = await ready.promise;
  return {
    url,
    port: Number(new URL(url).port),
    log,
    stderr,
    stop: async () => {
      child.kill('SIGTERM');
      const [code] = await exited;
      return code;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** The lines of a log that tell of a fault. */
export function errorLines({ log }: StartedServer): LogLine[] {
  return log.filter(({ level }) => level >= errorLevel);
}
