import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '#platform/log/log.ts';
import { openPostgres, type PostgresClient } from './postgres-client.ts';
import { createRareWarning } from './rare-warning.ts';

interface NotifyListenerOptions {
  connectionString: string;
  log: Log;
  /** The application name that the connection takes on once it listens. */
  listenerName: string;
  channels: readonly string[];
  queryTimeoutMs: number;
  events: { heard(channel: string, payload: string): void; up(): void; down(): void };
}

const shortestRetryMs = 100;
const longestRetryMs = 2_000;

/**
 * Listens to channels over one connection and opens another whenever it is lost. Without PostgreSQL it keeps trying,
 * with growing pauses, and logs once a minute.
 */
export class NotifyListener {
  readonly #options: NotifyListenerOptions;
  readonly #closing = new AbortController();
  readonly #listening: Promise<void>;
  #connection: PostgresClient | undefined;
  #failures = 0;

  constructor(options: NotifyListenerOptions) {
    this.#options = options;
    this.#listening = this.#keepListening();
  }

  /** Rejects when the connection does not answer in time. */
  async beat(): Promise<void> {
    if (this.#connection === undefined) throw new Error('Not connected');
    await this.#connection.client.query('select 1');
  }

  /** Gives the connection up; another is opened. */
  reset(): void {
    this.#connection?.destroy();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#connection?.destroy();
    await this.#listening;
  }

  async #keepListening(): Promise<void> {
    const { events, log } = this.#options;
    const { signal } = this.#closing;
    const warn = createRareWarning(log);
    while (!signal.aborted) {
      const reason = await this.#listenUntilLost();
      events.down();
      if (signal.aborted) return;
      warn({ reason }, 'Cannot listen to PostgreSQL notifications; trying again');
      const pauseMs = Math.min(shortestRetryMs * 2 ** this.#failures, longestRetryMs) * (0.75 + Math.random() / 2);
      this.#failures += 1;
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #listenUntilLost(): Promise<string> {
    const { connectionString, listenerName, queryTimeoutMs, events } = this.#options;
    let opened: PostgresClient | undefined;
    try {
      const applicationName = `${listenerName} (joining)`;
      opened = await openPostgres({ connectionString, applicationName, queryTimeoutMs });
      opened.client.on('notification', ({ channel, payload }) => events.heard(channel, payload ?? ''));
      await opened.client.query(this.#joiningStatements(opened));
      if (this.#closing.signal.aborted) return 'closing';
      this.#connection = opened;
      this.#failures = 0;
      events.up();
      await opened.ended;
      return 'the connection ended';
    } catch (error) {
      return String(error);
    } finally {
      this.#connection = undefined;
      opened?.destroy();
    }
  }

  #joiningStatements({ client }: PostgresClient): string {
    const statements = this.#options.channels.map((channel) => `listen ${client.escapeIdentifier(channel)}`);
    // The others count this connection by its name, so it takes the name only when it hears them.
    statements.push(`set application_name to ${client.escapeLiteral(this.#options.listenerName)}`);
    return statements.join(';');
  }
}
