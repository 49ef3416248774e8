import { Redis } from 'ioredis';
import type { Log } from '#platform/log/log.ts';
import { createRareWarning } from './rare-warning.ts';

interface RedisClientOptions {
  url: string;
  log: Log;
  /** What the connection is for, in the log and in Redis' own list of clients. */
  purpose: string;
  commandTimeoutMs: number;
}

const longestRetryMs = 2_000;

/**
 * Opens a Redis connection that is never waited for: a command fails at once while disconnected and after
 * `commandTimeoutMs` when Redis does not answer. It reconnects for ever, and an outage is logged once a minute.
 */
export function openRedis({ url, log, purpose, commandTimeoutMs }: RedisClientOptions): Redis {
  const warn = createRareWarning(log);
  const client = new Redis(url, {
    connectionName: `almanac-${purpose}`,
    commandTimeout: commandTimeoutMs,
    connectTimeout: 3_000,
    // A connection whose other end vanished without a word is found by its silence.
    socketTimeout: 2_000,
    disconnectTimeout: 500,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), longestRetryMs) + Math.random() * 100,
  });
  client.on('error', (error: Error) => warn({ purpose, reason: error.message }, 'Redis does not answer; trying again'));
  return client;
}
