import { Socket } from 'node:net';
import pg from 'pg';
import type { Log } from '../log/log.ts';

/** Watches connections for a server that no longer answers, as when a cable is pulled: TCP alone takes minutes to tell. */
export interface SilenceWatch {
  /** Makes the socket of a new connection. */
  openSocket(): Socket;
  close(): void;
}

interface SilenceWatchOptions {
  connectionString: string;
  log: Log;
  /** Longer than any statement may take: a connection that is silent as long is dead, whatever others do. */
  hopelessMs: number;
}

interface Watched {
  /** Bytes that were written when the server was last heard: more by now means that it owes an answer. */
  writtenWhenHeard: number;
  /** Since when an answer is known to be owed. */
  owesSinceMs: number | undefined;
}

const lookMs = 1_000;
const suspectMs = 3_000;
const probeMs = 3_000;

/**
 * Makes the watch. Where an answer is owed for long, a fresh connection is tried: if that is not answered either, all
 * connections are ended, so that what waits for them fails and the pool opens new ones as soon as the server is back.
 */
export function createSilenceWatch({ connectionString, log, hopelessMs }: SilenceWatchOptions): SilenceWatch {
  const sockets = new Map<Socket, Watched>();
  let isProbing = false;

  const end = (dead: readonly Socket[]) => {
    if (dead.length > 0)
      log.warn({ connections: dead.length }, 'the database has fallen silent; connections are ended');
    for (const socket of dead) socket.destroy(Object.assign(new Error('PostgreSQL is silent'), { code: 'ETIMEDOUT' }));
  };
  const probeAll = async () => {
    isProbing = true;
    const known = new Map([...sockets].map(([socket]) => [socket, socket.bytesRead]));
    if (!(await answers(connectionString))) {
      end([...known].filter(([socket, bytesRead]) => socket.bytesRead === bytesRead).map(([socket]) => socket));
    }
    isProbing = false;
  };
  const look = () => {
    const nowMs = performance.now();
    const waits = [...sockets].map(([socket, watched]) => ({ socket, ms: waitedMs(socket, watched, nowMs) }));
    end(waits.filter(({ ms }) => ms >= hopelessMs).map(({ socket }) => socket));
    if (!isProbing && waits.some(({ ms }) => ms >= suspectMs && ms < hopelessMs)) void probeAll();
  };
  const timer = setInterval(look, lookMs).unref();

  return {
    openSocket: () => {
      const socket = new Socket();
      const watched: Watched = { writtenWhenHeard: 0, owesSinceMs: undefined };
      sockets.set(socket, watched);
      socket.on('data', () => {
        watched.writtenWhenHeard = socket.bytesWritten;
        watched.owesSinceMs = undefined;
      });
      socket.once('close', () => sockets.delete(socket));
      return socket;
    },
    close: () => clearInterval(timer),
  };
}

function waitedMs(socket: Socket, watched: Watched, nowMs: number): number {
  if (socket.bytesWritten <= watched.writtenWhenHeard) return 0;
  watched.owesSinceMs ??= nowMs;
  return nowMs - watched.owesSinceMs;
}

/** True where a new connection is answered, if only by a refusal. */
async function answers(connectionString: string): Promise<boolean> {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: probeMs,
    application_name: 'almanac probe',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return true;
  } catch (error) {
    return error instanceof pg.DatabaseError;
  }
}
