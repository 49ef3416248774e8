import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemPrincipal } from '#platform/access/principal.ts';
import type { Bus } from '#platform/bus/bus.ts';
import { createNotifyBus } from '#platform/bus/notify-bus.ts';
import { type FeedDatabase, makeFeedDatabase } from '#testing/make-feed-database.ts';
import { createFeed, type Feed } from './feed.ts';

const serverUrl = process.env.TEST_DATABASE_URL;

describe.skipIf(!serverUrl)('the feeds of two processes on one bus', () => {
  let testing: FeedDatabase;
  let buses: Bus[];
  let feeds: Feed[];

  beforeAll(async () => {
    testing = await makeFeedDatabase();
    const connectionString = testing.database.connectionString ?? '';
    buses = [1, 2].map(() => createNotifyBus({ connectionString, log: testing.log }));
    const hour = 3_600_000;
    feeds = buses.map((bus) => createFeed({ root: testing.database.root, bus, log: testing.log, beatMs: hour }));
    await Promise.all(buses.map((bus) => new Promise<void>((resolve) => bus.onRestored(resolve))));
  });

  afterAll(async () => {
    for (const feed of feeds ?? []) await feed.close();
    for (const bus of buses ?? []) await bus.close();
    await testing?.close();
  });

  it('ring each other, so that a follower need not wait for the beat', async () => {
    const { organizationId, userIds } = await testing.makeOrganization(1);
    const [here, there] = feeds;
    if (!here || !there) throw new Error('no feeds');
    const follower = await there.follow(organizationId, { userId: userIds[0] ?? '' });
    for (let round = 1; round <= 20; round += 1) {
      await testing.scopes.inOrganization(systemPrincipal(organizationId), (tx) => {
        here.publish(tx, { type: 'job.progress', payload: { job: 'x', run_id: randomUUID(), fraction: 0, note: 'x' } });
        return Promise.resolve();
      });
      const { events } = await follower.next();
      expect(events.map(({ id }) => id)).toEqual([round]);
    }
    follower.close();
  });
});
