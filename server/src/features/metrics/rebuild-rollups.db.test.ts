import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { lockCalendar } from '#features/organizations/index.ts';
import { newId } from '#kernel/ids.ts';
import { systemPrincipal } from '#platform/access/principal.ts';
import { inject } from '#testing/inject.ts';
import type { TestMember } from '#testing/make-app.ts';
import { MetricsScene, point } from '#testing/metrics-scene.ts';
import { rebuildSome } from './rebuild-rollups.ts';

let scene: MetricsScene;
let owner: TestMember;
beforeAll(async () => {
  scene = await MetricsScene.open();
});
beforeEach(begin);
afterAll(() => scene.it.close());

async function begin() {
  await scene.begin();
  owner = await scene.organization.member('owner');
}

async function changeZone(timezone: string) {
  const url = `/api/organizations/${scene.organization.id}`;
  const answer = await inject(scene.it.app, { method: 'PUT', url, body: { timezone }, headers: owner.headers });
  expect(answer.statusCode, answer.body).toBe(200);
}

/** A step of the job; one that is killed does not commit. */
const step = (pointsAtOnce: number, isKilled = false) =>
  scene.it.platform.scopes
    .inOrganization(systemPrincipal(scene.organization.id), async (tx) => {
      await lockCalendar(tx, tx.organizationId);
      const done = await rebuildSome(tx, pointsAtOnce);
      if (isKilled) throw new Error('killed');
      return done;
    })
    .catch((error: Error) => {
      if (error.message !== 'killed') throw error;
    });

async function finish(pointsAtOnce: number) {
  for (let steps = 0; await step(pointsAtOnce); steps += 1) expect(steps).toBeLessThan(500);
}

/** What differs between the rollups and a recount of the points in a time zone. */
async function listDifferences(timezone: string): Promise<unknown[]> {
  const { rows } = await sql`
    with points as (
      select * from dashboard_metrics where organization_id = ${scene.organization.id}
      union all select * from dashboard_metrics_history where organization_id = ${scene.organization.id}
    ),
    recount as (
      select p.series_id, g.granularity, date_trunc(g.granularity, p.recorded_at, ${timezone}) as bucket_start,
        count(*) as count, sum(p.metric_value) as sum, min(p.metric_value) as min, max(p.metric_value) as max,
        (array_agg(p.metric_value order by p.recorded_at desc, p.id desc))[1] as last_value, max(p.recorded_at) as last_at
      from points p cross join (values ('hour'), ('day')) g (granularity) group by 1, 2, 3
    ),
    kept as (
      select series_id, granularity, bucket_start, count, sum, min, max, last_value, last_at from metric_rollups
      where organization_id = ${scene.organization.id}
    )
    (select 'missing' as what, * from (select * from recount except select * from kept) r)
    union all (select 'extra', * from (select * from kept except select * from recount) k)`.execute(scene.root);
  return rows;
}

/** Days, as they are listed, that say that they are complete and are not what the points come to. */
async function listWrongDays(timezone: string): Promise<unknown[]> {
  const { data } = await scene.get({ granularity: 'day', limit: 1_000 });
  const { rows } = await sql<{ day: Date; sum: number; count: number; name: string; dimension: string | null }>`
    select date_trunc('day', recorded_at, ${timezone}) as day, sum(metric_value)::float8 as sum, count(*) as count,
      metric_name as name, dimension_1 as dimension
    from (select * from dashboard_metrics union all select * from dashboard_metrics_history) p
    where organization_id = ${scene.organization.id} group by 1, 4, 5`.execute(scene.root);
  const keyOf = (...parts: unknown[]) => JSON.stringify(parts);
  const right = new Set(
    rows.map(({ day, sum, count, name, dimension }) => keyOf(name, dimension, day.toISOString(), sum, count)),
  );
  type Row = Record<string, unknown>;
  return (data as Row[]).filter(
    (row) => row.complete && !right.has(keyOf(row.metric_name, row.dimension_1, row.bucket_start, row.sum, row.count)),
  );
}

const zones = [
  'UTC', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/Havana', 'Pacific/Apia', 'America/St_Johns', 'Asia/Pyongyang', 'Africa/Cairo', 'Pacific/Chatham',
]; // biome-ignore format: zones read better in lines
/** Changes of clocks: skipped and repeated hours, half hours and days, at midnight and beside it. */
const moments = [
  '2024-04-06T15:00:00Z', '2024-10-05T15:30:00Z', '2024-03-10T05:00:00Z', '2024-11-03T05:00:00Z', '2011-12-30T10:00:00Z',
  '2018-05-04T15:00:00Z', '2024-04-25T22:00:00Z', '2024-12-15T18:30:00Z',
].map((time) => Date.parse(time)); // biome-ignore format: times read better in lines
const points = fc.array(
  fc.record({
    moment: fc.constantFrom(...moments),
    minutes: fc.integer({ min: -200, max: 130 }).map((n) => n * 10 - 1),
    value: fc.integer({ min: -1_000, max: 1_000 }),
    name: fc.constantFrom('a', 'b'),
    dimension: fc.constantFrom(null, 'x'),
  }),
  { minLength: 1, maxLength: 30 },
);
const acts = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('write' as const), points }),
    fc.record({
      kind: fc.constant('step' as const),
      pointsAtOnce: fc.integer({ min: 1, max: 9 }),
      isKilled: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('change' as const), timezone: fc.constantFrom(...zones) }),
    fc.record({ kind: fc.constant('archive' as const), before: fc.constantFrom('2012-01-01', '2024-08-01') }),
  ),
  { minLength: 4, maxLength: 14 },
);
type Act = typeof acts extends fc.Arbitrary<(infer One)[]> ? One : never;

const toPoint = ({
  moment,
  minutes,
  value,
  name,
  dimension,
}: typeof points extends fc.Arbitrary<(infer P)[]> ? P : never) =>
  point({
    id: newId(),
    metric_name: name,
    metric_value: value,
    dimension_1: dimension,
    recorded_at: new Date(moment + minutes * 60_000).toISOString(),
  });

async function take(act: Act): Promise<void> {
  if (act.kind === 'write') expect((await scene.post({ points: act.points.map(toPoint) })).statusCode).toBe(202);
  if (act.kind === 'step') await step(act.pointsAtOnce, act.isKilled);
  if (act.kind === 'change') await changeZone(act.timezone);
  if (act.kind === 'archive') await archive(act.before);
}

async function archive(before: string) {
  const columns = sql.raw(
    'organization_id, id, metric_type, metric_name, metric_value, metric_unit, dimension_1, dimension_2, dimension_3, metadata, business_id, source_id, recorded_at',
  );
  await sql`
    with moved as (
      delete from dashboard_metrics where organization_id = ${scene.organization.id} and recorded_at < ${before}
      returning ${columns})
    insert into dashboard_metrics_history (${columns}) select * from moved`.execute(scene.root);
}

/** Clocks are set back at one o'clock, so that the day begins twice: both hours are its first. */
const halfPastMidnightTwice = [-30, 30].map((minutes) => ({
  ...{ moment: Date.parse('2024-11-03T05:00:00Z'), minutes, value: 1, name: 'a' as const, dimension: null },
}));

test('however the zone, writers and the job cross, no day is wrong and says that it is complete, and at the end all are right', async () => {
  await fc.assert(
    fc.asyncProperty(
      points,
      acts,
      fc.record({ last: fc.constantFrom(...zones), pointsAtOnce: fc.integer({ min: 1, max: 6 }) }),
      async (first, taken, { last, pointsAtOnce }) => {
        await begin();
        await take({ kind: 'write', points: first });
        let timezone = 'Europe/Berlin';
        for (const [index, act] of taken.entries()) {
          const beside = taken[index + 1];
          const isBeside = act.kind !== 'change' && beside?.kind === 'write';
          await Promise.all([take(act), ...(isBeside ? [take(beside)] : [])]);
          if (act.kind === 'change') timezone = act.timezone;
          expect(await listWrongDays(timezone)).toEqual([]);
        }
        await changeZone(last);
        const writing = take({ kind: 'write', points: first });
        await Promise.all([writing, step(pointsAtOnce), step(3, true), step(pointsAtOnce)]);
        await finish(pointsAtOnce);
        expect(await listDifferences(last)).toEqual([]);
        expect(await listWrongDays(last)).toEqual([]);
        const { data } = await scene.get({ granularity: 'day', limit: 1_000 });
        const running = scene.it.clock.now.getTime() - 86_400_000;
        const open = data.filter(
          ({ bucket_start, complete }: { bucket_start: string; complete: boolean }) =>
            !complete && Date.parse(bucket_start) < running,
        );
        expect(open).toEqual([]);
      },
    ),
    { numRuns: 8, examples: [[halfPastMidnightTwice, [], { last: 'America/Havana', pointsAtOnce: 1 }]] },
  );
}, 120_000);

test('the newest days of all metrics are right before old days of any', async () => {
  const ages = [1, 2, 40, 41];
  const points = ['a', 'b'].flatMap((metric_name) =>
    ages.map((days) => {
      const recorded_at = new Date(scene.it.clock.now.getTime() - days * 86_400_000).toISOString();
      return point({ id: newId(), metric_name, metric_value: 1, recorded_at });
    }),
  );
  expect((await scene.post({ points })).statusCode).toBe(202);
  await changeZone('Asia/Kolkata');
  const taken = [];
  for (let done = await step(2); done; done = await step(2)) taken.push([done.metric_name, done.isLast]);
  expect(taken.slice(0, 4)).toEqual([
    ['a', false],
    ['b', false],
    ['a', false],
    ['b', false],
  ]);
  expect(taken.filter(([, isLast]) => isLast)).toEqual([
    ['a', true],
    ['b', true],
  ]);
});
