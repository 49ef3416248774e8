import { beforeAll, describe, expect, test } from 'vitest';
import type { OwnedDatabase } from './support/make-database.ts';
import { openBalancer } from './support/open-balancer.ts';
import { findBreaks, openSocket } from './support/open-socket.ts';
import { redisUrl, sharedSecrets, useScene } from './support/scene.ts';
import { newItem, type Person, signUp } from './support/sign-up.ts';
import { errorLines, type StartedServer } from './support/start-server.ts';
import { waitUntil } from './support/wait-until.ts';

const scene = useScene();

describe.each([
  { bus: 'Redis', busEnv: { REDIS_URL: redisUrl } },
  { bus: 'NOTIFY alone', busEnv: {} },
])('two processes on one PostgreSQL, with $bus', ({ busEnv }) => {
  let database: OwnedDatabase;
  let first: StartedServer;
  let second: StartedServer;
  let person: Person;
  let count = 0;

  beforeAll(async () => {
    database = await scene.makeDatabase();
    const env = { ...busEnv, ...sharedSecrets(), DATABASE_URL: database.url };
    // At once, on an empty database: one of them brings the schema.
    [first, second] = await Promise.all([scene.startServer(env), scene.startServer(env)]);
    person = await signUp(first.url);
  });

  const post = async ({ url }: StartedServer) => {
    count += 1;
    await person.on(url).weekly.addItems({ body: { items: [newItem(`item ${count}`)] } });
    return count;
  };
  const read = async ({ url }: StartedServer) => (await person.on(url).weekly.getSummary()).stats.updates;

  test('an item posted to one reaches the sockets of the other', async () => {
    const listener = await openSocket(second.url, { token: person.token });
    scene.closeLater(() => listener.close());
    const latencies: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      const number = await post(first);
      const answeredAt = performance.now();
      await listener.week(({ stats }) => stats.updates === number);
      latencies.push(performance.now() - answeredAt);
    }
    // The first of a burst goes at once, the next ones at most four a second.
    expect(Math.min(...latencies)).toBeLessThan(250);
    expect(Math.max(...latencies)).toBeLessThan(1_000);
  });

  test('the next read on the other shows what was posted, however warm its cache is', async () => {
    for (let round = 0; round < 100; round += 1) {
      for (const [writer, reader] of [
        [first, second],
        [second, first],
      ] as const) {
        await read(reader);
        const number = await post(writer);
        expect(await read(reader), `round ${round}`).toBe(number);
      }
    }
  });

  test('each due time of a job runs once', async () => {
    const job = `job_name = 'refresh_weekly_data'`;
    const settled = async () => {
      const rows = await database.query<{ status: string }>(`select status from scheduled_job_logs where ${job}`);
      return rows.every(({ status }) => status === 'succeeded') && rows;
    };
    await waitUntil('no run is under way', settled);
    // As if an hour had passed in which nothing ran: both processes find the last due time open.
    await database.query(`delete from scheduled_job_logs where ${job}`);
    await database.query(`delete from job_slots where ${job}`);
    await database.query(
      `update scheduled_job_config set due_after = now() - interval '1 hour' where name = 'refresh_weekly_data'`,
    );
    await waitUntil('the job ran', async () => ((await settled()) || []).length > 0, 10_000);
    const slots = await database.query(`select slot from job_slots where ${job}`);
    expect(slots).toHaveLength(1);
    const twice = await database.query(`
      select job_name, slot, organization_id, count(*) from scheduled_job_logs
      group by job_name, slot, organization_id having count(*) > 1`);
    expect(twice).toEqual([]);
  });

  test('sockets of a killed process go on at the other, without a gap or a double', async () => {
    const balancer = await openBalancer([first.port, second.port]);
    scene.closeLater(() => balancer.close());
    const listener = await openSocket(balancer.url, {
      token: person.token,
      followsFeed: true,
      transports: ['websocket'],
    });
    scene.closeLater(() => listener.close());
    for (let round = 0; round < 10; round += 1) await post(second);
    const before = await post(first);
    await listener.week(({ stats }) => stats.updates === before);
    const killed = first.kill();
    for (let round = 0; round < 20; round += 1) await post(second);
    await killed;
    const last = await post(second);
    const week = await listener.week(({ stats }) => stats.updates === last);
    await waitUntil('the feed tells of the last change', () => {
      const changes = listener.events.filter(({ type }) => type === 'weekly.changed');
      const told = changes.at(-1)?.payload as { version: number } | undefined;
      return told?.version === week.version;
    });
    expect(findBreaks(listener.events)).toEqual([]);
    expect(errorLines(second)).toEqual([]);
  });
});
