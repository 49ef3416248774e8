import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { makeDatabase, type OwnedDatabase } from './make-database.ts';
import { type StartedServer, startServer } from './start-server.ts';

/** What a test file opens: everything goes when its tests are over. */
export interface Scene {
  /** An empty folder outside any checkout. */
  makeFolder(): Promise<string>;
  makeDatabase(): Promise<OwnedDatabase>;
  /** Starts a server; in an empty folder unless told where. */
  startServer(env: Readonly<Record<string, string>>, cwd?: string): Promise<StartedServer>;
  /** Has something closed at the end, last opened first. */
  closeLater(close: () => unknown): void;
}

export const redisUrl = process.env.TEST_REDIS_URL ?? 'redis://127.0.0.1:6379/5';

/** Makes the scene of a test file. */
export function useScene(): Scene {
  const closings: (() => unknown)[] = [];
  afterAll(async () => {
    for (const close of closings.splice(0).reverse()) await close();
  });
  const makeFolder = async () => {
    const folder = await mkdtemp(join(tmpdir(), 'almanac-e2e-'));
    closings.push(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
    return folder;
  };
  return {
    makeFolder,
    makeDatabase: async () => {
      const database = await makeDatabase();
      closings.push(() => database.drop());
      return database;
    },
    startServer: async (env, cwd) => {
      const server = await startServer({ env, cwd: cwd ?? (await makeFolder()) });
      closings.push(() => server.kill());
      return server;
    },
    closeLater: (close) => void closings.push(close),
  };
}

/** The secrets that processes on one database share. */
export function sharedSecrets(): { JWT_SECRET: string; ENCRYPTION_KEY: string } {
  return { JWT_SECRET: randomBytes(48).toString('base64'), ENCRYPTION_KEY: randomBytes(48).toString('base64') };
}
