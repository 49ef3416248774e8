import { tenantNamespace } from '@almanac/contract/tenant.ts';
import { io, type Socket } from 'socket.io-client';
import { beforeAll, describe, expect, test } from 'vitest';
import type { OwnedDatabase } from './support/make-database.ts';
import { openBalancer } from './support/open-balancer.ts';
import { redisUrl, sharedSecrets, useScene } from './support/scene.ts';
import { type Person, signUp } from './support/sign-up.ts';
import type { StartedServer } from './support/start-server.ts';
import { waitUntil } from './support/wait-until.ts';

const scene = useScene();

interface Told {
  name: string;
  payload: { version: number; recovered?: boolean; landlordViews?: number };
}

describe.each([
  { bus: 'Redis', busEnv: { REDIS_URL: redisUrl } },
  { bus: 'NOTIFY alone', busEnv: {} },
])('the tenant’s dashboard on two processes, with $bus', ({ busEnv }) => {
  let database: OwnedDatabase;
  let first: StartedServer;
  let second: StartedServer;
  let person: Person;
  let socket: Socket;
  let businessId: string;
  const told: Told[] = [];

  beforeAll(async () => {
    database = await scene.makeDatabase();
    const env = { ...busEnv, ...sharedSecrets(), DATABASE_URL: database.url };
    [first, second] = await Promise.all([scene.startServer(env), scene.startServer(env)]);
    person = await signUp(first.url, 'tenant');
    businessId = (await person.on(first.url).businesses.create({ body: { name: 'Harbour Lofts' } })).id;
    const balancer = await openBalancer([first.port, second.port]);
    scene.closeLater(() => balancer.close());
    const auth = { token: person.token };
    socket = io(`${balancer.url}${tenantNamespace}`, { auth, transports: ['websocket'], reconnectionDelay: 10 });
    scene.closeLater(() => socket.disconnect());
    socket.onAny((name: string, payload: Told['payload']) => told.push({ name, payload }));
    await waitUntil('the client is connected', () => told.some(({ name }) => name === 'connected'));
  });

  const add = async ({ url }: StartedServer) => {
    const params = { id: businessId };
    return (await person.on(url).businesses.addMetrics({ params, body: { views: 1 } })).version;
  };
  const readViews = async ({ url }: StartedServer) => (await person.on(url).tenant.kpis()).landlordViews;
  const versions = () => told.filter(({ name }) => name === 'metrics:updated').map(({ payload }) => payload.version);

  test('what is written on one shows on the other with the next read, and on its sockets', async () => {
    for (let round = 0; round < 10; round += 1) {
      await readViews(first);
      const version = await add(second);
      expect(await readViews(first)).toBe(round + 1);
      await waitUntil('the socket has been told', () => versions().at(-1) === version);
    }
  });

  test('a stock client whose process is killed gets what it missed on the other, each change once', async () => {
    const killed = first.kill();
    for (let round = 0; round < 20; round += 1) await add(second);
    await killed;
    const last = await add(second);
    await waitUntil('the client has come back', () => told.find(({ name }) => name === 'reconnected'));
    await waitUntil('the client has been told', () => versions().at(-1) === last);
    expect(told.find(({ name }) => name === 'reconnected')?.payload.recovered).toBe(true);
    expect(versions()).toEqual(Array.from({ length: last - 1 }, (_, index) => index + 2));
    await waitUntil('the KPIs are those of a fresh reading', async () => {
      const newest = told.findLast(({ name }) => name === 'kpi:update');
      return newest?.payload.landlordViews === (await readViews(second));
    });
  });
});
