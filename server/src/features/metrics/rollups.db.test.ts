import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { systemPrincipal } from '#platform/access/principal.ts';
import { MetricsScene, point } from '#testing/metrics-scene.ts';

let scene: MetricsScene;
beforeAll(async () => {
  scene = await MetricsScene.open();
});
beforeEach(() => scene.begin());
afterAll(() => scene.it.close());

/** What differs between the rollups and a recount of the points. */
async function listDifferences(): Promise<unknown[]> {
  const { rows } = await sql`
    with recount as (
      select p.series_id, g.granularity, date_trunc(g.granularity, p.recorded_at, 'Europe/Berlin') as bucket_start,
        count(*) as count, sum(p.metric_value) as sum, min(p.metric_value) as min, max(p.metric_value) as max,
        (array_agg(p.metric_value order by p.recorded_at desc, p.id desc))[1] as last_value, max(p.recorded_at) as last_at
      from dashboard_metrics p cross join (values ('hour'), ('day')) g (granularity)
      where p.organization_id = ${scene.organization.id} group by 1, 2, 3
    ),
    kept as (
      select series_id, granularity, bucket_start, count, sum, min, max, last_value, last_at from metric_rollups
      where organization_id = ${scene.organization.id}
    )
    (select 'missing' as what, * from (select * from recount except select * from kept) r)
    union all (select 'extra', * from (select * from kept except select * from recount) k)`.execute(
    scene.it.platform.database.root,
  );
  return rows;
}

const times = fc.date({
  min: new Date('2024-10-26T00:00:00Z'),
  max: new Date('2024-10-28T12:00:00Z'),
  noInvalidDate: true,
});
const points = fc.record({
  time: times,
  value: fc.oneof(fc.integer({ min: -1_000, max: 1_000 }), fc.constantFrom(0.1, 0.2, 1e12, -0.001)),
  name: fc.constantFrom('a', 'b'),
  dimension: fc.constantFrom(null, 'x', 'y'),
});

describe('Rollups', () => {
  test('equal a recount, exactly, however writers of the same points cross, fail and try again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(points, { minLength: 1, maxLength: 40 }),
        fc.infiniteStream(fc.nat()),
        async (some, draws) => {
          const sent = some.map(({ time, value, name, dimension }) =>
            point({
              id: newId(),
              metric_name: name,
              metric_value: value,
              dimension_1: dimension,
              recorded_at: time.toISOString(),
            }),
          );
          const draw = () => draws.next().value;
          const write = () =>
            scene.post({ points: sent.toSorted(() => (draw() % 2) * 2 - 1).slice(draw() % sent.length) });
          const fail = () =>
            scene.it.platform.scopes
              .inOrganization(systemPrincipal(scene.organization.id), async (tx) => {
                const published = sent.map(({ recorded_at, ...rest }) => ({
                  ...rest,
                  metric_unit: null,
                  recorded_at: new Date(recorded_at),
                }));
                await scene.it.features.metrics.recordPoints(tx, published as never);
                throw new Error('killed');
              })
              .catch((error: Error) => expect(error.message).toBe('killed'));
          await Promise.all([write(), fail(), write(), write(), fail(), write(), write(), write()]);
          expect((await scene.post({ points: sent })).statusCode).toBe(202);
          expect(await listDifferences()).toEqual([]);
        },
      ),
      { numRuns: 8 },
    );
    expect(await scene.countPoints()).toBeGreaterThan(12);
  });
});
