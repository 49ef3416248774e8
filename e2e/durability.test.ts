import { randomUUID } from 'node:crypto';
import type { NewItem } from '@almanac/contract/weekly.ts';
import { expect, test } from 'vitest';
import { findBreaks, openSocket } from './support/open-socket.ts';
import { useScene } from './support/scene.ts';
import { newItem, type Person, signUp } from './support/sign-up.ts';
import type { StartedServer } from './support/start-server.ts';
import { waitUntil } from './support/wait-until.ts';
import { watchReplays } from './support/watch-replays.ts';

const scene = useScene();
const writers = 4;
const answersBeforeKill = 40;
const inserted = { inserted: 1, updated: 0, unchanged: 0 };

interface Post {
  readonly item: NewItem;
  readonly key: string;
  /** Undefined where the server was killed before it answered. */
  answer: unknown;
}

/** Posts one item a call, from several sides at once, and kills the server amid it; answers when it is gone. */
async function postUntilKilled(person: Person, server: StartedServer): Promise<Post[]> {
  const client = person.on(server.url);
  const posts: Post[] = [];
  let answered = 0;
  const write = async () => {
    for (;;) {
      const id = randomUUID();
      const post: Post = { item: newItem(id), key: `key-${id}`, answer: undefined };
      posts.push(post);
      try {
        post.answer = await client.weekly.addItems({ body: { items: [post.item] }, idempotencyKey: post.key });
      } catch {
        return;
      }
      answered += 1;
      if (answered === answersBeforeKill) await server.kill();
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  return posts;
}

/** How often each external id is stored. */
async function countStored(person: Person, server: StartedServer): Promise<Map<string, number>> {
  const file = await person.on(server.url).weekly.export({ query: { format: 'csv' } });
  const text = await file.text();
  const [header = '', ...rows] = text.trim().split('\r\n');
  const column = header.split(',').indexOf('external_id');
  return Map.groupBy(rows, (row) => row.split(',')[column] ?? '')
    .entries()
    .reduce((counts, [id, found]) => counts.set(id, found.length), new Map<string, number>());
}

/** Sends every post again, as a client does that does not know whether it was taken. */
async function repeat(person: Person, server: StartedServer, posts: readonly Post[]): Promise<void> {
  const replays = watchReplays();
  const client = person.on(server.url, replays.fetch);
  for (const { item, key, answer } of posts) {
    expect(await client.weekly.addItems({ body: { items: [item] }, idempotencyKey: key })).toEqual(inserted);
    if (answer !== undefined) expect(replays.wasReplayed(), `the answer to ${key} is the stored one`).toBe(true);
  }
}

/** The feed, from its first number, comes to tell of the week as it is: also of changes that were killed on their way. */
async function expectWholeFeed(person: Person, server: StartedServer): Promise<void> {
  const client = person.on(server.url);
  const { version } = await client.weekly.getSummary();
  await waitUntil(`the feed tells of version ${version}`, async () => {
    const { events, gone } = await client.feed.read({ query: { after: 0, limit: 1_000 } });
    expect(gone).toBe(false);
    expect(events[0]?.previous_id).toBe(0);
    expect(findBreaks(events)).toEqual([]);
    const told = events.findLast(({ type }) => type === 'weekly.changed')?.payload as { version: number } | undefined;
    return told?.version === version;
  });
}

test.each(['embedded', 'PostgreSQL'])('kill -9 loses nothing that was answered: %s', async (kind) => {
  const cwd = await scene.makeFolder();
  const env = kind === 'embedded' ? {} : { DATABASE_URL: (await scene.makeDatabase()).url };
  const start = (port = 0) => scene.startServer({ ...env, PORT: String(port) }, cwd);
  let server = await start();
  const person = await signUp(server.url);
  const listener = await openSocket(server.url, { token: person.token, followsFeed: true });
  scene.closeLater(() => listener.close());

  const posts: Post[] = [];
  for (let round = 0; round < 2; round += 1) {
    posts.push(...(await postUntilKilled(person, server)));
    server = await start(server.port);
    const stored = await countStored(person, server);
    for (const { item, answer } of posts) {
      const count = stored.get(item.external_id ?? '') ?? 0;
      if (answer === undefined) expect(count).toBeLessThanOrEqual(1);
      else expect(count, `how often ${item.external_id}, which was acknowledged, is there`).toBe(1);
    }
    await expectWholeFeed(person, server);
  }

  await repeat(person, server, posts);
  const stored = await countStored(person, server);
  expect([...stored.values()].every((count) => count === 1)).toBe(true);
  expect(stored.size).toBe(posts.length);
  const { stats } = await person.on(server.url).weekly.getSummary();
  expect(stats.updates).toBe(posts.length);
  await expectWholeFeed(person, server);
  await listener.week((week) => week.stats.updates === posts.length);
  expect(findBreaks(listener.events)).toEqual([]);
});
