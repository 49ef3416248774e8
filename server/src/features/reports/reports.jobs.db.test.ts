import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { makeReportsScene, type ReportsScene } from '#testing/reports-scene.ts';
import { lacksDueReport } from './reports.jobs.ts';

const job = 'generate_weekly_reports';
let it: TestApp;
beforeAll(async () => {
  it = await makeTestApp({ now: new Date('2025-03-24T00:00:00Z'), runsJobs: true });
});
afterAll(() => it.close());

async function makeScene(settings: { timezone?: string; firstDayOfWeek?: number } = {}): Promise<ReportsScene> {
  const scene = await makeReportsScene(it, settings);
  await scene.rows(sql`update organizations set created_at = '2025-01-01' where id = ${scene.organization.id}`);
  return scene;
}

/** Runs the job for the scene's organization at a moment, and answers the reports that there are. */
async function runAt(scene: ReportsScene, moment: string) {
  it.clock.now = new Date(moment);
  await it.platform.jobs.runNow(job, scene.organization.id);
  await it.platform.jobs.whenIdle();
  return scene.rows(sql<{ id: string; start: string; end: string; status: string; title: string; at: Date }>`
    select id, report_period_start as start, report_period_end as end, status, title, generated_at as at
    from weekly_reports where organization_id = ${scene.organization.id} order by report_period_start`);
}

const endsOf = (reports: { end: string }[]) => reports.map(({ end }) => end);

describe('The weekly report', () => {
  test.each([
    // 08:00 by the local clock, before and after it; on 31 March 2025 clocks of Berlin are an hour ahead since the day before.
    ['UTC', '2025-03-31T07:59:00Z', '2025-03-31T08:00:00Z'],
    ['Europe/Berlin', '2025-03-31T05:59:00Z', '2025-03-31T06:00:00Z'],
    ['America/Los_Angeles', '2025-03-31T14:59:00Z', '2025-03-31T15:00:00Z'],
    ['Pacific/Kiritimati', '2025-03-30T17:59:00Z', '2025-03-30T18:00:00Z'],
    ['Asia/Kathmandu', '2025-03-31T02:14:00Z', '2025-03-31T02:15:00Z'],
    ['Pacific/Pago_Pago', '2025-03-31T18:59:00Z', '2025-03-31T19:00:00Z'],
  ])('in %s is of the week before once it is Monday 08:00', async (timezone, before, due) => {
    const scene = await makeScene({ timezone });
    const isDue = async (moment: string) =>
      (
        await scene.rows(sql`
          select from organizations o where o.id = ${scene.organization.id} and ${lacksDueReport(new Date(moment))}`)
      ).length === 1;
    expect(await isDue(before)).toBe(true);
    expect(endsOf(await runAt(scene, before))).toEqual(['2025-03-23']);
    expect([await isDue(before), await isDue(due)]).toEqual([false, true]);
    const reports = await runAt(scene, due);
    expect(await isDue(due)).toBe(false);
    expect(endsOf(reports)).toEqual(['2025-03-23', '2025-03-30']);
    expect(reports[1]).toMatchObject({
      ...{ start: '2025-03-24', status: 'generated', title: 'Weekly report, Mar 24 - Mar 30, 2025' },
      at: new Date(due),
    });
  });

  test.each([
    [7, '2025-03-23', '2025-03-29'],
    [6, '2025-03-22', '2025-03-28'],
    [2, '2025-03-18', '2025-03-24'],
  ])('begins on the organization’s first weekday, here %i', async (firstDayOfWeek, start, end) => {
    const scene = await makeScene({ timezone: 'UTC', firstDayOfWeek });
    expect(await runAt(scene, '2025-03-31T08:00:00Z')).toMatchObject([{ start, end }]);
  });

  test('exists once however often the job runs, is complete, and nobody’s', async () => {
    const scene = await makeScene();
    const [first] = await runAt(scene, '2025-03-31T08:00:00Z');
    const again = await runAt(scene, '2025-04-02T08:00:00Z');
    expect(again).toEqual([first]);
    expect(await scene.read(first?.id ?? '')).toMatchObject({
      ...{ origin: 'schedule', created_by: null, complete: true, stale_inputs: [], timezone: 'UTC' },
    });
  });

  test('that was deleted stays deleted', async () => {
    const scene = await makeScene();
    const [first] = await runAt(scene, '2025-03-31T08:00:00Z');
    await scene.rows(sql`delete from weekly_reports where id = ${first?.id ?? ''}`);
    expect(await runAt(scene, '2025-03-31T08:15:00Z')).toEqual([]);
  });

  test('that was cut off is made by a later run', async () => {
    const scene = await makeScene();
    const [first] = await runAt(scene, '2025-03-31T08:00:00Z');
    await scene.rows(sql`
      update weekly_reports set status = 'generating', generation_id = gen_random_uuid(),
        generation_expires_at = '2025-03-31T08:10:00Z' where id = ${first?.id ?? ''}`);
    expect(await runAt(scene, '2025-03-31T08:05:00Z')).toMatchObject([{ status: 'generating' }]);
    expect(await runAt(scene, '2025-03-31T08:15:00Z')).toMatchObject([{ id: first?.id, status: 'generated' }]);
  });

  test('is not made of a week before the organization was there', async () => {
    const scene = await makeScene();
    await scene.rows(sql`update organizations set created_at = '2025-04-01' where id = ${scene.organization.id}`);
    expect(await runAt(scene, '2025-04-02T08:00:00Z')).toEqual([]);
  });

  test('is made for every organization by its own clock, whatever becomes of the others’', async () => {
    const scenes = [await makeScene(), await makeScene({ timezone: 'Asia/Tokyo' }), await makeScene()];
    // There since the week before the one that is told of first.
    await scenes[0]?.rows(sql`
      update organizations set created_at = '2025-04-01' where id = any(${scenes.map(({ organization }) => organization.id)})`);
    const refused = scenes[2]?.organization.id ?? '';
    await scenes[0]?.rows(
      sql.raw(`alter table weekly_reports add constraint refused check (organization_id <> '${refused}') not valid`),
    );
    it.clock.now = new Date('2025-04-13T23:00:00Z');
    await it.platform.jobs.runNow(job);
    await it.platform.jobs.whenIdle();
    await scenes[0]?.rows(sql`alter table weekly_reports drop constraint refused`);
    const read = ({ rows, organization: { id } }: ReportsScene) =>
      rows(sql<{ end: string }>`
        select report_period_end as end from weekly_reports where organization_id = ${id} and status = 'generated'`);
    expect(await Promise.all(scenes.map(async (scene) => endsOf(await read(scene))))).toEqual([
      ['2025-04-06'],
      ['2025-04-13'],
      [],
    ]);
  });

  test('is due every quarter of an hour while it is Monday somewhere', async () => {
    const { schedule } = (await it.platform.jobs.list()).find(({ name }) => name === job) ?? {};
    expect(schedule).toBe('*/15 * * * 0,1');
  });
});

test('what nobody generates any more is written down as failed, and its organization told', async () => {
  it.clock.now = new Date('2025-04-07T12:00:00Z');
  const scene = await makeScene();
  const [lost, busy] = [await scene.draft(), await scene.draft()];
  const begin = (id: string, until: string) =>
    scene.rows(sql`
      update weekly_reports set status = 'generating', generation_id = gen_random_uuid(), generation_expires_at = ${until}
      where id = ${id}`);
  await begin(lost.id, '2025-04-07T11:59:00Z');
  await begin(busy.id, '2025-04-07T12:01:00Z');
  const { cursor } = (await scene.ask({ url: '/api/feed' })).json();
  await it.platform.jobs.runNow('fail_lost_reports');
  await it.platform.jobs.whenIdle();
  const rows = await scene.rows(sql<{ id: string; status: string }>`
    select id, status from weekly_reports where organization_id = ${scene.organization.id} order by id`);
  expect(rows).toEqual([
    { id: lost.id, status: 'failed' },
    { id: busy.id, status: 'generating' },
  ]);
  const { events } = (await scene.ask({ url: `/api/feed?after=${cursor}&types=report_ready` })).json();
  expect(events.map(({ payload }: { payload: object }) => payload)).toEqual([
    { report_id: lost.id, status: 'failed', title: lost.title },
  ]);
});
