import type { FeedMessage } from '@almanac/contract/feed.ts';
import type { Socket } from 'socket.io-client';
import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { notFound } from '#platform/errors/app-error.ts';
import { life, next, useSocketScene } from '#testing/socket-scene.ts';
import type { Connection } from './connection.ts';

const scene = useSocketScene();

const Week = Type.Object(
  { week: Type.Enum(['current', 'last']), note: Type.Optional(Type.String({ maxLength: 20 })) },
  { additionalProperties: false },
);

function serveWeeks(connection: Connection): void {
  connection.on('subscribe', Week, ({ week }) => {
    connection.sendState(`week ${week}`, 'week_data', () => Promise.resolve({ week }));
    return { week };
  });
  connection.on('missing', Week, () => Promise.reject(notFound('week', 'x')));
  connection.on('broken', Type.Object({}), () => Promise.reject(new Error('secret inside')));
}

async function collect(client: Socket, count: number): Promise<FeedMessage[]> {
  const seen: FeedMessage[] = [];
  const { promise, resolve } = Promise.withResolvers<FeedMessage[]>();
  client.on('feed_event', (message: FeedMessage) => {
    if (seen.push(message) === count) resolve(seen);
  });
  return promise;
}

describe('a wrong event', () => {
  it.each([
    ['subscribe', [{ week: 'never' }], "week: 'never' is not one of current, last"],
    ['subscribe', [{}], 'week: is missing'],
    ['subscribe', [], 'week: is missing'],
    ['subscribe', [{ week: 'last', extra: 1 }], 'extra: is not taken here; taken are week, note'],
    ['subscribe', [null], "payload: 'null' is not an object"],
    ['subscribe', ['current'], "payload: 'current' is not an object"],
    ['subscribe', [[{ week: 'last' }]], 'is not an object'],
    ['subscribe', [{ week: 'last' }, { week: 'last' }], 'subscribe takes one payload; 2 were sent'],
    ['subscribe', [{ week: 'x'.repeat(100_000) }], 'at most 65536 are taken'],
    ['subscribe', [Buffer.from('binary')], 'week: is missing'],
    ['nonsense', [{}], "There is no event 'nonsense' here; taken are feed_subscribe"],
    ['feed_subscribe', [{ after: -1 }], "after: '-1' must be >= 0"],
    ['feed_subscribe', [{ types: ['x'] }], "types[0]: 'x' is not one of weekly.changed"],
    ['missing', [{ week: 'last' }], "There is no week 'x' here."],
  ])('%s %j is answered with what is wrong, and the connection stays open', async (event, args, message) => {
    await scene.start({}, serveWeeks);
    const client = await scene.connect({ transports: ['websocket'] });
    const told = next<{ success: boolean; error: string }>(client, 'error');
    const answer = await client.emitWithAck(event, ...args);
    expect(answer).toEqual({ success: false, error: expect.stringContaining(message) });
    expect(await told).toEqual(answer);
    expect(await client.emitWithAck('subscribe', { week: 'last' })).toMatchObject({ success: true });
  });

  it('that fails inside says nothing of the inside', async () => {
    await scene.start({}, serveWeeks);
    const client = await scene.connect();
    const { error } = await client.emitWithAck('broken', {});
    expect(error).toMatch(/^internal error \([0-9a-f-]{36}\)$/);
  });

  it('of too many is refused, and a flood is ended', async () => {
    await scene.start({ eventBurst: 5, eventsPerSecond: 1, maxRefusals: 10 }, serveWeeks);
    const client = await scene.connect({ transports: ['websocket'] });
    const errors: { error: string }[] = [];
    client.on('error', (error) => errors.push(error));
    const gone = next(client, 'disconnect');
    for (let sent = 0; sent < 40; sent += 1) client.emit('subscribe', { week: 'last' });
    expect(await gone).toBe('io server disconnect');
    expect(errors[0]?.error).toContain('Too many events: at most 1 a second');
  });
});

describe('the feed over a socket', () => {
  it('begins at the head, brings what follows, and ends', async () => {
    await scene.start({}, serveWeeks);
    await scene.publish(life('before'));
    const client = await scene.connect();
    expect(await client.emitWithAck('feed_subscribe')).toEqual({ success: true, cursor: 1, gone: false });
    const seen = collect(client, 2);
    await scene.publish(life('a'), { ...life('for another'), audience: { userId: scene.userIds[1] ?? '' } }, life('b'));
    expect((await seen).map(({ id, previous_id }) => [id, previous_id])).toEqual([
      [2, 1],
      [4, 2],
    ]);
    expect(await client.emitWithAck('feed_unsubscribe')).toEqual({ success: true });
    expect(scene.feed.counts().tails).toBe(0);
  });

  it('resumes from the number a client saw last', async () => {
    await scene.start({}, serveWeeks);
    await scene.publish(...Array.from({ length: 300 }, (_, index) => life(`${index}`)));
    const client = await scene.connect();
    const seen = collect(client, 250);
    expect(await client.emitWithAck('feed_subscribe', { after: 50 })).toEqual({
      success: true,
      cursor: 50,
      gone: false,
    });
    expect((await seen).map(({ id }) => id)).toEqual(Array.from({ length: 250 }, (_, index) => index + 51));
  });

  it('tells a client whose number is not known that it is gone', async () => {
    await scene.start({}, serveWeeks);
    await scene.publish(life('a'));
    const client = await scene.connect();
    expect(await client.emitWithAck('feed_subscribe', { after: 99 })).toEqual({ success: true, cursor: 1, gone: true });
  });

  it('lets a feature follow', async () => {
    await scene.start({}, serveWeeks);
    const client = await scene.connect();
    const [connection] = scene.connections;
    await connection?.follow(['weekly.changed'], ({ events }) => connection.send('heard', events.length));
    const heard = next(client, 'heard');
    await scene.publish(life('not this'), {
      type: 'weekly.changed',
      payload: { week: '2024-W51', week_start: '2024-12-16', version: 1 },
    });
    expect(await heard).toBe(1);
  });
});
