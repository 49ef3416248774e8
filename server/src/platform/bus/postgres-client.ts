import { Socket } from 'node:net';
import pg from 'pg';

interface PostgresClientOptions {
  connectionString: string;
  applicationName: string;
  queryTimeoutMs: number;
}

/** One PostgreSQL connection outside any pool. */
export interface PostgresClient {
  readonly client: pg.Client;
  /** Resolves when the connection is gone, for whatever reason. */
  readonly ended: Promise<void>;
  /** Ends it at once, also when the other end does not answer. */
  destroy(): void;
}

/** Opens a connection whose errors end nothing but itself; rejects when it cannot be opened. */
export async function openPostgres(options: PostgresClientOptions): Promise<PostgresClient> {
  const socket = new Socket();
  const client = new pg.Client({
    connectionString: options.connectionString,
    application_name: options.applicationName,
    query_timeout: options.queryTimeoutMs,
    connectionTimeoutMillis: 3_000,
    keepAlive: true,
    stream: () => socket,
  });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  // The reason is told by the query that fails; without a listener it would end the process.
  client.on('error', () => undefined);
  client.on('end', resolve);
  socket.on('close', () => resolve());
  const destroy = () => void socket.destroy();
  try {
    await client.connect();
  } catch (error) {
    destroy();
    throw error;
  }
  return { client, ended, destroy };
}
