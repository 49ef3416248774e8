import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { sql } from 'kysely';
import type { Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { DashboardClient, listen, openDashboard, readState } from '#testing/dashboard-client.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { next } from '#testing/socket-scene.ts';
import { makeTenant, type Tenant } from '#testing/tenant-scene.ts';

let it: TestApp;
let url: string;
let tenant: Tenant;
const opened: { close(): unknown }[] = [];
beforeAll(async () => {
  it = await makeTestApp({ now: new Date('2024-12-18T12:00:00Z') });
  url = await listen(it);
});
beforeEach(async () => {
  tenant = await makeTenant(it);
});
afterEach(() => {
  for (const client of opened.splice(0)) client.close();
});
afterAll(() => it.close());

const open = async (options = {}): Promise<DashboardClient> => {
  const client = await DashboardClient.open(url, tenant, options);
  opened.push(client);
  return client;
};
const connect = (auth: Record<string, unknown>): Socket => {
  const socket = openDashboard(url, { reconnection: false, auth });
  opened.push({ close: () => socket.disconnect() });
  return socket;
};
/** Holds a client off while something happens, once the server has noticed that it is gone. */
const whileAway = async ({ socket }: DashboardClient, work: () => Promise<void>): Promise<void> => {
  socket.io.reconnection(false);
  const gone = next(socket, 'disconnect');
  socket.io.engine?.close();
  await gone;
  await vi.waitFor(() =>
    expect(it.realtime.readSockets()).not.toContainEqual(expect.objectContaining({ namespace: '/dashboard' })),
  );
  await work();
  socket.io.reconnection(true);
  socket.connect();
};
const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 8_000, interval: 5 });

describe('A stock client that was away for two minutes at most', () => {
  test('gets what it missed, in its order, and is told that it has recovered', async () => {
    const { id } = await tenant.make();
    const client = await open();
    const pid = (client.socket as unknown as { _pid: string })._pid;
    await whileAway(client, async () => {
      it.clock.now = new Date(it.clock.now.getTime() + 119_000);
      for (const views of [1, 2, 3]) await tenant.add(id, { views });
    });
    const [reconnected] = await client.told('reconnected');
    expect(reconnected?.payload).toEqual({ recovered: true, version: 4 });
    expect(client.socket.recovered).toBe(true);
    expect((client.socket as unknown as { _pid: string })._pid).toBe(pid);
    const names = client.received.map(({ name }) => name);
    expect(names.slice(0, 6)).toEqual([
      'connected',
      'current-state',
      'metrics:updated',
      'metrics:updated',
      'metrics:updated',
      'reconnected',
    ]);
    await until(async () => expect(client.state).toEqual(await readState(tenant)));
    expect(client.faults).toEqual([]);
  });

  test('that missed nothing has recovered too, and goes on', async () => {
    const { id } = await tenant.make();
    const client = await open();
    await whileAway(client, async () => undefined);
    const [reconnected] = await client.told('reconnected');
    expect(reconnected?.payload).toEqual({ recovered: true, version: 1 });
    await tenant.add(id, { views: 5 });
    await client.told('metrics:updated');
    await until(async () => expect(client.state).toEqual(await readState(tenant)));
    expect(client.faults).toEqual([]);
  });
});

test('a client that was away for longer is told that it has not recovered, and asks for the state', async () => {
  const { id } = await tenant.make();
  const client = await open();
  await whileAway(client, async () => {
    await tenant.add(id, { views: 1 });
    it.clock.now = new Date(it.clock.now.getTime() + 121_000);
  });
  const [reconnected] = await client.told('reconnected');
  expect(reconnected?.payload).toEqual({ recovered: false, version: 2 });
  expect(client.socket.recovered).toBe(false);
  await client.told('current-state', 2);
  expect(client.received.map(({ name }) => name)).not.toContain('metrics:updated');
  await tenant.add(id, { views: 2 });
  await client.told('metrics:updated');
  await until(async () => expect(client.state).toEqual(await readState(tenant)));
  expect(client.faults).toEqual([]);
});

describe('A client that shows by itself how far it has come, as auth.cursor,', () => {
  const lastOffset = async (client: DashboardClient): Promise<string> => {
    const offset = (client.socket as unknown as { _lastOffset?: string })._lastOffset;
    if (offset === undefined) throw new Error('No event has come with an offset.');
    return offset;
  };

  test('gets what it missed, on any connection', async () => {
    const { id } = await tenant.make();
    const client = await open();
    const cursor = await lastOffset(client);
    client.close();
    await tenant.add(id, { views: 7 });
    const socket = connect({ token: tenant.token, organization: tenant.organization.id, cursor });
    const missed = next(socket, 'metrics:updated');
    const told = next(socket, 'reconnected');
    expect(await missed).toMatchObject({ version: 2, added: { views: 7 } });
    expect(await told).toEqual({ recovered: true, version: 2 });
  });

  test('gets nothing of another user, and is told to ask for the state', async () => {
    const { id } = await tenant.make();
    const client = await open();
    const cursor = await lastOffset(client);
    const pid = (client.socket as unknown as { _pid: string })._pid;
    client.close();
    await tenant.add(id, { views: 7 });
    const colleague = await makeTenant(it, tenant);
    for (const shown of [{ cursor }, { pid, offset: cursor }]) {
      const socket = connect({ token: colleague.token, organization: tenant.organization.id, ...shown });
      const seen: string[] = [];
      socket.onAny((name: string) => seen.push(name));
      expect(await next(socket, 'reconnected')).toEqual({ recovered: false, version: 0 });
      expect((socket as unknown as { _pid: string })._pid).not.toBe(pid);
      expect(await socket.emitWithAck('request:current-state')).toMatchObject({ total: 0 });
      expect(seen).toEqual(['reconnected', 'current-state']);
    }
  });

  test.each([
    ['a text that nobody sealed', { cursor: 'AAAA' }],
    ['nothing of a session', { pid: 'AAAA' }],
    ['an offset of nobody', { pid: 'AAAA', offset: '12' }],
    ['an empty one', { cursor: '' }],
  ])('is told to ask for the state where that is %s', async (_what, shown) => {
    const socket = connect({ token: tenant.token, organization: tenant.organization.id, ...shown });
    expect(await next(socket, 'reconnected')).toEqual({ recovered: false, version: 0 });
  });

  test('is asked for its rights like everybody else', async () => {
    const client = await open();
    const cursor = await lastOffset(client);
    client.close();
    const socket = connect({ cursor });
    const { data } = await next<Error & { data: { code: string } }>(socket, 'connect_error');
    expect(data.code).toBe('UNAUTHENTICATED');
  });
});

/** Writes as a tenant does, and waits for none of it. */
class Writer {
  readonly #ids: string[];
  readonly #writes: Promise<unknown>[] = [];

  constructor(first: string) {
    this.#ids = [first];
  }

  write(kind: 'make' | 'change' | 'add' | 'remove', index: number): void {
    const id = this.#ids[index % this.#ids.length] ?? '';
    const kinds = {
      make: async () => void this.#ids.push((await tenant.make({ name: `Business ${index}` })).id),
      change: () => tenant.change(id, { status: index % 2 ? 'paused' : 'active' }),
      add: () => Promise.all([1, 2, 3].map((views) => tenant.add(this.#ids[0] ?? '', { views, invites: 1 }))),
      remove: async () => this.#ids.length > 1 && tenant.remove(this.#ids.pop() ?? ''),
    };
    this.#writes.push(kinds[kind]().catch(() => 'gone by then'));
  }

  async done(): Promise<void> {
    await Promise.all(this.#writes);
  }
}

test('100 random cuts under writes end with the state of a fresh reading, no version left out and none twice', async () => {
  const kinds = ['make', 'change', 'add', 'add', 'add', 'remove', 'ask'] as const;
  const step = fc.record({ kind: fc.constantFrom(...kinds), turns: fc.integer({ min: 0, max: 300 }) });
  const scripts = fc.sample(fc.array(step, { minLength: 25, maxLength: 25 }), { numRuns: 4, seed: 20_241_218 });
  for (const [run, script] of scripts.entries()) {
    tenant = await makeTenant(it);
    const client = await open(run % 2 ? { transports: ['websocket'] } : {});
    const writer = new Writer((await tenant.make()).id);
    for (const [index, { kind, turns }] of script.entries()) {
      if (kind === 'ask') client.socket.emit('request:current-state');
      else writer.write(kind, index);
      // So that cuts meet connections that are being made, catch up, and follow.
      for (let turn = 0; turn < turns; turn += 1) await setImmediate();
      await client.cut();
    }
    await writer.done();
    await until(async () => expect(client.state).toEqual(await readState(tenant)));
    expect(client.faults).toEqual([]);
    expect(await recount()).toEqual(client.state?.kpis.landlordViews);
    client.close();
  }
});

/** The views of the tenant's businesses, from their days. */
async function recount(): Promise<number | undefined> {
  const { rows } = await sql<{ views: number }>`
    select coalesce(sum(m.views_count), 0)::int as views from businesses b
    join business_metrics m on m.organization_id = b.organization_id and m.business_id = b.id
    where b.user_id = ${tenant.userId}`.execute(it.platform.database.root);
  return rows[0]?.views;
}
