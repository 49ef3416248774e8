import { io } from 'socket.io-client';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { useFeedScene } from '../../testing/feed-scene.ts';
import type { AlmanacError, FeedEvent } from '../index.ts';
import type { OpenSocket, Socket } from './socket.ts';

const scene = useFeedScene();
const weekChanged = {
  type: 'weekly.changed',
  payload: { week: '2024-W51', week_start: '2024-12-16', version: 1 },
} as const;
const isLive = ({ connection }: { connection: { state: string } }) => connection.state === 'live';
const has =
  (count: number) =>
  ({ events }: { events: readonly unknown[] }) =>
    events.length >= count;
const notesOf = (events: readonly FeedEvent[]) =>
  events.map((event) => (event.type === 'job.progress' ? event.payload.note : event.type));

describe('One connection', () => {
  test('tells what comes from now on, by types that the compiler knows', async () => {
    const feed = scene.watch(scene.client());
    await feed.until(isLive);
    await scene.publish('second', 'third');
    await feed.until(has(2));
    expect(notesOf(feed.events)).toEqual(['second', 'third']);
    expect(feed.connection.cursor).toBe(feed.ids.at(-1));
    expect(feed.states).toEqual(['live']);
    scene
      .client()
      .connectFeed({
        types: ['weekly.changed', 'metric_update'],
        onEvent: (event) => {
          if (event.type === 'weekly.changed') expectTypeOf(event.payload.version).toEqualTypeOf<number>();
          else expectTypeOf(event.payload.metric_type).toEqualTypeOf<string>();
        },
      })
      .close();
  });

  test('serves all who follow, each from its own place and with its own types', async () => {
    const client = scene.client();
    const all = scene.watch(client);
    await all.until(isLive);
    const weeks = scene.watch(client, { types: ['weekly.changed'] });
    await weeks.until(isLive);
    await scene.publishDrafts(weekChanged);
    await scene.publish('second');
    await all.until(has(2));
    await weeks.until(has(1));
    const late = scene.watch(client, { after: 0, types: ['job.progress'] });
    await late.until(has(2));
    await scene.publish('third');
    await Promise.all([all.until(has(3)), late.until(has(3))]);
    expect(notesOf(all.events)).toEqual(['weekly.changed', 'second', 'third']);
    expect(notesOf(weeks.events)).toEqual(['weekly.changed']);
    expect(notesOf(late.events)).toEqual(['first', 'second', 'third']);
    expect(weeks.connection.cursor).toBe(late.ids.at(-1));
    expect(scene.sockets()).toBe(1);
  });

  test('tells one who came at the same time as another only what is asked for', async () => {
    const client = scene.client();
    const [weeks, jobs] = [['weekly.changed'], ['job.progress']].map((types) =>
      scene.watch(client, { types: types as never, after: 0 }),
    );
    await Promise.all([weeks?.until(isLive), jobs?.until(isLive)]);
    await scene.publishDrafts(weekChanged);
    await scene.publish('second');
    await Promise.all([weeks?.until(has(1)), jobs?.until(has(2))]);
    expect(notesOf(jobs?.events ?? [])).toEqual(['first', 'second']);
    expect(scene.sockets()).toBe(1);
  });

  test('ends with the last who follows, and begins again with the next', async () => {
    const client = scene.client();
    const [one, other] = [scene.watch(client), scene.watch(client)];
    await Promise.all([one.until(isLive), other.until(isLive)]);
    one.connection.close();
    await scene.publish('second');
    await other.until(has(1));
    expect(one.events).toEqual([]);
    other.connection.close();
    const again = scene.watch(client, { after: other.connection.cursor });
    await scene.publish('third');
    await again.until(has(1));
    expect(notesOf(again.events)).toEqual(['third']);
  });

  test('is not sent the week that nobody asked for', async () => {
    const sent: string[] = [];
    const opening: OpenSocket = (url, options) => {
      const socket = io(url, options);
      socket.onAny((event: string) => sent.push(event));
      return socket;
    };
    const feed = scene.watch(scene.client({ io: opening }));
    await feed.until(isLive);
    await scene.publishDrafts(weekChanged);
    await feed.until(has(1));
    await scene.publish('second');
    await feed.until(has(2));
    expect(sent).toEqual(['feed_event', 'feed_event']);
  });
});

test('a type that there is not ends the feed, and none at all is refused at once', async () => {
  const feed = scene.watch(scene.client(), { types: ['weekly.change' as 'weekly.changed'] });
  await feed.until(({ ends }) => ends.length > 0);
  expect((feed.ends[0] as AlmanacError).message).toContain("'weekly.change' is not one of weekly.changed");
  expect(() => scene.watch(scene.client(), { types: [] })).toThrow('types: name one at least');
});

describe('What is no longer kept', () => {
  test('is told to the one who wanted it, and to no other', async () => {
    const client = scene.client();
    const steady = scene.watch(client);
    await steady.until(isLive);
    const [head] = await scene.ids();
    const lost = scene.watch(client, { after: 1_000_000 });
    const oldest = scene.watch(client, { after: 0 });
    await Promise.all([lost.until(isLive), oldest.until(isLive)]);
    await scene.publish('second');
    await Promise.all([steady.until(has(1)), lost.until(has(1)), oldest.until(has(2))]);
    expect([steady.gone, lost.gone, oldest.gone]).toEqual([[], [head], []]);
    expect(notesOf(lost.events)).toEqual(['second']);
  });

  test('is told by polling too', async () => {
    scene.relay.refusesWebSockets = true;
    const lost = scene.watch(scene.client(), { after: 1_000_000 });
    await lost.until(({ gone }) => gone.length > 0);
    await scene.publish('second');
    await lost.until(has(1));
    expect(lost.gone).toEqual([(lost.ids[0] as number) - 1]);
  });
});

/** A network that loses every third event, as no TCP does. */
function loseEvents(): { opening: OpenSocket; lost: number[] } {
  const lost: number[] = [];
  let count = 0;
  const opening: OpenSocket = (url, options) => {
    const socket: Socket = io(url, options);
    const on: Socket['on'] = (event, listener) => {
      const filter = (message: { id: number }) => {
        count += 1;
        if (event === 'feed_event' && count % 3 === 0) lost.push(message.id);
        else listener(message as never);
      };
      return socket.on(event, event === 'feed_event' ? filter : listener);
    };
    return new Proxy(socket, { get: (it, name) => (name === 'on' ? on : bindTo(it, name as keyof Socket)) });
  };
  return { opening, lost };
}

function bindTo(socket: Socket, name: keyof Socket): unknown {
  const value: unknown = socket[name];
  return typeof value === 'function' ? value.bind(socket) : value;
}

test('a gap is filled before what follows it is told', async () => {
  const { opening, lost } = loseEvents();
  const client = scene.client({ io: opening });
  const feed = scene.watch(client);
  await feed.until(isLive);
  for (let count = 1; count <= 20; count += 1)
    await scene.publish(...['a', 'b', 'c'].map((step) => `${count} ${step}`));
  const ids = (await scene.ids()).slice(1);
  const seen = () => feed.ids.at(-1) === ids.at(-1);
  while (!seen()) {
    await scene.publish('one more');
    ids.splice(0, ids.length, ...(await scene.ids()).slice(1));
    await feed.until(() => feed.ids.length >= ids.length - 1);
  }
  expect(lost.length).toBeGreaterThan(5);
  expect(feed.ids).toEqual(ids);
});

describe('A token that ends', () => {
  test('is replaced before it does, and the connection goes on', async () => {
    const late: (() => void)[] = [];
    const timing = {
      now: () => scene.server.clock.now.getTime(),
      random: () => 0.5,
      after: (milliseconds: number, run: () => void) => {
        if (milliseconds > 60_000) late.push(run);
        return () => undefined;
      },
    };
    const feed = scene.watch(scene.client({ timing }));
    await feed.until(isLive);
    for (let count = 0; count < 3; count += 1) {
      scene.server.pass(845);
      const planned = late.length;
      late.at(-1)?.();
      while (late.length === planned) await new Promise(setImmediate);
      scene.server.pass(100);
      scene.server.realtime.sessions.endExpired();
      await scene.publish(`after ${count}`);
      await feed.until(has(count + 1));
    }
    expect(feed.states).toEqual(['live']);
  });

  test('is replaced after it did, without a gap', async () => {
    const feed = scene.watch(scene.client());
    await feed.until(isLive);
    for (let count = 1; count <= 3; count += 1) {
      scene.server.pass(901);
      scene.server.realtime.sessions.endExpired();
      await scene.publish(`${count}`);
      await feed.until(has(count));
      await feed.until(isLive);
    }
    expect(notesOf(feed.events)).toEqual(['1', '2', '3']);
    expect(feed.states).toContain('connecting');
  });

  test('ends the feed where nothing replaces it', async () => {
    const feed = scene.watch(scene.client({ refreshToken: undefined }));
    await feed.until(isLive);
    scene.server.pass(901);
    scene.server.realtime.sessions.endExpired();
    await feed.until(({ ends }) => ends.length > 0);
    expect(feed.ends).toEqual([expect.objectContaining({ code: 'INVALID_TOKEN', status: 0 })]);
    expect(feed.connection.state).toBe('offline');
  });
});

describe('A session', () => {
  test('that ends, ends the feed', async () => {
    const client = scene.client();
    const feed = scene.watch(client);
    await feed.until(isLive);
    const elsewhere = scene.client({ refreshToken: undefined });
    await elsewhere.identity.logout({ body: { all: true } });
    await scene.server.realtime.sessions.endRevoked();
    await feed.until(({ ends }) => ends.length > 0);
    expect((feed.ends[0] as AlmanacError).code).toBe('INVALID_TOKEN');
    expect(feed.states).toEqual(['live', 'connecting', 'offline']);
  });

  test('whose rights change goes on with them', async () => {
    const feed = scene.watch(scene.client());
    await feed.until(isLive);
    const owner = await scene.organization.member('owner');
    const { members } = scene.client({ token: owner.token, refreshToken: undefined });
    const member = { id: scene.organization.id, user_id: scene.userId };
    await members.update({ params: member, body: { role: 'viewer' } });
    await scene.server.realtime.sessions.endRevoked();
    await scene.publish('second');
    await feed.until(({ events }) => notesOf(events).includes('second'));
    await members.remove({ params: member });
    await scene.server.realtime.sessions.endRevoked();
    await feed.until(({ ends }) => ends.length > 0);
    expect((feed.ends[0] as AlmanacError).code).toBe('NOT_FOUND');
  });

  test('that is signed out of by the client ends the feed at once', async () => {
    const client = scene.client({ token: undefined });
    const feed = scene.watch(client);
    await feed.until(isLive);
    await client.identity.logout();
    expect(feed.ends).toHaveLength(1);
    expect(feed.connection.state).toBe('offline');
  });
});
