import type { FeedMessage } from '@almanac/contract/feed.ts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemPrincipal } from '#platform/access/principal.ts';
import { createLocalBus } from '#platform/bus/bus.ts';
import { type FeedDatabase, makeFeedDatabase } from '#testing/make-feed-database.ts';
import { createFeed, type Feed } from './feed.ts';
import type { FeedBatch } from './feed-reader.ts';

const noRunId = '00000000-0000-0000-0000-000000000000';

/** One transaction: whose events it makes (`all`, or a member by index), and whether it is rolled back. */
interface Commit {
  organization: number;
  audiences: ('all' | number)[];
  isRolledBack: boolean;
}

const commit: fc.Arbitrary<Commit> = fc.record({
  organization: fc.nat(1),
  audiences: fc.array(fc.oneof(fc.constant('all' as const), fc.nat(1)), { minLength: 1, maxLength: 4 }),
  isRolledBack: fc.integer({ min: 0, max: 9 }).map((value) => value === 0),
});

/** The embedded database has one connection, on which writers take turns. */
const [writers, runs] = process.env.TEST_DATABASE_URL ? [8, 8] : [2, 5];

describe('readers of the feed', () => {
  let testing: FeedDatabase;
  let feeds: Feed[];

  beforeAll(async () => {
    testing = await makeFeedDatabase();
    // Two processes that hear nothing of each other but by the database.
    feeds = [1, 2].map(() =>
      createFeed({ root: testing.database.root, bus: createLocalBus(), log: testing.log, beatMs: 20 }),
    );
  });

  afterAll(async () => {
    for (const feed of feeds) await feed.close();
    await testing.close();
  });

  it('see every event of their audience once and in order, following, polling and resuming', {
    timeout: 120_000,
  }, async () => {
    const scripts = fc.array(fc.array(commit, { minLength: 1, maxLength: 12 }), {
      minLength: writers,
      maxLength: writers,
    });
    await fc.assert(fc.asyncProperty(scripts, fc.infiniteStream(fc.nat(99)), runScripts), { numRuns: runs });
  });

  async function runScripts(scripts: Commit[][], chances: Iterator<number>): Promise<void> {
    const organizations = await Promise.all([testing.makeOrganization(2), testing.makeOrganization(2)]);
    const isDone = { value: false };
    const readers = organizations.flatMap(({ organizationId, userIds }) =>
      userIds.flatMap((userId, index) => {
        const target = { organizationId, userId, isDone, feed: getFeed(index) };
        return [follow(target, chances), poll(target, chances)].map((seen) => ({ organizationId, index, seen }));
      }),
    );
    const written = await Promise.all(scripts.map((script, writer) => write(script, writer, organizations)));
    isDone.value = true;
    for (const { organizationId, index, seen } of readers) {
      const expected = written.flat().filter((note) => isFor(note, organizationId, index));
      const messages = await seen;
      expect(messages.map(noteOf).toSorted()).toEqual(expected.toSorted());
      expectChain(messages);
    }
  }

  async function write(
    script: readonly Commit[],
    writer: number,
    organizations: readonly { organizationId: string; userIds: string[] }[],
  ): Promise<string[]> {
    const written: string[] = [];
    for (const [step, { organization, audiences, isRolledBack }] of script.entries()) {
      const { organizationId = '', userIds = [] } = organizations[organization] ?? {};
      const notes = audiences.map((audience, index) => `${organizationId} ${audience} ${writer}.${step}.${index}`);
      const attempt = testing.scopes.inOrganization(systemPrincipal(organizationId), (tx) => {
        for (const [index, audience] of audiences.entries()) {
          getFeed(writer).publish(tx, {
            type: 'job.progress',
            payload: { job: 'test', run_id: noRunId, fraction: 0, note: notes[index] ?? '' },
            ...(audience === 'all' ? {} : { audience: { userId: userIds[audience] ?? '' } }),
          });
        }
        return isRolledBack ? Promise.reject(new Error('rolled back')) : Promise.resolve();
      });
      await attempt.then(
        () => written.push(...notes),
        (error: Error) => expect(error.message).toBe('rolled back'),
      );
    }
    return written;
  }

  function getFeed(index: number): Feed {
    const feed = feeds[index % feeds.length];
    if (!feed) throw new Error('no feed');
    return feed;
  }
});

interface Target {
  feed: Feed;
  organizationId: string;
  userId: string;
  isDone: { value: boolean };
}

/** Follows, and at random drops the follower and resumes from the last number seen. */
async function follow(target: Target, chances: Iterator<number>): Promise<FeedMessage[]> {
  const { feed, organizationId, userId, isDone } = target;
  const seen: FeedMessage[] = [];
  for (;;) {
    const wasDone = isDone.value;
    const after = seen.at(-1)?.id ?? 0;
    // Once all is committed, what a poll finds past this place is what the follower must still bring.
    const rest = wasDone ? await feed.readAfter(organizationId, { userId }, { after, limit: 1_000 }) : undefined;
    if (rest?.events.length === 0) return seen;
    const follower = await feed.follow(organizationId, { userId }, { after });
    let batch: FeedBatch | undefined;
    do {
      batch = await Promise.race([follower.next(), hasPassed(feed, organizationId, userId)]);
      seen.push(...(batch?.events ?? []));
    } while (batch && (chances.next().value as number) < 80);
    follower.close();
  }
}

/** Lets the follower go after some turns in which it was brought nothing. */
async function hasPassed(feed: Feed, organizationId: string, userId: string): Promise<undefined> {
  for (let turn = 0; turn < 10; turn += 1) await feed.readAfter(organizationId, { userId }, { after: 0, limit: 1 });
  return undefined;
}

/** Polls with random limits, each time from the cursor it was given. */
async function poll({ feed, organizationId, userId, isDone }: Target, chances: Iterator<number>) {
  const seen: FeedMessage[] = [];
  let after = 0;
  for (;;) {
    const wasDone = isDone.value;
    const limit = 1 + (chances.next().value as number);
    const { events, cursor } = await feed.readAfter(organizationId, { userId }, { after, limit });
    expect(events[0]?.previous_id ?? after).toBe(after);
    seen.push(...events);
    after = cursor;
    if (wasDone && events.length < limit) return seen;
  }
}

function isFor(note: string, organizationId: string, memberIndex: number): boolean {
  const [organization, audience] = note.split(' ');
  return organization === organizationId && (audience === 'all' || audience === `${memberIndex}`);
}

function noteOf({ payload }: FeedMessage): string {
  return (payload as { note: string }).note;
}

/** Each event follows the one before it: nothing twice, nothing out of order, no number named that was not seen. */
function expectChain(messages: readonly FeedMessage[]): void {
  let last = 0;
  for (const { id, previous_id: previousId } of messages) {
    expect(id).toBeGreaterThan(last);
    expect(previousId).toBeGreaterThanOrEqual(last);
    expect(previousId).toBeLessThan(id);
    last = id;
  }
}
