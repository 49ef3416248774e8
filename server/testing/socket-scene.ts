import { randomUUID } from 'node:crypto';
import type { Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { systemPrincipal, type UserPrincipal } from '#platform/access/principal.ts';
import { createLocalBus } from '#platform/bus/bus.ts';
import { createFeed, type Feed, type FeedDraft } from '#platform/feed/feed.ts';
import type { Connection } from '#platform/realtime/connection.ts';
import type { Admission } from '#platform/realtime/handshake.ts';
import type { RealtimeLimits } from '#platform/realtime/realtime-limits.ts';
import { type FeedDatabase, makeFeedDatabase, makeMember } from './make-feed-database.ts';
import { makeRealtime, type RunningRealtime } from './make-realtime.ts';

type ClientOptions = NonNullable<Parameters<RunningRealtime['open']>[0]>;

/** What tests of the sockets stand on: a feed, an organization of two members, and a server with stock clients. */
export class SocketScene {
  readonly admissions = new Map<string, Admission>();
  readonly connections: Connection[] = [];
  organizationId = '';
  userIds: string[] = [];
  #testing: FeedDatabase | undefined;
  #feed: Feed | undefined;
  #running: RunningRealtime | undefined;

  get feed(): Feed {
    return required(this.#feed);
  }

  get running(): RunningRealtime {
    return required(this.#running);
  }

  /** Starts the server; `onConnection` stands for a feature. */
  async start(limits: Partial<RealtimeLimits> = {}, onConnection?: (connection: Connection) => void): Promise<void> {
    this.#running = await makeRealtime({
      feed: this.feed,
      admissions: this.admissions,
      limits,
      onConnection: (connection) => {
        this.connections.push(connection);
        onConnection?.(connection);
      },
    });
  }

  /** A stock client of the first member, connected. */
  async connect(options: ClientOptions = {}): Promise<Socket> {
    const client = this.running.open({ auth: { token: 'good' }, ...options });
    const connected = next(client, 'connect');
    client.connect();
    await connected;
    return client;
  }

  /** Why a client is not let in. */
  refusal(options: ClientOptions): Promise<Error & { data?: unknown }> {
    const client = this.running.open(options);
    const refused = next<Error>(client, 'connect_error');
    client.connect();
    return refused;
  }

  publish(...drafts: FeedDraft[]): Promise<void> {
    return required(this.#testing).scopes.inOrganization(systemPrincipal(this.organizationId), (tx) => {
      for (const draft of drafts) this.feed.publish(tx, draft);
      return Promise.resolve();
    });
  }

  member(index: number): UserPrincipal {
    const { organizationId, userIds } = this;
    return makeMember({ userId: userIds[index] ?? '', organizationId, sessionId: `session ${index}` });
  }

  async open(): Promise<void> {
    this.#testing = await makeFeedDatabase();
    const { database, log } = this.#testing;
    this.#feed = createFeed({ root: database.root, bus: createLocalBus(), log });
  }

  async begin(): Promise<void> {
    Object.assign(this, await required(this.#testing).makeOrganization(2));
    this.admissions.clear();
    this.admissions.set('good', { principal: this.member(0) });
    this.admissions.set('other', { principal: this.member(1) });
  }

  async end(): Promise<void> {
    await this.#running?.close();
    this.#running = undefined;
    this.connections.length = 0;
  }

  async close(): Promise<void> {
    await this.#feed?.close();
    await this.#testing?.close();
  }
}

/** Makes the scene of a test file, with a fresh organization for each test. */
export function useSocketScene(): SocketScene {
  const scene = new SocketScene();
  beforeAll(() => scene.open());
  beforeEach(() => scene.begin());
  afterEach(() => scene.end());
  afterAll(() => scene.close());
  return scene;
}

/** The next payload of an event. */
export function next<T = unknown>(client: Socket, event: string): Promise<T> {
  return new Promise((resolve) => client.once(event, (payload: T) => resolve(payload)));
}

/** An event of a thing's life, with a note to tell it by. */
export function life(note: string): FeedDraft {
  return { type: 'job.progress', payload: { job: 'test', run_id: randomUUID(), fraction: 0.5, note } };
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The scene has not begun.');
  return value;
}
