import { createHash } from 'node:crypto';
import type { WholeReport } from '@almanac/contract/report-content.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { figuresOf, makeReportsScene, type ReportsScene } from '#testing/reports-scene.ts';

const start = new Date('2024-12-18T12:00:00Z');

let it: TestApp;
let scene: ReportsScene;
beforeAll(async () => {
  it = await makeTestApp({ now: start, runsJobs: true });
});
afterAll(() => it.close());
beforeEach(async () => {
  it.clock.now = start;
  scene = await makeReportsScene(it, { timezone: 'Europe/Berlin' });
});

describe('A draft', () => {
  test('is of the default template, which is made once', async () => {
    const drafts = await Promise.all([scene.draft(), scene.draft(), scene.draft()]);
    expect(new Set(drafts.map(({ template_id }) => template_id)).size).toBe(1);
    expect(drafts[0]).toMatchObject({
      ...{ status: 'draft', origin: 'request', sections: [], created_by: scene.owner.userId, template_version: 1 },
      ...{ report_period_start: '2024-12-09', report_period_end: '2024-12-15', content_hash: null },
    });
    const { items } = (await scene.send('GET', '/api/report-templates')).json();
    expect(items).toMatchObject([{ name: 'Weekly report', is_default: true, version: 1 }]);
    expect(items[0].sections_config.sections.map(({ type }: { type: string }) => type)).toEqual([
      ...['metrics_summary', 'ocean_insights', 'activity', 'trends', 'weekly_activity'],
    ]);
  });

  test.each([
    [
      { report_period_end: '2024-12-08' },
      'report_period_end',
      "'2024-12-08' is before report_period_start, '2024-12-09'",
    ],
    [{ report_period_start: '2023-12-15' }, 'report_period_end', 'a period of 367 days; at most 366'],
    [{ report_period_start: '2024-02-30' }, 'report_period_start', "'2024-02-30' is not a date"],
    [{ title: ' ' }, 'title', "' '"],
    [{ template_id: newId() }, 'template_id', 'is not a report template of the organization'],
  ])('is not made of %o', async (wrong, field, issue) => {
    const body = { title: 'T', report_period_start: '2024-12-09', report_period_end: '2024-12-15', ...wrong };
    const answer = await scene.send('POST', '/api/reports', body);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().error.details).toMatchObject({ field, issue: expect.stringContaining(issue) });
  });

  test('takes back what was read of it, and with another period is without sections again', async () => {
    const report = await scene.generate((await scene.draft()).id);
    const url = `/api/reports/${report.id}`;
    const renamed: WholeReport = (await scene.send('PUT', url, { ...report, title: 'Renamed' })).json();
    expect(renamed).toMatchObject({ title: 'Renamed', status: 'generated', sections: report.sections });
    expect(renamed.content_hash).not.toBe(report.content_hash);
    const exported = (await scene.send('GET', `${url}/export`)).json();
    expect(exported.manifest.sha256).toBe(renamed.content_hash);
    const moved = (await scene.send('PUT', url, { report_period_start: '2024-12-10' })).json();
    expect(moved).toMatchObject({ status: 'draft', sections: [], content_hash: null, executive_summary: null });
  });
});

describe('The states of a report', () => {
  const act = (id: string, what: string) => scene.send('POST', `/api/reports/${id}/${what}`);

  test('allow publishing of what is generated, and archiving of what is generated or published', async () => {
    const { id } = await scene.draft();
    for (const what of ['publish', 'archive']) {
      const refused = await act(id, what);
      expect(refused.statusCode).toBe(409);
      expect(refused.json().error.message).toContain('is draft');
    }
    expect((await scene.send('GET', `/api/reports/${id}/export`)).statusCode).toBe(409);
    await scene.generate(id);
    expect((await act(id, 'publish')).json()).toMatchObject({ status: 'published', published_at: start.toISOString() });
    const frozen = [
      await act(id, 'publish'),
      await act(id, 'generate'),
      await act(id, 'generate?wait=true'),
      await scene.send('PUT', `/api/reports/${id}`, { title: 'X' }),
      await scene.send('DELETE', `/api/reports/${id}`),
    ];
    expect(frozen.map(({ statusCode }) => statusCode)).toEqual([409, 409, 409, 409, 409]);
    expect(frozen.every((answer) => answer.json().error.message.includes('is published'))).toBe(true);
    expect((await act(id, 'archive')).json()).toMatchObject({ status: 'archived' });
    expect((await scene.send('DELETE', `/api/reports/${id}`)).statusCode).toBe(204);
    expect((await scene.send('GET', `/api/reports/${id}`)).statusCode).toBe(404);
    const audited = await scene.ask({ url: '/api/audit?limit=500' });
    const actions = audited.json().items.map(({ action }: { action: string }) => action);
    expect(actions).toEqual(
      expect.arrayContaining(['create', 'generate', 'publish', 'archive', 'delete'].map((name) => `reports.${name}`)),
    );
  });

  test('are told on the feed, and generating in the background names its run', async () => {
    const { id, title } = await scene.draft();
    const { cursor } = (await scene.ask({ url: '/api/feed' })).json();
    const answers = await Promise.all([act(id, 'generate'), act(id, 'generate')]);
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([202, 202]);
    await it.platform.jobs.whenIdle();
    expect(await scene.read(id)).toMatchObject({ status: 'generated' });
    await act(id, 'publish');
    const { events } = (await scene.ask({ url: `/api/feed?after=${cursor}&types=report_ready,job.progress` })).json();
    const told = events.filter(({ type }: { type: string }) => type === 'report_ready');
    expect(told.at(-1).payload).toEqual({ report_id: id, status: 'published', title });
    expect(told.at(-2).payload).toEqual({ report_id: id, status: 'generated', title });
    const runs = events.flatMap(({ payload }: { payload: { run_id?: string } }) => payload.run_id ?? []);
    expect(runs).toContain(answers[0]?.json().job_id);
  });
});

test('a report that is read again is not sent again until it has changed', async () => {
  const { id } = await scene.draft();
  const url = `/api/reports/${id}`;
  const { etag = '' } = (await scene.send('GET', url)).headers;
  const again = () => scene.ask({ url, headers: { 'if-none-match': String(etag) } });
  expect((await again()).statusCode).toBe(304);
  await scene.generate(id);
  const changed = await again();
  expect([changed.statusCode, changed.json().status]).toEqual([200, 'generated']);
});

test('a report is nobody’s once the account of its maker is erased', async () => {
  const maker = await scene.join('analyst');
  const days = { report_period_start: '2024-12-09', report_period_end: '2024-12-15' };
  const made = await scene.ask({ method: 'POST', url: '/api/reports', body: { title: 'Theirs', ...days } }, maker);
  const { id, created_by } = made.json();
  expect([created_by, (await scene.read(id)).created_by]).toEqual([maker.userId, maker.userId]);
  const body = { password: 'correct horse battery' };
  const erased = await scene.ask({ method: 'DELETE', url: '/users/me', body }, maker);
  expect(erased.statusCode, erased.body).toBe(204);
  expect((await scene.read(id)).created_by).toBeNull();
});

describe('The list of reports', () => {
  test('goes on where it was, also among reports of one moment', async () => {
    const made: string[] = [];
    for (let index = 0; index < 7; index += 1) made.push((await scene.draft({ title: `Report ${index}` })).id);
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = (await scene.send('GET', `/api/reports?limit=2${cursor}`)).json();
      seen.push(...page.items.map(({ id }: WholeReport) => id));
      cursor = page.next_cursor ? `&cursor=${page.next_cursor}` : '';
    } while (cursor !== '');
    expect(seen).toEqual(made.reverse());
  });

  test('is narrowed by state, period and template', async () => {
    const sections_config = { sections: [{ type: 'text', markdown: 'Hello' }] };
    const template = await scene.send('POST', '/api/report-templates', { name: 'Ours', sections_config });
    const template_id: string = template.json().id;
    const first = await scene.draft({ report_period_start: '2024-12-02', report_period_end: '2024-12-08' });
    const second = await scene.draft({ template_id });
    await scene.generate(second.id);
    const ids = async (query: string) =>
      (await scene.send('GET', `/api/reports?${query}`)).json().items.map(({ id }: WholeReport) => id);
    expect(await ids('status=draft')).toEqual([first.id]);
    expect(await ids('status=generated')).toEqual([second.id]);
    expect(await ids('period_start=2024-12-03')).toEqual([second.id]);
    expect(await ids('period_end=2024-12-14')).toEqual([first.id]);
    expect(await ids(`template_id=${template_id}`)).toEqual([second.id]);
    const ofOther = await scene.send('GET', '/api/reports?limit=1&status=draft&cursor=abc');
    expect(ofOther.statusCode).toBe(400);
  });
});

describe('An export', () => {
  test('is the whole report with a manifest, in the file and as headers', async () => {
    const report = await scene.generate((await scene.draft()).id);
    const answer = await scene.send('GET', `/api/reports/${report.id}/export?format=json`);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-disposition']).toBe(`attachment; filename="report-${report.id}.json"`);
    const file = answer.json();
    const tables = report.sections.flatMap(({ tables_data }) => tables_data);
    expect(file).toMatchObject({ schema: 'almanac.report', schema_version: 1 });
    expect(file.manifest).toMatchObject({
      ...{ period: { start: '2024-12-09', end: '2024-12-15' }, timezone: 'Europe/Berlin', truncated: false },
      rows: tables.reduce((sum, { rows }) => sum + rows.length, 0),
      sha256: report.content_hash,
    });
    expect(answer.headers).toMatchObject({ 'x-report-sha256': report.content_hash, 'x-report-truncated': 'false' });
    const digest = createHash('sha256').update(answer.rawPayload).digest('base64');
    expect(answer.headers['repr-digest']).toBe(`sha-256=:${digest}:`);
    expect(file.report.sections.map(({ numbers }: { numbers: object }) => numbers)).toEqual(
      report.sections.map(({ numbers }) => numbers),
    );
    const bare = (await scene.send('GET', `/api/reports/${report.id}/export?include_charts=false`)).json();
    expect(bare.report.sections.every(({ charts_data }: { charts_data: [] }) => charts_data.length === 0)).toBe(true);
  });

  test('names what there is, asked for another format', async () => {
    const report = await scene.generate((await scene.draft()).id);
    const answer = await scene.send('GET', `/api/reports/${report.id}/export?format=pdf`);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().error.message).toBe("format: 'pdf' is not a format of reports; there is json");
  });
});

describe('Another organization', () => {
  test('meets no report and no template', async () => {
    const report = await scene.generate((await scene.draft()).id);
    const other = await makeReportsScene(it);
    const paths = [`/api/reports/${report.id}`, `/api/report-templates/${report.template_id}`];
    const answers = [
      ...(await Promise.all(paths.flatMap((path) => [other.send('GET', path), other.send('DELETE', path)]))),
      ...(await Promise.all(paths.map((path) => other.send('PUT', path, {})))),
      ...(await Promise.all(
        ['generate', 'generate?wait=true', 'publish', 'archive'].map((what) =>
          other.send('POST', `${paths[0]}/${what}`),
        ),
      )),
      await other.send('GET', `${paths[0]}/export`),
    ];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(answers.map(() => 404));
    expect((await other.send('GET', '/api/reports')).json().items).toEqual([]);
    expect(await scene.read(report.id)).toEqual(report);
  });

  test('and a member without the right change nothing', async () => {
    const report = await scene.draft();
    const viewer = await scene.join('viewer');
    const asViewer = (method: 'GET' | 'POST', url: string) => scene.ask({ method, url }, viewer);
    expect((await asViewer('GET', `/api/reports/${report.id}`)).statusCode).toBe(200);
    expect((await asViewer('POST', `/api/reports/${report.id}/generate`)).statusCode).toBe(403);
  });
});

test('the numbers are those of the dashboard', async () => {
  await scene.act([
    { activity_type: 'login', created_at: '2024-12-10T10:00:00Z' },
    { activity_type: 'login', created_at: '2024-12-03T10:00:00Z' },
  ]);
  const made = await scene.generate((await scene.draft()).id);
  const summary = await scene.summary({ period_start: '2024-12-09', period_end: '2024-12-15' });
  const figures = figuresOf(made, 'metrics_summary');
  for (const block of ['user_stats', 'assessment_stats'] as const) {
    const { previous, change_percentage, change_reason, ...current } = summary[block];
    for (const [name, value] of Object.entries(current)) {
      expect(figures[name]).toMatchObject({
        value,
        previous: previous[name as never],
        change_percentage: change_percentage[name as never],
        change_reason: change_reason[name] ?? null,
        as_of: summary.as_of,
        complete: summary.complete,
      });
    }
  }
  expect(made).toMatchObject({ as_of: summary.as_of, comparison: summary.comparison });
});
