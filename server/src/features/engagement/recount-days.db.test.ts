import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockCalendar } from '#features/organizations/index.ts';
import { newId } from '#kernel/ids.ts';
import { type AnalyticsScene, makeAnalyticsScene } from '#testing/analytics-scene.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { recountSome } from './recount-days.ts';

let it: TestApp;
beforeAll(async () => {
  it = await makeTestApp({ now: new Date('2024-12-18T12:00:00Z') });
});
afterAll(() => it.close());

const dayMs = 86_400_000;
const zones = ['UTC', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/Havana', 'Pacific/Apia', 'Pacific/Pago_Pago'];

async function changeZone(scene: AnalyticsScene, timezone: string) {
  const url = `/api/organizations/${scene.organization.id}`;
  const answer = await scene.ask({ method: 'PUT', url, body: { timezone } });
  expect(answer.statusCode, answer.body).toBe(200);
}

const step = (scene: AnalyticsScene, days: number, isKilled = false) =>
  scene
    .within(async (tx) => {
      await lockCalendar(tx, tx.organizationId);
      const done = await recountSome(tx, { now: it.clock.now, days });
      if (isKilled) throw new Error('killed');
      return done;
    })
    .catch((error: Error) => {
      if (error.message !== 'killed') throw error;
    });

/** What differs between the days on record and a recount of the events, from a day on. */
const listDifferences = ({ rows, organization }: AnalyticsScene, timezone: string, from: string) =>
  rows(sql`
    with recount as (
      select (created_at at time zone ${timezone})::date as day, user_id, count(*) as events, min(created_at) as first_at,
        max(created_at) as last_at
      from user_activity_logs where organization_id = ${organization.id}
        and (created_at at time zone ${timezone})::date >= ${from}::date
      group by 1, 2
    ),
    kept as (
      select day, user_id, events, first_at, last_at from activity_daily_users
      where organization_id = ${organization.id} and day >= ${from}::date
    )
    (select 'missing' as what, * from (select * from recount except select * from kept) r)
    union all (select 'extra', * from (select * from kept except select * from recount) k)`);

/** Minutes before now: many at midnights of some zone, and at the change of clocks in Havana and on Lord Howe. */
const events = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 170 }),
    fc.integer({ min: 1_060, max: 1_090 }),
    fc.integer({ min: 0, max: 2_100 }),
  ),
  { minLength: 1, maxLength: 12 },
);
const act = (scene: AnalyticsScene, halfHours: readonly number[]) =>
  scene.act(
    halfHours.map((n) => ({
      ...{ id: newId(), activity_type: 'login' },
      created_at: new Date(it.clock.now.getTime() - n * 1_800_000 - 1).toISOString(),
    })),
  );

const keptFrom = '2024-09-21';

test('however the zone, writers and the job cross, the days that the events tell of equal a recount at the end', async () => {
  await fc.assert(
    fc.asyncProperty(
      events,
      events,
      fc.array(fc.constantFrom(...zones), { minLength: 1, maxLength: 4 }),
      async (...drawn) => {
        const [first, later, taken] = drawn;
        const scene = await makeAnalyticsScene(it, { timezone: 'Europe/Berlin' });
        await act(scene, first);
        for (const timezone of taken) {
          await changeZone(scene, timezone);
          // Who is active now is told right at once.
          const today = await scene.rows<{ people: number }>(sql`
          select count(distinct user_id) as people from user_activity_logs where organization_id = ${scene.organization.id}
            and (created_at at time zone ${timezone})::date = (${it.clock.now}::timestamptz at time zone ${timezone})::date`);
          expect((await scene.realtime()).active_users_today).toBe(today[0]?.people);
          expect((await scene.summary({ period_days: 30 })).user_stats.active_users).toBeLessThanOrEqual(1);
          await Promise.all([step(scene, 9), act(scene, later), step(scene, 20, true), step(scene, 5)]);
        }
        const last = taken.at(-1) ?? 'UTC';
        for (let steps = 0; await step(scene, 11); steps += 1) expect(steps).toBeLessThan(20);
        expect(await listDifferences(scene, last, keptFrom)).toEqual([]);
        const marks = await scene.rows(sql`
        select from activity_recounts where organization_id = ${scene.organization.id}`);
        expect(marks).toHaveLength(0);
      },
    ),
    { numRuns: 6 },
  );
}, 60_000);

test('a summary says that it is not complete until its days are counted by the new zone, and no longer', async () => {
  const scene = await makeAnalyticsScene(it, { timezone: 'UTC' });
  const at = (time: string) => ({ id: newId(), activity_type: 'login', created_at: time });
  await scene.act([at('2024-12-02T23:30:00Z'), at('2024-12-17T10:00:00Z')]);
  const period = { period_start: '2024-12-03', period_end: '2024-12-04' };
  expect(await scene.summary(period)).toMatchObject({ user_stats: { active_users: 0 }, complete: true });
  await changeZone(scene, 'Asia/Kolkata');
  expect((await scene.summary(period)).complete).toBe(false);
  expect(await scene.summary({ period_start: '2024-12-17', period_end: '2024-12-17' })).toMatchObject({
    user_stats: { active_users: 1 },
    complete: false,
  });
  await step(scene, 14);
  // The days before the period are not counted yet.
  expect((await scene.summary({ ...period, period_start: '2024-12-03' })).complete).toBe(false);
  while (await step(scene, 30));
  // Past what is cached: the job itself has it forgotten.
  it.clock.now = new Date(it.clock.now.getTime() + 120_000);
  expect(await scene.summary(period)).toMatchObject({ user_stats: { active_users: 1 }, complete: true });
});

test('days that the events tell of no more stay as they were counted', async () => {
  const scene = await makeAnalyticsScene(it, { timezone: 'UTC' });
  const old = new Date(it.clock.now.getTime() - 120 * dayMs).toISOString().slice(0, 10);
  await scene.rows(sql`
    insert into activity_daily_users (organization_id, day, user_id, events, first_at, last_at)
    values (${scene.organization.id}, ${old}, ${scene.owner.userId}, 3, ${old}::date, ${old}::date)`);
  await changeZone(scene, 'Pacific/Apia');
  while (await step(scene, 30));
  const rows = await scene.rows(sql<{ day: string; events: number }>`
    select day, events from activity_daily_users where organization_id = ${scene.organization.id}`);
  expect(rows).toEqual([{ day: old, events: 3 }]);
});
