import { type OceanScores, traits } from '@almanac/contract/assessments.ts';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { type AnalyticsScene, makeAnalyticsScene } from '#testing/analytics-scene.ts';
import { makeTestApp, type TestApp, type TestMember } from '#testing/make-app.ts';

let it: TestApp;
let scene: AnalyticsScene;
beforeAll(async () => {
  it = await makeTestApp({ runsJobs: true });
});
afterAll(() => it.close());
beforeEach(async () => {
  scene = await makeAnalyticsScene(it);
});

const scores = (value: number): OceanScores => Object.fromEntries(traits.map((trait) => [trait, value]));
type As = Parameters<AnalyticsScene['ask']>[1];
const create = (body: object, as?: As) => scene.ask({ method: 'POST', url: '/api/assessments', body }, as);
const change = (id: string, body: object, as?: As) =>
  scene.ask({ method: 'PUT', url: `/api/assessments/${id}`, body }, as);
const list = async (query = '') => (await scene.ask({ url: `/api/assessments${query}` })).json();
const aggregations = async (type: string, as?: As) =>
  (await scene.ask({ url: `/api/dashboard/aggregations?type=${type}` }, as)).json();

describe('An assessment', () => {
  test('begins as a draft of the caller, and is completed with its scores', async () => {
    const member = await scene.join();
    const made = (await create({ department: 'Research', facet_scores: { trust: 12.5 } }, member)).json();
    const begun = it.clock.now.toISOString();
    expect(made).toEqual({
      id: expect.any(String),
      organization_id: scene.organization.id,
      user_id: member.userId,
      department: 'Research',
      role: null,
      status: 'draft',
      ocean_scores: {},
      facet_scores: { trust: 12.5 },
      created_at: begun,
      updated_at: begun,
      completed_at: null,
    });
    it.clock.now = new Date(it.clock.now.getTime() + 1_000);
    // As a client sends back what it has read.
    const answer = await change(made.id, { ...made, status: 'completed', ocean_scores: scores(28.75) }, member);
    const at = it.clock.now.toISOString();
    const done = { ...made, status: 'completed', ocean_scores: scores(28.75), updated_at: at, completed_at: at };
    expect(answer.json()).toEqual(done);
    it.clock.now = new Date(it.clock.now.getTime() + 1_000);
    const archived = (await change(made.id, { status: 'archived', user_id: newId() }, member)).json();
    expect(archived).toEqual({ ...done, status: 'archived', updated_at: it.clock.now.toISOString() });
    expect(await list()).toEqual({ items: [archived], next_cursor: null });
    const refused = await change(made.id, { department: 'Sales' }, member);
    expect([refused.statusCode, refused.json().error.code]).toEqual([409, 'CONFLICT']);
    expect(refused.json().error.message).toBe(
      `The assessment '${made.id}' cannot be changed so. It is archived, and changes no more.`,
    );
    expect(await list()).toEqual({ items: [archived], next_cursor: null });
  });

  test.each([
    [{ status: 'completed', ocean_scores: { openness: 1 } }, 'ocean_scores.conscientiousness'],
    [{ ocean_scores: { openness: 100.1 } }, 'ocean_scores.openness'],
    [{ ocean_scores: { openness: -1 } }, 'ocean_scores.openness'],
    [{ ocean_scores: { honesty: 1 } }, 'ocean_scores.honesty'],
    [{ facet_scores: { trust: 'high' } }, 'facet_scores.trust'],
    [{ facet_scores: { trust: 101 } }, 'facet_scores.trust'],
    [{ status: 'archived' }, 'status'],
    [{ user_id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5a' }, 'user_id'],
  ])('is refused as %j, naming %s', async (body, field) => {
    const answer = await create(body);
    expect([answer.statusCode, answer.json().error.details.field]).toEqual([400, field]);
  });

  test('cannot be completed without its scores, and goes on unchanged', async () => {
    const { id } = (await create({ status: 'in_progress' })).json();
    const answer = await change(id, { status: 'completed', ocean_scores: { openness: 5 } });
    expect([answer.statusCode, answer.json().error.code]).toEqual([409, 'CONFLICT']);
    expect((await list()).items[0]).toMatchObject({ status: 'in_progress', ocean_scores: {} });
  });

  test('of another member is for admins and owners, and for nobody of another organization', async () => {
    const [member, other, admin] = [await scene.join(), await scene.join('analyst'), await scene.join('admin')];
    const { id } = (await create({ user_id: member.userId }, admin)).json();
    expect((await create({ user_id: member.userId }, other)).statusCode).toBe(403);
    expect((await change(id, { role: 'Engineer' }, other)).statusCode).toBe(403);
    expect((await change(id, { role: 'Engineer' }, member)).json().role).toBe('Engineer');
    expect((await change(id, { role: null }, admin)).json().role).toBe(null);
    const stranger = await (await it.makeOrganization()).member('owner');
    expect((await change(id, {}, stranger)).statusCode).toBe(404);
    expect((await scene.ask({ url: '/api/assessments' }, stranger)).json().items).toEqual([]);
  });

  test('is listed by page and by what it is, the newest first', async () => {
    for (let n = 0; n < 5; n += 1) {
      it.clock.now = new Date(it.clock.now.getTime() + 1_000);
      await create({ department: n % 2 ? 'Sales' : 'Legal', role: `r${n}` });
    }
    const first = await list('?limit=2');
    const second = await list(`?limit=2&cursor=${first.next_cursor}`);
    const third = await list(`?limit=2&cursor=${second.next_cursor}`);
    const roles = [first, second, third].flatMap(({ items }) => items.map(({ role }: { role: string }) => role));
    expect([roles, third.next_cursor]).toEqual([['r4', 'r3', 'r2', 'r1', 'r0'], null]);
    expect((await list('?department=Sales')).items).toHaveLength(2);
    expect((await list('?role=r3&status=draft')).items).toHaveLength(1);
    expect((await list(`?user_id=${newId()}`)).items).toEqual([]);
  });
});

/** Has that many new members complete an assessment with one score for each trait. */
async function complete(count: number, value: number, fields: object): Promise<TestMember[]> {
  const members = await Promise.all(Array.from({ length: count }, () => scene.join()));
  for (const member of members) {
    const answer = await create({ ...fields, status: 'completed', ocean_scores: scores(value) }, member);
    expect(answer.statusCode).toBe(201);
  }
  return members;
}

/** Runs a job to its end, which has to be a good one. */
async function run(job: string, organizationId?: string): Promise<void> {
  const { runId } = await it.platform.jobs.runNow(job, organizationId);
  await it.platform.jobs.whenIdle();
  const log = await it.platform.jobs.logs(job);
  expect(log.find(({ id }) => id === runId)).toMatchObject({ status: 'succeeded' });
}

describe('Aggregations', () => {
  test('average the newest of each person, by department and role, for viewers too; small groups tell nothing', async () => {
    const viewer = await scene.join('viewer');
    const [first] = await complete(5, 20, { department: 'Research', role: 'Engineer' });
    await complete(5, 40, { department: 'Legal', role: 'Engineer' });
    await complete(2, 99, { role: 'Chief' });
    it.clock.now = new Date(it.clock.now.getTime() + 1_000);
    await create({ department: 'Research', role: 'Engineer', ocean_scores: scores(0) }, first);
    await create({ department: 'Research', role: 'Engineer', status: 'completed', ocean_scores: scores(21) }, first);
    const byDepartment = await aggregations('ocean_department', viewer);
    expect(byDepartment).toMatchObject({ as_of: it.clock.now.toISOString(), complete: true, least_people: 5 });
    // The two without a department are withheld, and with them the smaller of the others, which their total would tell.
    expect(byDepartment.groups).toEqual([
      { aggregation_key: 'Research', suppressed: false, people: 5, ocean_scores: scores(20.2), facet_scores: {} },
      { aggregation_key: null, suppressed: true, people: null, ocean_scores: null, facet_scores: null },
      { aggregation_key: 'Legal', suppressed: true, people: null, ocean_scores: null, facet_scores: null },
    ]);
    const byRole = await aggregations('ocean_role', viewer);
    expect(byRole.groups.map(({ suppressed }: { suppressed: boolean }) => suppressed)).toEqual([true, true]);
    const elsewhere = await (await it.makeOrganization()).member('viewer');
    expect((await aggregations('ocean_role', elsewhere)).groups).toEqual([]);
  });

  test('are computed once a day, kept 90 days, and refreshed with the views by the jobs', async () => {
    await complete(5, 20, { department: 'Research' });
    expect((await aggregations('ocean_department')).groups).toHaveLength(1);
    await complete(6, 50, { department: 'Legal' });
    expect((await aggregations('ocean_department')).groups).toHaveLength(1);
    const day = it.clock.now;
    const kept = () =>
      scene.rows(sql`
        select distinct computed_on from assessment_aggregations where organization_id = ${scene.organization.id}`);
    for (const days of [89, 90]) {
      const computed_on = new Date(day.getTime() - days * 86_400_000).toISOString().slice(0, 10);
      await scene.rows(sql`
        insert into assessment_aggregations values (${scene.organization.id}, 'ocean_role', ${computed_on}, '', 1, '{}', '{}', now())`);
    }
    await run('generate_all_aggregations', scene.organization.id);
    await run('refresh_summary_views');
    expect((await aggregations('ocean_department')).groups).toHaveLength(2);
    expect(await kept()).toHaveLength(2);
    const summary = await scene.within(
      async ({ db }) => (await sql`select * from scoped.organization_summary`.execute(db)).rows,
    );
    expect(summary).toMatchObject([
      { organization_id: scene.organization.id, total_users: 12, total_assessments: 11, completed_assessments: 11 },
    ]);
  });
});

describe('What is stored of aggregations', () => {
  const stored = () =>
    scene.rows(sql<{ aggregation_key: string; people: number; ocean_scores: object | null; facet_scores: object }>`
      select aggregation_key, people, ocean_scores, facet_scores from assessment_aggregations
      where organization_id = ${scene.organization.id} and aggregation_type = 'ocean_department'
      order by aggregation_key`);
  const computedAt = () =>
    scene.rows(sql`select computed_at from assessment_computations where organization_id = ${scene.organization.id}`);

  test('are no scores of fewer than five people, neither of groups nor of facets', async () => {
    await complete(4, 30, { department: 'Few', facet_scores: { trust: 30 } });
    await complete(4, 50, { department: 'Many', facet_scores: { trust: 50, order: 40 } });
    await complete(2, 50, { department: 'Many', facet_scores: { order: 40 } });
    const shown = (await aggregations('ocean_department')).groups;
    expect(await stored()).toEqual([
      {
        aggregation_key: 'Few',
        people: 4,
        ocean_scores: null,
        facet_scores: { trust: { average: null, people: 4 } },
      },
      {
        aggregation_key: 'Many',
        people: 6,
        ocean_scores: scores(50),
        facet_scores: { trust: { average: null, people: 4 }, order: { average: 40, people: 6 } },
      },
    ]);
    expect(shown.map(({ suppressed }: { suppressed: boolean }) => suppressed)).toEqual([true, true]);
  });

  test('goes with the account of each who is in it, and is computed anew without them', async () => {
    const [first] = await complete(6, 20, { department: 'Research' });
    const bystander = await scene.join();
    await aggregations('ocean_department');
    const erase = async (who: TestMember | undefined) => {
      const request = { method: 'DELETE', url: '/users/me', body: { password: 'correct horse battery' } } as const;
      expect((await scene.ask(request, who)).statusCode).toBe(204);
    };
    await erase(bystander);
    expect(await stored()).toMatchObject([{ people: 6 }]);
    await erase(first);
    expect([await stored(), await computedAt()]).toEqual([[], []]);
    expect((await aggregations('ocean_department')).groups).toMatchObject([{ people: 5, suppressed: false }]);
  });

  test('is nothing once all is older than 90 days, which is computed once a day too', async () => {
    await complete(5, 20, { department: 'Research' });
    expect((await aggregations('ocean_department')).groups).toHaveLength(1);
    const begun = it.clock.now;
    const pass = (hours: number) => {
      it.clock.now = new Date(begun.getTime() + hours * 3_600_000);
    };
    pass(85 * 24);
    await aggregations('ocean_department');
    pass(95 * 24);
    const nothing = { aggregation_type: 'ocean_department', least_people: 5, groups: [], as_of: null, complete: true };
    expect(await aggregations('ocean_department')).toEqual(nothing);
    const at = await computedAt();
    expect(at).toEqual([{ computed_at: it.clock.now }]);
    pass(95 * 24 + 1);
    expect([await aggregations('ocean_department'), await computedAt()]).toEqual([nothing, at]);
    it.clock.now = begun;
  });
});

describe('The views of all organizations', () => {
  // The views look back from the database's own now.
  beforeAll(async () => {
    await it.close();
    it = await makeTestApp({ runsJobs: true, now: new Date() });
  });

  test('show their own organization to a request, averages of five people at least, and the rest to nobody', async () => {
    scene = await makeAnalyticsScene(it);
    const small = await makeAnalyticsScene(it);
    await complete(5, 60, {});
    await small.ask({
      method: 'POST',
      url: '/api/assessments',
      body: { status: 'completed', ocean_scores: scores(1) },
    });
    await run('refresh_summary_views');
    const read = (where: AnalyticsScene, view: string) =>
      where.within(async ({ db }) => (await sql`select * from ${sql.table(view)}`.execute(db)).rows);
    const shown = await read(scene, 'scoped.ocean_metrics_summary');
    expect(shown).toMatchObject([
      { organization_id: scene.organization.id, people: 5, openness: '60.0000000000000000' },
    ]);
    expect(await read(small, 'scoped.ocean_metrics_summary')).toEqual([]);
    expect(await read(small, 'scoped.organization_summary')).toMatchObject([
      { organization_id: small.organization.id },
    ]);
    expect(await scene.rows(sql`select people from mv_ocean_metrics_summary where people < 5`)).toEqual([]);
    for (const view of ['mv_organization_summary', 'mv_ocean_metrics_summary']) {
      await expect(read(scene, view)).rejects.toThrow(/permission denied/);
    }
    const outside = it.platform.database.root.transaction().execute(async (db) => {
      await sql`select set_config('role', 'almanac_app', true)`.execute(db);
      return (await sql`select * from scoped.organization_summary`.execute(db)).rows;
    });
    expect(await outside).toEqual([]);
  });
});
