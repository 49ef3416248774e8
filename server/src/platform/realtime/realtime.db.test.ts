import { once } from 'node:events';
import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { forbidden } from '#platform/access/principal.ts';
import { next, useSocketScene } from '#testing/socket-scene.ts';
import type { Connection } from './connection.ts';

const scene = useSocketScene();

const Week = Type.Object({ week: Type.String() });

function serveWeeks(connection: Connection): void {
  connection.on('subscribe', Week, ({ week }) => {
    connection.sendState(`week ${week}`, 'week_data', () => Promise.resolve({ week }));
    return { week };
  });
}

describe('a stock client', () => {
  it.each(['polling', 'websocket'])('connects over %s and is answered', async (transport) => {
    await scene.start({}, serveWeeks);
    const client = await scene.connect({ transports: [transport] });
    const data = next(client, 'week_data');
    expect(await client.emitWithAck('subscribe', { week: 'current' })).toEqual({ success: true, week: 'current' });
    expect(await data).toEqual({ week: 'current' });
    expect(scene.running.realtime.readSockets()).toEqual([{ transport, namespace: '/', count: 1 }]);
  });

  it('upgrades from polling by itself', async () => {
    await scene.start({}, serveWeeks);
    const client = await scene.connect();
    const { engine } = client.io;
    if (engine.transport.name === 'polling') await new Promise((resolve) => engine.once('upgrade', resolve));
    expect(await client.emitWithAck('subscribe', { week: 'last' })).toEqual({ success: true, week: 'last' });
  });

  it('is acknowledged before the state that it asked for comes', async () => {
    await scene.start({}, serveWeeks);
    const client = await scene.connect({ transports: ['websocket'] });
    const order: string[] = [];
    const data = next(client, 'week_data').then(() => order.push('state'));
    await client.emitWithAck('subscribe', { week: 'current' });
    order.push('ack');
    await data;
    expect(order).toEqual(['ack', 'state']);
  });

  it('gets its own code from the server', async () => {
    await scene.start({}, serveWeeks);
    const bundle = await fetch(`http://127.0.0.1:${scene.running.port}/socket.io/socket.io.esm.min.js`);
    expect(bundle.status).toBe(200);
    expect(bundle.headers.get('content-type')).toContain('javascript');
  });
});

describe('a handshake', () => {
  it('says what is wrong with the credentials', async () => {
    await scene.start({}, serveWeeks);
    expect(await scene.refusal({})).toMatchObject({
      message: expect.stringContaining('Sign in first'),
      data: { code: 'UNAUTHENTICATED' },
    });
    expect(await scene.refusal({ auth: { token: 'forged' } })).toMatchObject({
      message: 'The access token does not verify.',
      data: { code: 'INVALID_TOKEN' },
    });
    expect((await scene.refusal({ auth: { token: 7 } })).message).toBe('auth.token: is not of type string');
  });

  it.each(['polling', 'websocket'])('from the page of another site is refused over %s', async (transport) => {
    await scene.start({}, serveWeeks);
    const extraHeaders = { origin: 'https://evil.example' };
    expect(await scene.refusal({ auth: { token: 'good' }, transports: [transport], extraHeaders })).toBeInstanceOf(
      Error,
    );
    await scene.connect({ transports: [transport], extraHeaders: { origin: 'https://good.example' } });
  });

  it('tells allowed origins alone that they may read', async () => {
    await scene.start({}, serveWeeks);
    const ask = async (origin: string) => {
      const url = `http://127.0.0.1:${scene.running.port}/socket.io/?EIO=4&transport=polling`;
      const answer = await fetch(url, { headers: { origin } });
      return [answer.status, answer.headers.get('access-control-allow-origin')];
    };
    expect(await ask('https://good.example')).toEqual([200, 'https://good.example']);
    expect(await ask('https://evil.example')).toEqual([403, null]);
  });

  it('is refused past the connections of one user, and taken again when one has closed', async () => {
    await scene.start({ maxConnectionsPerUser: 2 });
    const first = await scene.connect();
    await scene.connect();
    expect((await scene.refusal({ auth: { token: 'good' } })).message).toContain('at most 2');
    await scene.connect({ auth: { token: 'other' } });
    const closed = new Promise<void>((resolve) => scene.connections[0]?.onClose(resolve));
    first.disconnect();
    await closed;
    await scene.connect();
  });
});

describe('a transport connection', () => {
  const forged = '40{"token":"forged"}';
  const good = '40{"token":"good"}';

  /** Sends the packets over a bare WebSocket, each when the one before is answered, and leaves or is closed after the last. */
  async function speak(packets: readonly string[], leaves: boolean): Promise<string[]> {
    const socket = new WebSocket(`ws://127.0.0.1:${scene.running.port}/socket.io/?EIO=4&transport=websocket`);
    const closed = once(socket, 'close');
    const left = [...packets];
    const answers: string[] = [];
    socket.addEventListener('message', ({ data }) => {
      answers.push(String(data));
      const packet = left.shift();
      if (packet !== undefined) socket.send(packet);
      else if (leaves) socket.close();
    });
    await closed;
    return answers.slice(1);
  }

  it('is closed when five handshakes have failed, after it was told', async () => {
    await scene.start();
    const answers = await speak(
      Array.from({ length: 5 }, () => forged),
      false,
    );
    expect(answers).toHaveLength(5);
    expect(answers.every((answer) => answer.includes('INVALID_TOKEN'))).toBe(true);
    await scene.connect();
  });

  it('may fail less often', async () => {
    await scene.start();
    const answers = await speak([forged, forged, forged, forged, good], true);
    expect(answers.at(4)).toMatch(/^40\{"sid"/);
  });
});

describe('what serves a connection', () => {
  it('may fail: the client is told and the connection ends, the process goes on', async () => {
    let isBroken = true;
    await scene.start({}, () => {
      if (isBroken) throw new Error('broken');
    });
    const client = scene.running.open({ auth: { token: 'good' } });
    const [told, gone] = [next(client, 'error'), next(client, 'disconnect')];
    client.connect();
    expect(await told).toEqual({ success: false, error: expect.stringMatching(/^internal error \([\da-f-]{36}\)$/) });
    expect(await gone).toBe('io server disconnect');
    isBroken = false;
    expect((await scene.connect()).connected).toBe(true);
  });

  it('may refuse for lack of a right: the connection goes on without it', async () => {
    await scene.start({}, () => {
      throw forbidden('The API key lacks the scope.');
    });
    const client = await scene.connect();
    expect(await client.emitWithAck('feed_subscribe', {})).toMatchObject({ success: true });
  });
});

describe('a connection ends', () => {
  it('when its session has ended, and the others stay', async () => {
    await scene.start();
    const client = await scene.connect();
    const other = await scene.connect({ auth: { token: 'other' } });
    const told = next(client, 'session_ended');
    const gone = next(client, 'disconnect');
    scene.running.ended.add('session 0');
    expect(await told).toEqual({ reason: 'The session or membership has ended.' });
    expect(await gone).toBe('io server disconnect');
    expect(other.connected).toBe(true);
  });

  it('when its token expires', async () => {
    scene.admissions.set('short', { principal: scene.member(0), expiresAt: new Date(Date.now() + 100) });
    await scene.start();
    const client = await scene.connect({ auth: { token: 'short' } });
    const gone = next(client, 'disconnect');
    expect(await next(client, 'token_expired')).toEqual({ reason: 'The access token has expired.' });
    await gone;
  });

  it('not when a fresh token of the same user was handed in', async () => {
    scene.admissions.set('short', { principal: scene.member(0), expiresAt: new Date(Date.now() + 60_000) });
    const later = new Date(Date.now() + 120_000);
    scene.admissions.set('fresh', { principal: scene.member(0), expiresAt: later });
    await scene.start();
    const client = await scene.connect({ auth: { token: 'short' } });
    expect(await client.emitWithAck('authenticate', { token: 'other' })).toMatchObject({ success: false });
    expect(await client.emitWithAck('authenticate', { token: 'forged' })).toEqual({
      success: false,
      error: 'The access token does not verify.',
    });
    expect(await client.emitWithAck('authenticate', { token: 'fresh' })).toEqual({
      success: true,
      expires_at: later.toISOString(),
    });
  });

  it('when the process drains, in a way that a stock client connects again', async () => {
    await scene.start();
    const client = await scene.connect({ reconnection: true, reconnectionDelay: 10_000 });
    const told = next(client, 'server_draining');
    const gone = next(client, 'disconnect');
    await scene.running.realtime.drain({ overMs: 50 });
    await told;
    expect(['transport close', 'transport error']).toContain(await gone);
    expect(client.active).toBe(true);
    expect(await scene.refusal({ auth: { token: 'good' } })).toBeInstanceOf(Error);
  });
});
