import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import type { InstanceRun, OrganizationRun } from '#platform/jobs/define-job.ts';
import { MetricsScene, point } from '#testing/metrics-scene.ts';
import { archiveOldMetrics } from './archive-metrics.ts';
import { anonymiseActivity, cleanupJob } from './cleanup-job.ts';
import { makeMonths } from './make-months.ts';

const running = new AbortController().signal;

let scene: MetricsScene;
beforeAll(async () => {
  scene = await MetricsScene.open({ ownsDatabase: true });
  await scene.begin();
});
afterAll(() => scene.it.close());

const listPlaces = async (): Promise<string[]> => {
  const { rows } = await sql<{ place: string }>`
    select tableoid::regclass::text as place from (
      select tableoid, recorded_at, organization_id from dashboard_metrics
      union all select tableoid, recorded_at, organization_id from dashboard_metrics_history
    ) p where organization_id = ${scene.organization.id} order by recorded_at`.execute(scene.root);
  return rows.map(({ place }) => place);
};

test('months past the retention move into the history whole; late points find their month, or follow', async () => {
  const { platform, clock } = scene.it;
  const days = ['1999-01-01', '2024-10-05', '2024-12-18'];
  await scene.post({ points: days.map((day) => point({ recorded_at: `${day}T08:00:00Z` })) });
  expect(new Set(await listPlaces())).toEqual(new Set(['dashboard_metrics_default']));
  await makeMonths(platform);
  expect(await archiveOldMetrics(scene.root, clock.now)).toEqual({ months: 0, points: 1 });
  expect(await listPlaces()).toEqual([
    'dashboard_metrics_history_default',
    'dashboard_metrics_2024_10',
    'dashboard_metrics_2024_12',
  ]);
  const later = new Date('2025-12-01T00:00:00Z');
  expect(await archiveOldMetrics(scene.root, later)).toEqual({ months: 12, points: 0 });
  expect(await archiveOldMetrics(scene.root, later)).toEqual({ months: 0, points: 0 });
  const { rows } = await sql<{ table: string; count: number }>`
    select 'live' as table, count(*) from dashboard_metrics where organization_id = ${scene.organization.id}
    union all select 'history', count(*) from dashboard_metrics_history`.execute(scene.root);
  expect(rows).toEqual([
    { table: 'live', count: 1 },
    { table: 'history', count: 2 },
  ]);
  expect((await scene.get({ granularity: 'day' })).data).toHaveLength(3);
});

test('lists go on into the history, whether a metric is named or not', async () => {
  await scene.begin();
  const times = ['2020-02-05', '2021-02-05', '2023-11-05', '2024-12-17'].map((day) => `${day}T08:00:00.000Z`);
  await scene.post({ points: times.map((recorded_at) => point({ recorded_at })) });
  await archiveOldMetrics(scene.root, scene.it.clock.now);
  expect((await listPlaces()).filter((place) => place.includes('history'))).toHaveLength(2);
  const read = async (query: object) => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await scene.get({ ...query, limit: 1, ...(cursor ? { cursor } : {}) });
      seen.push(...page.data.map((row: { recorded_at: string }) => row.recorded_at));
      cursor = page.next_cursor;
    } while (cursor);
    return seen;
  };
  const [first = '', ...others] = times;
  for (const named of [{}, { metric_type: 'checkout' }, { metric_name: 'latency' }, { metric_type: 'other' }]) {
    const isOther = named.metric_type === 'other';
    expect(await read(named)).toEqual(isOther ? [] : times.toReversed());
    expect(await read({ ...named, period_start: '2021-01-01' })).toEqual(isOther ? [] : others.toReversed());
    expect(await read({ ...named, period_end: '2020-12-31' })).toEqual(isOther ? [] : [first]);
  }
});

test('a point that is sent again after it was archived is a duplicate, and counts once', async () => {
  await scene.begin();
  const ids = [newId(), newId()];
  const body = { points: ids.map((id, index) => point({ id, recorded_at: `2020-0${index + 1}-05T08:00:00.123456Z` })) };
  expect((await scene.post(body)).json()).toEqual({ accepted: 2, duplicates: 0 });
  const before = await scene.get({ granularity: 'day' });
  expect(await archiveOldMetrics(scene.root, scene.it.clock.now)).toEqual({ months: 0, points: 2 });
  const more = { points: [...body.points, point({ id: newId(), recorded_at: '2020-03-05T08:00:00Z' })] };
  expect((await scene.post(body)).json()).toEqual({ accepted: 0, duplicates: 2 });
  expect((await scene.post(more)).json()).toEqual({ accepted: 1, duplicates: 2 });
  const after = await scene.get({ granularity: 'day' });
  expect(after.data.map((bucket: { count: number }) => bucket.count)).toEqual([1, 1, 1]);
  expect(after.data).toEqual(expect.arrayContaining(before.data));
  expect(await scene.countPoints()).toBe(1);
});

test('points that come late for an archived month make no month, while they are archived', async () => {
  await scene.begin();
  // Stands for a writer that goes on meanwhile: what is taken out of the table comes again, once.
  await sql`
    create function send_late() returns trigger language plpgsql as $$ begin
      if pg_trigger_depth() = 1 then
        insert into dashboard_metrics (organization_id, id, metric_type, metric_name, metric_value, recorded_at)
        select organization_id, gen_random_uuid(), metric_type, metric_name, metric_value, recorded_at from gone;
      end if;
      return null;
    end $$`.execute(scene.root);
  await sql`
    create trigger send_late after delete on dashboard_metrics_default referencing old table as gone
    for each statement execute function send_late()`.execute(scene.root);
  await scene.post({ points: [point({ recorded_at: '2021-05-05T08:00:00Z' })] });
  await archiveOldMetrics(scene.root, scene.it.clock.now);
  await sql`drop function send_late cascade`.execute(scene.root);
  expect(await listPlaces()).toEqual(
    expect.arrayContaining(['dashboard_metrics_default', 'dashboard_metrics_history_default']),
  );
  await archiveOldMetrics(scene.root, scene.it.clock.now);
  expect(new Set(await listPlaces())).toEqual(new Set(['dashboard_metrics_history_default']));
});

test('points of an organization go with it, also those of the history', async () => {
  await sql`delete from organizations where id = ${scene.organization.id}`.execute(scene.root);
  expect(await listPlaces()).toEqual([]);
});

test('a step that fails holds up no other, and is told at the end; a run that was stopped begins none', async () => {
  await scene.begin();
  const { organization, member, it, root } = scene;
  await scene.post({ points: [point({ recorded_at: '2022-05-05T08:00:00Z' })] });
  const events = [{ activity_type: 'login', session_id: 's', created_at: '2024-11-18T11:59:59Z' }];
  await it.app.inject({ method: 'POST', url: '/api/activity', headers: member.headers, body: { events } });
  await sql`alter table dashboard_metrics_history_default add constraint refused check (recorded_at < '2022-05-01')`.execute(
    root,
  );
  const run = (signal: AbortSignal) => {
    const job = cleanupJob(it.platform);
    const asked = { now: () => it.clock.now, signal } as InstanceRun & OrganizationRun;
    return job.handler(asked);
  };
  const listSessions = async () => {
    const { rows } = await sql<{ session_id: string | null }>`
      select session_id from user_activity_logs where organization_id = ${organization.id}`.execute(root);
    return rows.map(({ session_id }) => session_id);
  };
  await expect(run(AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
  expect(await listSessions()).toEqual(['s']);
  await expect(run(running)).rejects.toThrow('refused');
  expect(await listSessions()).toEqual([null]);
  await sql`alter table dashboard_metrics_history_default drop constraint refused`.execute(root);
  expect(await run(running)).toMatchObject({ archived_points: 1, anonymised: 0 });
});

test('activity older than 30 days tells only who did what and when', async () => {
  await scene.begin();
  const { organization, member, it } = scene;
  const events = ['2024-11-18T11:59:59Z', '2024-11-18T12:00:00Z'].map((created_at) => ({
    activity_type: 'login',
    session_id: 's',
    metadata: { a: 1 },
    created_at,
  }));
  const body = { events };
  const answer = await it.app.inject({ method: 'POST', url: '/api/activity', headers: member.headers, body });
  expect(answer.statusCode).toBe(202);
  expect([
    await anonymiseActivity(scene.root, it.clock.now, running),
    await anonymiseActivity(scene.root, it.clock.now, running),
  ]).toEqual([1, 0]);
  const { rows } = await sql`
    select activity_type, session_id, metadata from user_activity_logs
    where organization_id = ${organization.id} order by created_at`.execute(scene.root);
  expect(rows).toEqual([
    { activity_type: 'login', session_id: null, metadata: null },
    { activity_type: 'login', session_id: 's', metadata: { a: 1 } },
  ]);
});
