import type { Figure, WholeReport } from '@almanac/contract/report-content.ts';
import { sql } from 'kysely';
import { Type } from 'typebox';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { roundDecimal } from '#kernel/rounding.ts';
import { systemPrincipal } from '#platform/access/principal.ts';
import { validationFailed } from '#platform/errors/app-error.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { makeMember } from '#testing/make-feed-database.ts';
import { makeReportsScene, type ReportsScene } from '#testing/reports-scene.ts';
import { createReportsFeature, defineSectionType, type ReportsFeature, type SectionType } from './index.ts';

const start = new Date('2024-12-18T12:00:00Z');
const options = Type.Object({}, { additionalProperties: false });
const onServer = process.env.TEST_DATABASE_URL !== undefined;

let it: TestApp;
let scene: ReportsScene;
beforeAll(async () => {
  it = await makeTestApp({ now: start });
});
afterAll(() => it.close());
beforeEach(async () => {
  it.clock.now = start;
  scene = await makeReportsScene(it, { timezone: 'Europe/Berlin' });
});

const figure = (more: Partial<Figure> = {}): Figure => ({
  ...{ name: 'sales', label: 'Sales', value: 120, unit: 'count', direction: 'up', previous: 96 },
  ...{ change_percentage: 25, change_reason: null, as_of: '2024-12-15T10:00:00.000Z', complete: true },
  ...more,
});

const section = (type: string, read: SectionType['read']) =>
  defineSectionType({ type, summary: 'Of a test.', options, read });

/** Reports made of the sections of a test. */
function makeReports(sectionTypes: readonly SectionType[]): ReportsFeature {
  const sections = sectionTypes.map(({ type }) => ({ type, title: `The ${type}` }));
  return createReportsFeature({
    ...it.platform,
    sectionTypes,
    defaultTemplate: { name: 'Test', sections },
    inputs: [],
  });
}

const system = () => systemPrincipal(scene.organization.id);
const generate = ({ service }: ReportsFeature, id: string) => service.generate(system(), id);

/** What stands at a JSON Pointer. */
const at = (numbers: unknown, pointer: string) =>
  pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((part, step) => (part as Record<string, unknown>)[step], numbers);

function expectReferredNumbers({ sections }: WholeReport): void {
  for (const { insights, numbers } of sections) {
    for (const { text, refs } of insights) {
      for (const { pointer, value } of refs) expect(at(numbers, pointer)).toBe(value);
      const told = refs.map(({ value }) =>
        String(typeof value === 'number' ? Math.abs(roundDecimal(value, 2)) : value),
      );
      const said = text.match(/\d{4}-\d\d-\d\d|\d+(\.\d+)?/g) ?? [];
      expect(told, text).toEqual(expect.arrayContaining(said));
    }
  }
}

describe('A generated report', () => {
  const weeks = [3, 5, 4, 6, 9].map((value, index) => ({
    at: `2024-11-${11 + index}`,
    value: value + 1 / 3,
    partial: false,
    anomaly: index === 4,
  }));
  const rich = section('rich', async () => ({
    figures: [
      figure(),
      figure({ name: 'rate', label: 'Rate', unit: 'percentage', value: 80, previous: 100, change_percentage: -20 }),
    ],
    series: [{ name: 'weekly', label: 'By week', unit: null, direction: 'up', step: 'week', points: weeks }],
  }));
  const failing = [
    section('faulty', async () => {
      throw validationFailed([{ field: 'metric', issue: 'is not there' }]);
    }),
    section('broken', async (tx) => {
      await sql`select nonsense`.execute(tx.db);
      return { figures: [] };
    }),
  ];
  const empty = section('empty', async () => ({ figures: [figure({ value: null, change_percentage: null })] }));

  test('says why a section failed or is empty, and the others stand', async () => {
    const reports = makeReports([...failing, rich, empty]);
    const draft = await reports.service.add(owner(), draftOf());
    const made = await generate(reports, draft.id);
    expect(made.sections.map(({ section_type, status, reason }) => [section_type, status, reason])).toEqual([
      ['faulty', 'failed', 'metric: is not there'],
      ['broken', 'failed', 'It could not be read. The log says why.'],
      ['rich', 'ok', null],
      ['empty', 'empty', 'There is nothing of this period.'],
    ]);
    expect(made).toMatchObject({ status: 'generated', complete: false, as_of: '2024-12-15T10:00:00.000Z' });
    expect(made.executive_summary).toContain('Could not be made: “The faulty”, “The broken”.');
  });

  test('says nothing but stored numbers, each with its place', async () => {
    const reports = makeReports([rich]);
    const draft = await reports.service.add(owner(), draftOf());
    const made = await generate(reports, draft.id);
    expect(made.sections[0]?.insights.map(({ text }) => text)).toEqual([
      'By week: 9.33 in the week of 2024-11-15 lies far off the trend.',
      'By week: 9.33 in the week of 2024-11-15 is the highest of 5 weeks.',
      'Sales rose by 25 % to 120, from 96.',
      'Rate fell by 20 % to 80 %, from 100 %.',
    ]);
    expectReferredNumbers(made);
    expect(made.executive_summary?.split('\n')).toEqual([
      '2024-12-09 to 2024-12-15, compared with 2024-12-02 to 2024-12-08.',
      ...(made.sections[0]?.insights.map(({ text }) => text) ?? []),
    ]);
    expect(made.sections[0]?.charts_data.map(({ name }) => name)).toEqual(['weekly']);
    expect(made.sections[0]?.tables_data.map(({ name }) => name)).toEqual(['figures', 'weekly']);
  });

  test('has the same hash whenever it is generated of the same numbers', async () => {
    const reports = makeReports([rich]);
    const draft = await reports.service.add(owner(), draftOf());
    const first = await generate(reports, draft.id);
    it.clock.now = new Date('2024-12-20T12:00:00Z');
    const second = await generate(reports, draft.id);
    expect(second.content_hash).toBe(first.content_hash);
    expect(second.generated_at).not.toBe(first.generated_at);
    expect(second.sections.map(({ id }) => id)).not.toEqual(first.sections.map(({ id }) => id));
  });

  test('of a period that runs is not complete, and is compared with the same part of the one before', async () => {
    const reports = makeReports([rich]);
    const days = { report_period_start: '2024-12-16', report_period_end: '2024-12-22' };
    const draft = await reports.service.add(owner(), { ...draftOf(), ...days });
    const made = await generate(reports, draft.id);
    expect(made).toMatchObject({
      complete: false,
      comparison: { basis: 'same_elapsed_part', period_start: '2024-12-09', until: '2024-12-11T12:00:00.000Z' },
    });
    expect(made.executive_summary).toContain('compared with the same part of 2024-12-09');
  });
});

describe('Generating', () => {
  const counting = () => {
    const counts = { reads: 0 };
    const type = section('counting', async () => {
      counts.reads += 1;
      return { figures: [figure({ value: counts.reads })] };
    });
    return { counts, reports: makeReports([type]) };
  };

  test('eight times at once is once', async () => {
    const { counts, reports } = counting();
    const { id } = await reports.service.add(owner(), draftOf());
    const made = await Promise.all(Array.from({ length: 8 }, () => generate(reports, id)));
    expect(counts.reads).toBe(1);
    expect(new Set(made.map(({ content_hash }) => content_hash)).size).toBe(1);
    expect(made.every(({ status }) => status === 'generated')).toBe(true);
  });

  test('that was cut off has failed once its time is up, and can be begun again', async () => {
    const { reports } = counting();
    const { id } = await reports.service.add(owner(), draftOf());
    const until = new Date(start.getTime() + 60_000);
    await scene.rows(sql`
      update weekly_reports set status = 'generating', generation_id = gen_random_uuid(), generation_expires_at = ${until}
      where id = ${id}`);
    expect((await scene.read(id)).status).toBe('generating');
    expect((await scene.send('DELETE', `/api/reports/${id}`)).statusCode).toBe(409);
    it.clock.now = until;
    expect(await scene.read(id)).toMatchObject({
      status: 'failed',
      failure_reason: expect.stringContaining('has ended'),
    });
    const listed = (await scene.send('GET', '/api/reports?status=failed')).json();
    expect(listed.items.map((report: WholeReport) => report.id)).toEqual([id]);
    expect(await generate(reports, id)).toMatchObject({ status: 'generated', failure_reason: null });
  });

  test('that somebody else has taken over does not overwrite theirs', async () => {
    const overtaken = section('counting', async (tx) => {
      await sql`update weekly_reports set generation_id = gen_random_uuid() where id = ${id}`.execute(tx.db);
      return { figures: [figure({ value: -1 })] };
    });
    const { reports } = counting();
    const { id } = await reports.service.add(owner(), draftOf());
    await generate(reports, id);
    await expect(generate(makeReports([overtaken]), id)).rejects.toMatchObject({ code: 'CONFLICT' });
    const { status, sections } = await scene.read(id);
    expect([status, sections[0]?.numbers.figures[0]?.value]).toEqual(['generating', 1]);
  });

  test('that fails leaves the report failed with the reason, and its old sections', async () => {
    const { reports } = counting();
    const { id } = await reports.service.add(owner(), draftOf());
    await generate(reports, id);
    const raise = section('counting', async (tx) => {
      await sql`do $$ begin raise exception 'as asked' using errcode = '40001'; end $$`.execute(tx.db);
      return { figures: [] };
    });
    await expect(generate(makeReports([raise]), id)).rejects.toThrow('as asked');
    expect(await scene.read(id)).toMatchObject({
      status: 'failed',
      failure_reason: 'It could not be made. The log says why.',
      sections: [{ status: 'ok' }],
    });
  });

  test('reads all sections as of one moment, whatever is written meanwhile', async () => {
    const count = async (tx: Parameters<SectionType['read']>[0]) => {
      const { rows } = await sql<{ n: number }>`
        select count(*)::int as n from dashboard_metrics where organization_id = ${tx.organizationId}`.execute(tx.db);
      return { figures: [figure({ value: rows[0]?.n ?? null, change_percentage: null })] };
    };
    let writing: Promise<unknown> = Promise.resolve();
    const writer = section('writer', async () => {
      const point = { metric_type: 'a', metric_name: 'b', metric_value: 1 };
      writing = scene.send('POST', '/api/dashboard/metrics', point);
      // The embedded database has one connection: there the write waits for the end of the reading.
      if (onServer) await writing;
      return { figures: [figure()] };
    });
    const reports = makeReports([section('before', count), writer, section('after', count)]);
    const { id } = await reports.service.add(owner(), draftOf());
    const valuesOf = ({ sections }: WholeReport) => sections.map(({ numbers }) => numbers.figures[0]?.value);
    expect(valuesOf(await generate(reports, id))).toEqual([0, 120, 0]);
    await writing;
    expect(valuesOf(await generate(reports, id))).toEqual([1, 120, 1]);
    await writing;
  });
});

describe('A published report', () => {
  test('is frozen: neither generated, changed nor deleted, and its hash stays what it was', async () => {
    const value = { of: 1 };
    const reports = makeReports([section('moving', async () => ({ figures: [figure({ value: value.of })] }))]);
    const principal = owner();
    const { id } = await reports.service.add(principal, draftOf());
    const { content_hash } = await generate(reports, id);
    const published = await reports.service.publish(principal, id);
    expect(published).toMatchObject({ status: 'published', content_hash });
    value.of = 2;
    for (const refused of [
      () => generate(reports, id),
      () => reports.service.enqueue(principal, id),
      () => reports.service.update(principal, { id, body: { title: 'Another' } }),
      () => reports.service.remove(principal, id),
      () => reports.service.publish(principal, id),
    ]) {
      await expect(refused()).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('published'),
      });
    }
    const archived = await reports.service.archive(principal, id);
    expect(archived).toMatchObject({ status: 'archived', content_hash, sections: published.sections });
    await expect(generate(reports, id)).rejects.toMatchObject({ message: expect.stringContaining('archived') });
    await scene.rows(sql`delete from users where id = ${scene.owner.userId}`);
    const kept = await reports.service.export(system(), id);
    expect(kept.manifest.sha256).toBe(content_hash);
    expect((await reports.service.get(system(), id)).created_by).toBeNull();
  });

  test('goes with its organization', async () => {
    const reports = makeReports([section('any', async () => ({ figures: [figure()] }))]);
    const { id } = await reports.service.add(owner(), draftOf());
    await generate(reports, id);
    await reports.service.publish(owner(), id);
    await scene.rows(sql`delete from organizations where id = ${scene.organization.id}`);
    for (const table of ['weekly_reports', 'report_sections', 'report_templates', 'report_template_versions']) {
      const left = await scene.rows(sql`
        select from ${sql.table(table)} where organization_id = ${scene.organization.id}`);
      expect(left).toEqual([]);
    }
  });
});

const draftOf = () => ({ title: 'The week', report_period_start: '2024-12-09', report_period_end: '2024-12-15' });

/** The owner as the service is called with. */
const owner = () => makeMember({ userId: scene.owner.userId, organizationId: scene.organization.id });
