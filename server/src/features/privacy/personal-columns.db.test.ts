import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';

const dimensions = ['dimension_1', 'dimension_2', 'dimension_3'];
const measured = (table: string, columns: readonly string[]) => columns.map((column) => `${table}.${column}`);

/**
 * Columns that could hold something about a person by their type, and do not. Each line says why; a new column stands
 * either here or in the declaration of what its owner holds about people.
 */
const notPersonal: Readonly<Record<string, readonly string[]>> = {
  'the product’s own words': [
    ...['almanac_migrations.name', 'almanac_migrations.checksum', 'audit_log.action', 'audit_log.actor_kind'],
    ...['feed_events.type', 'feed_states.type', 'sign_in_attempts.kind', 'system_alerts.kind'],
    ...['job_slots.job_name', 'job_organizations.job_name', 'scheduled_job_logs.job_name', 'scheduled_job_logs.status'],
    ...['activity_items.kind', 'activity_items.impact', 'sources.kind', 'organizations.subscription_tier'],
    ...['performance_monitoring.alerts', 'health_checks.name', 'health_checks.status'],
    ...['system_performance_metrics.granularity', 'system_performance_metrics.metric_type'],
    ...['system_performance_metrics.service_name', 'system_performance_metrics.endpoint'],
  ],
  'settings that an operator or owner made': [
    ...['scheduled_job_config.name', 'scheduled_job_config.summary', 'scheduled_job_config.schedule'],
    ...['scheduled_job_config.timezone', 'organizations.timezone', 'sources.name', 'sources.settings'],
  ],
  'an organization’s own texts about its work, of which nobody can tell whom they name': [
    ...['activity_items.title', 'activity_items.category', 'activity_items.status', 'activity_items.url'],
    'activity_items.external_id',
    ...measured('metric_catalog', ['metric_type', 'metric_name', 'metric_unit']),
    ...measured('metric_series', ['metric_type', 'metric_name', ...dimensions]),
    ...['dashboard_metrics', 'dashboard_metrics_history'].flatMap((table) =>
      measured(table, ['metric_type', 'metric_name', 'metric_unit', 'metadata', ...dimensions]),
    ),
  ],
  'counts by process, route and cache': [
    ...['process_readings.process_id', 'process_readings.reading', 'system_performance_metrics.histogram'],
  ],
  'statements without their literals': ['slow_statements.fingerprint', 'slow_statements.statement'],
  'which series, business and source a measured value is of': [
    ...measured('metric_series', ['business_id', 'source_id']),
    ...measured('metric_rollups', ['series_id', 'last_id', 'granularity']),
    ...['dashboard_metrics', 'dashboard_metrics_history'].flatMap((table) =>
      measured(table, ['series_id', 'business_id', 'source_id']),
    ),
  ],
  'how a metric is read': measured('metric_catalog', ['direction', 'aggregation']),
  'averages of groups of people': [
    ...['assessment_aggregations.aggregation_type', 'assessment_aggregations.aggregation_key'],
    ...['assessment_aggregations.ocean_scores', 'assessment_aggregations.facet_scores'],
  ],
  'where the reading of a source stands': ['sources.cursor', 'sources.problem', 'activity_items.source_id'],
  'what a report is made of, and what it says: numbers of an organization, and texts of its own': [
    ...measured('report_template_versions', ['template_id', 'name', 'sections_config']),
    ...measured('weekly_reports', ['title', 'status', 'origin', 'template_id', 'generation_id', 'failure_reason']),
    ...measured('weekly_reports', ['executive_summary', 'timezone', 'comparison', 'content_hash', 'stale_inputs']),
    ...measured('report_sections', ['report_id', 'section_type', 'section_title', 'status', 'reason', 'content']),
    ...measured('report_sections', ['charts_data', 'tables_data', 'insights', 'numbers']),
    'report_slots.report_id',
  ],
  'parts of pg-boss that are not used': [
    ...['pgboss.job.source_output', 'pgboss.schedule.data', 'pgboss.schedule.options', 'pgboss.warning.data'],
  ],
};

let it: TestApp;
beforeAll(async () => {
  it = await makeTestApp();
});
afterAll(() => it.close());

/** Every column that can hold a text, an id of a person or any JSON; of the job queue, whose tables are not ours, the JSON. */
async function listSuspects(): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select case n.nspname when 'public' then '' else n.nspname || '.' end || c.relname || '.' || a.attname as name
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped and (
      n.nspname = 'pgboss' and a.atttypid in ('json'::regtype, 'jsonb'::regtype)
      or n.nspname = 'public' and (
        a.atttypid not in ('boolean'::regtype, 'smallint'::regtype, 'integer'::regtype, 'bigint'::regtype,
          'double precision'::regtype, 'numeric'::regtype, 'date'::regtype, 'timestamptz'::regtype, 'uuid'::regtype)
        or a.atttypid = 'uuid'::regtype and a.attname not in ('id', 'organization_id')))
    order by 1`.execute(it.platform.database.root);
  return rows.map(({ name }) => name);
}

test('every column that can hold something about a person is handed out or erased, or is listed with the reason why not', async () => {
  const { covers } = it.features.privacy;
  const listed = Object.values(notPersonal).flat();
  const suspects = await listSuspects();
  const open = suspects.filter((column) => !covers.includes(column) && !listed.includes(column));
  expect(open, 'declare it with its owner’s personal data, or list it here').toEqual([]);
  expect(covers.filter((column) => listed.includes(column))).toEqual([]);
  expect(
    listed.filter((column) => !suspects.includes(column)),
    'there is no such column any more',
  ).toEqual([]);
});

test('every column that a declaration names is there', async () => {
  const { rows } = await sql<{ name: string }>`
    select case table_schema when 'public' then '' else table_schema || '.' end || table_name || '.' || column_name as name
    from information_schema.columns`.execute(it.platform.database.root);
  const names = new Set(rows.map(({ name }) => name));
  expect(it.features.privacy.covers.filter((column) => !names.has(column))).toEqual([]);
});

test('every column of the accounts and of what hangs on them is named by a declaration', async () => {
  const { rows } = await sql<{ name: string }>`
    select c.relname || '.' || a.attname as name
    from pg_attribute a join pg_class c on c.oid = a.attrelid
    where a.attnum > 0 and not a.attisdropped and not c.relispartition and (c.oid = 'users'::regclass or c.oid in (
      select conrelid from pg_constraint where contype = 'f' and confrelid = 'users'::regclass and confdeltype = 'c'))
    order by 1`.execute(it.platform.database.root);
  const { covers } = it.features.privacy;
  expect(rows.length).toBeGreaterThan(40);
  expect(rows.map(({ name }) => name).filter((column) => !covers.includes(column))).toEqual([]);
});

test('nothing that refers to an account keeps it from being deleted', async () => {
  const { rows } = await sql`
    select conname from pg_constraint
    where contype = 'f' and confrelid = 'users'::regclass and confdeltype not in ('c', 'n')`.execute(
    it.platform.database.root,
  );
  expect(rows).toEqual([]);
});
