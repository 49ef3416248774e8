import { openPostgres, type PostgresClient } from './postgres-client.ts';

interface NotifySpeakerOptions {
  connectionString: string;
  /** The application name under which listening processes are found. */
  listenerName: string;
}

interface Notification {
  channel: string;
  payload: string;
  sent: PromiseWithResolvers<void>;
}

/** PostgreSQL's own limit is 8,000, with the ending zero. */
const maxPayloadBytes = 7_999;
const maxBatch = 200;
const maxQueued = 10_000;
const countKeptMs = 1_000;
const pauseAfterFailureMs = 500;

/**
 * Sends notifications over a connection of its own: what has gathered goes out in one statement, and a notification
 * equal to one that still waits is merged with it. After a failure everything fails at once for half a second.
 */
export class NotifySpeaker {
  readonly #options: NotifySpeakerOptions;
  readonly #queue = new Map<string, Notification>();
  #connection: PostgresClient | undefined;
  #opening: Promise<PostgresClient> | undefined;
  #isPumping = false;
  #isClosed = false;
  #failedAt = Number.NEGATIVE_INFINITY;
  #count: { value: Promise<number>; at: number } | undefined;

  constructor(options: NotifySpeakerOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#connection !== undefined;
  }

  /** Resolves when it is sent; rejects when it may not have been. */
  send(channel: string, payload: string): Promise<void> {
    if (Buffer.byteLength(payload) > maxPayloadBytes) {
      return Promise.reject(new Error(`A message of more than ${maxPayloadBytes} bytes cannot be sent`));
    }
    const id = `${channel} ${payload}`;
    const waiting = this.#queue.get(id);
    if (waiting !== undefined) return waiting.sent.promise;
    if (this.#queue.size >= maxQueued) return Promise.reject(new Error('Too many messages wait to be sent'));
    const sent = Promise.withResolvers<void>();
    this.#queue.set(id, { channel, payload, sent });
    void this.#pump();
    return sent.promise;
  }

  /** How many processes listen, as of at most a second ago. */
  countListeners(): Promise<number> {
    const at = performance.now();
    if (this.#count !== undefined && at - this.#count.at < countKeptMs) return this.#count.value;
    const asked = { value: this.#askCount(), at };
    this.#count = asked;
    asked.value.catch(() => {
      if (this.#count === asked) this.#count = undefined;
    });
    return asked.value;
  }

  /** To be called when a process came or went. */
  forgetCount(): void {
    this.#count = undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const connection = this.#connection;
    if (connection === undefined) return;
    setTimeout(connection.destroy, 500).unref();
    await connection.client.end().catch(() => undefined);
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#queue.size > 0) {
      const batch = [...this.#queue.entries()].slice(0, maxBatch);
      for (const [id] of batch) this.#queue.delete(id);
      await this.#sendBatch(batch.map(([, notification]) => notification));
    }
    this.#isPumping = false;
  }

  async #sendBatch(batch: readonly Notification[]): Promise<void> {
    const channels = batch.map(({ channel }) => channel);
    const payloads = batch.map(({ payload }) => payload);
    const text = 'select pg_notify(channel, payload) from unnest($1::text[], $2::text[]) as sent (channel, payload)';
    try {
      await this.#run((client) => client.query(text, [channels, payloads]));
      for (const { sent } of batch) sent.resolve();
    } catch (error) {
      for (const { sent } of batch) sent.reject(error);
    }
  }

  async #askCount(): Promise<number> {
    const text = `select count(*)::int as listeners from pg_stat_activity
      where datname = current_database() and application_name = $1`;
    const values = [this.#options.listenerName];
    const { rows } = await this.#run((client) => client.query<{ listeners: number }>(text, values));
    return rows[0]?.listeners ?? 0;
  }

  async #run<Result>(work: (client: PostgresClient['client']) => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw new Error('The bus is closed');
    if (performance.now() - this.#failedAt < pauseAfterFailureMs) throw new Error('PostgreSQL failed a moment ago');
    const connection = await this.#open();
    try {
      return await work(connection.client);
    } catch (error) {
      this.#failedAt = performance.now();
      connection.destroy();
      if (this.#connection === connection) this.#connection = undefined;
      throw error;
    }
  }

  async #open(): Promise<PostgresClient> {
    if (this.#connection !== undefined) return this.#connection;
    const applicationName = `${this.#options.listenerName} (speaker)`;
    const { connectionString } = this.#options;
    this.#opening ??= openPostgres({ connectionString, applicationName, queryTimeoutMs: 2_000 });
    try {
      const opened = await this.#opening;
      this.#connection = opened;
      void opened.ended.then(() => {
        if (this.#connection === opened) this.#connection = undefined;
      });
      if (this.#isClosed) opened.destroy();
      return opened;
    } catch (error) {
      this.#failedAt = performance.now();
      throw error;
    } finally {
      this.#opening = undefined;
    }
  }
}
