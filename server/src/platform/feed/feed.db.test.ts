import { randomUUID } from 'node:crypto';
import type { FeedMessage } from '@almanac/contract/feed.ts';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemPrincipal, type UserPrincipal } from '#platform/access/principal.ts';
import { createLocalBus } from '#platform/bus/bus.ts';
import { type FeedDatabase, makeFeedDatabase, makeMember } from '#testing/make-feed-database.ts';
import { createFeed, type Feed, type FeedDraft } from './feed.ts';
import type { FeedFollower } from './feed-follower.ts';

describe('the feed', () => {
  let testing: FeedDatabase;
  let feed: Feed;
  let organizationId: string;
  let userIds: string[];

  beforeAll(async () => {
    testing = await makeFeedDatabase();
    feed = openFeed();
  });

  afterAll(async () => {
    await feed.close();
    await testing.close();
  });

  function openFeed(beatMs?: number): Feed {
    return createFeed({
      root: testing.database.root,
      bus: createLocalBus(),
      log: testing.log,
      ...(beatMs === undefined ? {} : { beatMs }),
    });
  }

  function publish(...drafts: FeedDraft[]): Promise<void> {
    return publishBy(feed, ...drafts);
  }

  function publishBy(publisher: Feed, ...drafts: FeedDraft[]): Promise<void> {
    return testing.scopes.inOrganization(systemPrincipal(organizationId), (tx) => {
      for (const draft of drafts) publisher.publish(tx, draft);
      return Promise.resolve();
    });
  }

  const test = (name: string, run: () => Promise<void>) =>
    it(name, async () => {
      ({ organizationId, userIds } = await testing.makeOrganization(2));
      await run();
    });

  test('numbers events from 1 without holes, in the order of commits', async () => {
    await publish(life('a'), life('b'));
    await publish(life('c'));
    const page = await feed.readAfter(organizationId, viewer(0), { after: 0 });
    expect(page.events.map(({ id, previous_id, payload }) => [id, previous_id, noteOf(payload)])).toEqual([
      [1, 0, 'a'],
      [2, 1, 'b'],
      [3, 2, 'c'],
    ]);
    expect(page).toMatchObject({ cursor: 3, isGone: false });
    expect(await feed.head(organizationId)).toBe(3);
  });

  test('says nothing of a transaction that was rolled back', async () => {
    const follower = await feed.follow(organizationId, viewer(0));
    const failing = testing.scopes.inOrganization(systemPrincipal(organizationId), (tx) => {
      feed.publish(tx, life('lost'));
      return Promise.reject(new Error('no'));
    });
    await expect(failing).rejects.toThrow('no');
    await publish(life('kept'));
    const { events } = await follower.next();
    expect(events.map(({ payload }) => noteOf(payload))).toEqual(['kept']);
    follower.close();
  });

  test('a member may announce, in that member’s own organization alone', async () => {
    const member = memberOf(viewer(0).userId);
    await testing.scopes.inOrganization(member, async (tx) => feed.publish(tx, life('mine')));
    expect(await feed.head(organizationId)).toBe(1);
    const stranger = memberOf(randomUUID());
    const refused = testing.scopes.inOrganization(stranger, async (tx) => feed.publish(tx, life('theirs')));
    await expect(refused).rejects.toThrow('from inside an organization');
  });

  test('row security shows a member no event of another member', async () => {
    await publish(
      { ...life('for 0'), audience: viewer(0) },
      { ...life('for 1'), audience: viewer(1) },
      life('for all'),
    );
    const member = memberOf(viewer(0).userId);
    const { rows } = await testing.scopes.inOrganization(member, (tx) =>
      sql<{ id: number }>`select id from feed_events order by id`.execute(tx.db),
    );
    expect(rows.map(({ id }) => id)).toEqual([1, 3]);
  });

  test('shows a reader its own audience, and a filter leaves no gap', async () => {
    await publish(
      { ...life('for 0'), audience: viewer(0) },
      { ...life('for 1'), audience: viewer(1) },
      life('for all'),
    );
    await publish({ type: 'weekly.changed', payload: week(1) });
    const chain = async (user: number, types?: FeedMessage['type'][]) => {
      const { events } = await feed.readAfter(organizationId, viewer(user), { after: 0, types });
      return events.map(({ id, previous_id }) => [id, previous_id]);
    };
    expect(await chain(0)).toEqual([[1, 0], [3, 1], [4, 3]]); // biome-ignore format: pairs
    expect(await chain(1)).toEqual([[2, 0], [3, 2], [4, 3]]); // biome-ignore format: pairs
    expect(await chain(0, ['weekly.changed'])).toEqual([[4, 0]]);
  });

  test('pages by limit, and a cursor passes over what the reader is not shown', async () => {
    await publish(life('a'), life('b'), life('c'), { ...life('d'), audience: viewer(1) });
    const first = await feed.readAfter(organizationId, viewer(0), { after: 0, limit: 2 });
    expect(first.cursor).toBe(2);
    const second = await feed.readAfter(organizationId, viewer(0), { after: first.cursor, limit: 2 });
    expect(second.events).toMatchObject([{ id: 3, previous_id: 2 }]);
    expect(second.cursor).toBe(4);
  });

  test('a burst of a state goes out as its first at once and its newest last', async () => {
    const follower = await feed.follow(organizationId, viewer(0));
    const startedAt = performance.now();
    for (let version = 1; version <= 30; version += 1) {
      await publish({ type: 'weekly.changed', payload: week(version), subject: '2024-W51' });
    }
    const versions = await collectUntil(follower, (message) => versionOf(message.payload) === 30);
    const elapsed = performance.now() - startedAt;
    expect(versions[0]).toMatchObject({ id: 1, payload: { version: 1 } });
    expect(versions.length).toBeLessThanOrEqual(2 + elapsed / 250);
    expect(versions.length).toBeGreaterThanOrEqual(2);
    follower.close();
  });

  test('states of different subjects, types and audiences do not coalesce, events never', async () => {
    const state = (subject: string, version: number): FeedDraft => ({
      type: 'weekly.changed',
      payload: week(version),
      subject,
    });
    await publish(state('w1', 1), state('w2', 2), { ...state('w1', 3), audience: viewer(0) }, life('x'), life('x'));
    expect(await feed.head(organizationId)).toBe(5);
  });

  test('of several drafts of one subject in a transaction the newest wins', async () => {
    await publish({ type: 'weekly.changed', payload: week(1), subject: 'w' }, life('between'), {
      type: 'weekly.changed',
      payload: week(2),
      subject: 'w',
    });
    const { events } = await feed.readAfter(organizationId, viewer(0), { after: 0 });
    expect(events.map(({ type }) => type)).toEqual(['job.progress', 'weekly.changed']);
    expect(versionOf(events[1]?.payload)).toBe(2);
  });

  test('a state that waited in a process that died is numbered by another’s beat', async () => {
    const dying = openFeed(3_600_000);
    const living = openFeed(20);
    const follower = await living.follow(organizationId, viewer(0));
    await publishBy(dying, { type: 'weekly.changed', payload: week(1), subject: 'w' });
    await publishBy(dying, { type: 'weekly.changed', payload: week(2), subject: 'w' });
    await dying.close();
    const seen = await collectUntil(follower, ({ payload }) => versionOf(payload) === 2);
    expect(seen.map(({ id }) => id)).toEqual([1, 2]);
    follower.close();
    await living.close();
  });

  test('a follower sees what another process published, without any doorbell', async () => {
    const other = openFeed(20);
    const follower = await other.follow(organizationId, viewer(0));
    await publish(life('from elsewhere'));
    const { events } = await follower.next();
    expect(events.map(({ payload }) => noteOf(payload))).toEqual(['from elsewhere']);
    follower.close();
    await other.close();
  });

  test('a follower resumes behind what is in memory', async () => {
    await publish(...Array.from({ length: 250 }, (_, index) => life(`${index}`)));
    const live = await feed.follow(organizationId, viewer(1));
    const follower = await feed.follow(organizationId, viewer(0), { after: 20 });
    await publish(life('last'));
    const seen = await collectUntil(follower, ({ payload }) => noteOf(payload) === 'last');
    expect(seen.map(({ id }) => id)).toEqual(Array.from({ length: 231 }, (_, index) => index + 21));
    expectChain(seen, 20);
    live.close();
    follower.close();
  });

  test('one that lags behind the memory of a busy organization is served from the database', async () => {
    const slow = await feed.follow(organizationId, viewer(0));
    const quick = await feed.follow(organizationId, viewer(1));
    for (let round = 0; round < 5; round += 1) {
      await publish(...Array.from({ length: 500 }, (_, index) => life(`${round}/${index}`)));
    }
    const isLast = ({ id }: FeedMessage) => id === 2_500;
    expectChain(await collectUntil(quick, isLast), 0);
    const seen = await collectUntil(slow, isLast);
    expect(seen).toHaveLength(2_500);
    expectChain(seen, 0);
    quick.close();
    slow.close();
    expect(feed.counts().tails).toBe(0);
  });

  test('a cursor that is not kept any more, or of another database, is gone', async () => {
    await publish(life('a'), life('b'), life('c'));
    await sql`
      update feed_events set created_at = created_at - interval '25 hours'
      where organization_id = ${organizationId} and id <= 2`.execute(testing.database.root);
    const live = await feed.follow(organizationId, viewer(0), { after: 0 });
    expect(await feed.deleteOld(new Date())).toBe(2);
    expect(await feed.readAfter(organizationId, viewer(0), { after: 1 })).toEqual({
      events: [],
      cursor: 3,
      isGone: true,
    });
    expect(await feed.readAfter(organizationId, viewer(0), { after: 2 })).toMatchObject({ cursor: 3, isGone: false });
    expect(await feed.readAfter(organizationId, viewer(0), { after: 99 })).toMatchObject({ cursor: 3, isGone: true });
    expect(await live.next()).toEqual({ events: [], cursor: 3, isGone: true });
    for (const after of [1, 99]) {
      const follower = await feed.follow(organizationId, viewer(0), { after });
      expect(follower).toMatchObject({ isGone: true, cursor: 3 });
      follower.close();
    }
    live.close();
  });

  test('numbers go on where they stood after all events have aged out', async () => {
    await publish(life('a'), life('b'));
    expect(await feed.deleteOld(new Date(Date.now() + 25 * 3_600_000))).toBeGreaterThanOrEqual(2);
    expect(await feed.readAfter(organizationId, viewer(0), { after: 1 })).toMatchObject({ cursor: 2, isGone: true });
    await publish(life('c'));
    const { events } = await feed.readAfter(organizationId, viewer(0), { after: 2 });
    expect(events).toMatchObject([{ id: 3, previous_id: 2 }]);
  });

  test('closing a follower ends its waiting', async () => {
    const follower = await feed.follow(organizationId, viewer(0));
    const waiting = follower.next();
    follower.close();
    expect(await waiting).toEqual({ events: [], cursor: 0, isGone: false });
  });

  function memberOf(userId: string): UserPrincipal {
    return makeMember({ userId, organizationId });
  }

  function viewer(index: number): { userId: string } {
    return { userId: userIds[index] ?? '' };
  }
});

function life(note: string): FeedDraft {
  return { type: 'job.progress', payload: { job: 'test', run_id: randomUUID(), fraction: 0.5, note } };
}

function week(version: number): { week: string; week_start: string; version: number } {
  return { week: '2024-W51', week_start: '2024-12-16', version };
}

function noteOf(payload: unknown): unknown {
  return (payload as { note?: unknown }).note;
}

function versionOf(payload: unknown): unknown {
  return (payload as { version?: unknown } | undefined)?.version;
}

async function collectUntil(follower: FeedFollower, isLast: (message: FeedMessage) => boolean): Promise<FeedMessage[]> {
  const seen: FeedMessage[] = [];
  while (!seen.some(isLast)) seen.push(...(await follower.next()).events);
  return seen;
}

function expectChain(seen: readonly FeedMessage[], after: number): void {
  let previous = after;
  for (const message of seen) {
    expect(message.previous_id).toBe(previous);
    previous = message.id;
  }
}
