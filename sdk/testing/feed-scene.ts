import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { systemPrincipal } from '../../server/src/platform/access/principal.ts';
import type { FeedDraft } from '../../server/src/platform/feed/feed.ts';
import type { TestOrganization } from '../../server/testing/make-app.ts';
import { type Client, type ClientOptions, createClient, type FeedOptions } from '../src/index.ts';
import { openRelay, type Relay } from './open-relay.ts';
import { openServer, type TestServer, timingOf } from './open-server.ts';
import { type WatchedFeed, watchFeed } from './watch-feed.ts';

/** What tests of the feed stand on: the product behind a relay, and an organization with an event. */
export class FeedScene {
  server!: TestServer;
  relay!: Relay;
  organization!: TestOrganization;
  /** Tokens of a member. */
  tokens!: { token: string; refreshToken: string };
  userId = '';
  readonly #feeds: WatchedFeed[] = [];

  /** A client of the member, through the relay; its timers run fast. */
  client(options: Partial<ClientOptions> = {}, speed = 100): Client {
    const timing = timingOf(this.server, { speed });
    const { id: organization } = this.organization;
    return createClient({ baseUrl: this.relay.url, ...this.tokens, organization, timing, ...options });
  }

  /** Follows the feed until the test ends. */
  watch(client: Client, options: Partial<FeedOptions> = {}): WatchedFeed {
    const feed = watchFeed(client, options);
    this.#feeds.push(feed);
    return feed;
  }

  /** Publishes steps of a job, told apart by their notes. */
  publish(...notes: string[]): Promise<void> {
    const draft = (note: string): FeedDraft => {
      const payload = { job: 'test', run_id: randomUUID(), fraction: 0.5, note };
      return { type: 'job.progress', payload };
    };
    return this.publishDrafts(...notes.map(draft));
  }

  publishDrafts(...drafts: FeedDraft[]): Promise<void> {
    const { scopes, feed } = this.server.platform;
    return scopes.inOrganization(systemPrincipal(this.organization.id), (tx) => {
      for (const draft of drafts) feed.publish(tx, draft);
      return Promise.resolve();
    });
  }

  /** The numbers of all events that there are. */
  async ids(): Promise<number[]> {
    const { feed } = this.server.platform;
    const viewer = { userId: this.userId };
    const { events } = await feed.readAfter(this.organization.id, viewer, { after: 0, limit: 100_000 });
    return events.map(({ id }) => id);
  }

  /** How many sockets are open. */
  sockets(): number {
    return this.server.realtime.readSockets().reduce((sum, { count }) => sum + count, 0);
  }

  async open(): Promise<void> {
    this.server = await openServer();
    this.relay = await openRelay(this.server.port);
  }

  async begin(): Promise<void> {
    Object.assign(this.relay, { refusesAll: false, refusesWebSockets: false });
    this.organization = await this.server.makeOrganization();
    const member = await this.organization.member('member');
    this.userId = member.userId;
    const { identity } = createClient({ baseUrl: this.server.url, token: member.token });
    const { email } = await identity.getProfile();
    const body = { email, password: 'correct horse battery' };
    const session = await createClient({ baseUrl: this.server.url }).identity.login({ body });
    this.tokens = { token: session.access_token, refreshToken: session.refresh_token };
    await this.publish('first');
  }

  end(): void {
    for (const { connection } of this.#feeds.splice(0)) connection.close();
  }

  async close(): Promise<void> {
    this.relay.close();
    await this.server.close();
  }
}

/** Makes the scene of a test file, with a fresh organization for each test. */
export function useFeedScene(): FeedScene {
  const scene = new FeedScene();
  beforeAll(() => scene.open());
  beforeEach(() => scene.begin());
  afterEach(() => scene.end());
  afterAll(() => scene.close());
  return scene;
}
