import type {
  Report,
  ReportComparison,
  ReportStatus,
  SectionContent,
  WholeReport,
} from '@almanac/contract/report-content.ts';
import { type RawBuilder, sql } from 'kysely';
import { newId } from '#kernel/ids.ts';
import type { InstanceTx, OrganizationTx } from '#platform/db/scopes.ts';

type TimeColumn = 'as_of' | 'created_at' | 'updated_at' | 'generated_at' | 'published_at' | 'archived_at';

/** A report as it is read; times as they come. */
export type ReportRow = Omit<Report, TimeColumn> & Readonly<Record<TimeColumn, Date | null>>;

/** A report and its sections, of one moment. */
export interface WholeReportRow extends ReportRow {
  readonly sections: WholeReport['sections'];
  /** Who generates it; of use while somebody does. */
  readonly generation_id: string | null;
  readonly generation_expires_at: Date | null;
}

/** A report as the interface shows it. */
export function toReport(row: ReportRow): Report {
  const toTime = (at: Date | null) => at?.toISOString() ?? null;
  return {
    ...row,
    as_of: toTime(row.as_of),
    created_at: row.created_at?.toISOString() ?? '',
    updated_at: row.updated_at?.toISOString() ?? '',
    generated_at: toTime(row.generated_at),
    published_at: toTime(row.published_at),
    archived_at: toTime(row.archived_at),
  };
}

/** A report with its sections as the interface shows it. */
export function toWholeReport({ generation_id: _id, generation_expires_at: _at, ...row }: WholeReportRow): WholeReport {
  return { ...toReport(row), sections: row.sections };
}

/** A generation whose time is up has failed, whatever became of its maker. */
const isLost = (now: Date) => sql`(r.status = 'generating' and r.generation_expires_at <= ${now})`;
const statusAt = (now: Date) => sql<ReportStatus>`case when ${isLost(now)} then 'failed' else r.status end`;
const lostReason = 'The process that generated it has ended before it was done. Generate it again.';

const columnsAt = (now: Date) => sql`
  r.id, r.organization_id, r.report_period_start, r.report_period_end, r.title, ${statusAt(now)} as status,
  case when ${isLost(now)} then ${lostReason} else r.failure_reason end as failure_reason,
  r.executive_summary, r.template_id, r.template_version, r.origin, r.timezone, r.comparison, r.content_hash, r.as_of,
  r.complete, r.stale_inputs, r.created_by, r.created_at, r.updated_at, r.generated_at, r.published_at, r.archived_at`;

const sectionsOf = sql`(
  select coalesce(jsonb_agg(to_jsonb(s) - 'organization_id' order by s.position), '[]') from report_sections s
  where s.organization_id = r.organization_id and s.report_id = r.id) as sections`;

interface AtMoment {
  readonly id: string;
  readonly now: Date;
}

/** A report with its sections, read in one statement, so that none is of another generation. */
export async function findReport(
  { db, organizationId }: OrganizationTx,
  { id, now }: AtMoment,
): Promise<WholeReportRow | undefined> {
  const { rows } = await sql<WholeReportRow>`
    select ${columnsAt(now)}, r.generation_id, r.generation_expires_at, ${sectionsOf} from weekly_reports r
    where r.organization_id = ${organizationId} and r.id = ${id}`.execute(db);
  return rows[0];
}

/** Holds off others who would change the report, until the transaction ends; false where there is none. */
export async function lockReport({ db, organizationId }: OrganizationTx, id: string): Promise<boolean> {
  const { rows } = await sql`
    select from weekly_reports where organization_id = ${organizationId} and id = ${id} for update`.execute(db);
  return rows.length > 0;
}

/** Which reports are asked for; what is left out narrows nothing. */
interface ReportRange {
  readonly status: ReportStatus | undefined;
  readonly period_start: string | undefined;
  readonly period_end: string | undefined;
  readonly template_id: string | undefined;
  /** The time and id of the report that the page follows. */
  readonly after: readonly [position: string, id: string] | undefined;
  readonly limit: number;
  readonly now: Date;
}

/** Reports, the newest first; those of one moment by id. */
export async function listReports(
  { db, organizationId }: OrganizationTx,
  range: ReportRange,
): Promise<(ReportRow & { position: string })[]> {
  const { status, period_start, period_end, template_id, after, limit, now } = range;
  const conditions = [
    sql`r.organization_id = ${organizationId}`,
    status !== undefined && sql`${statusAt(now)} = ${status}`,
    period_start !== undefined && sql`r.report_period_start >= ${period_start}::date`,
    period_end !== undefined && sql`r.report_period_end <= ${period_end}::date`,
    template_id !== undefined && sql`r.template_id = ${template_id}`,
    after && sql`(r.created_at, r.id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`,
  ].filter((condition): condition is RawBuilder<unknown> => typeof condition === 'object');
  const { rows } = await sql<ReportRow & { position: string }>`
    select ${columnsAt(now)}, r.created_at::text as position from weekly_reports r
    where ${sql.join(conditions, sql` and `)} order by r.created_at desc, r.id desc limit ${limit}`.execute(db);
  return rows;
}

/** What a draft is made of. */
export interface NewReport {
  readonly title: string;
  readonly report_period_start: string;
  readonly report_period_end: string;
  readonly template: { readonly id: string; readonly version: number };
  readonly origin: Report['origin'];
  readonly createdBy: string | null;
  readonly now: Date;
}

/** Makes a draft; answers its id, or undefined where the weekly job has made the report of that period already. */
export async function insertReport(
  { db, organizationId }: OrganizationTx,
  report: NewReport,
): Promise<string | undefined> {
  const { title, report_period_start, report_period_end, template, origin, createdBy, now } = report;
  const { rows } = await sql<{ id: string }>`
    insert into weekly_reports (organization_id, id, report_period_start, report_period_end, title, status, template_id,
      template_version, origin, created_by, created_at, updated_at)
    values (${organizationId}, ${newId()}, ${report_period_start}::date, ${report_period_end}::date, ${title}, 'draft',
      ${template.id}, ${template.version}, ${origin}, ${createdBy}, ${now}, ${now})
    on conflict (organization_id, template_id, report_period_start, report_period_end) where origin = 'schedule'
    do nothing returning id`.execute(db);
  return rows[0]?.id;
}

/** Changes what a report is of. With another period or template it is a draft again, without sections. */
export async function changeReport(
  { db, organizationId }: OrganizationTx,
  id: string,
  change: Pick<NewReport, 'title' | 'report_period_start' | 'report_period_end' | 'template' | 'now'> & {
    readonly isDraft: boolean;
    readonly contentHash: string | null;
  },
): Promise<void> {
  const { title, report_period_start, report_period_end, template, now, isDraft, contentHash } = change;
  if (isDraft) {
    await sql`delete from report_sections where organization_id = ${organizationId} and report_id = ${id}`.execute(db);
  }
  const emptied = sql`, status = 'draft', failure_reason = null, executive_summary = null, timezone = null,
    comparison = null, as_of = null, complete = false, stale_inputs = '{}', generated_at = null, generation_id = null,
    generation_expires_at = null`;
  await sql`
    update weekly_reports set title = ${title}, report_period_start = ${report_period_start}::date,
      report_period_end = ${report_period_end}::date, template_id = ${template.id},
      template_version = ${template.version}, content_hash = ${contentHash}, updated_at = ${now} ${isDraft ? emptied : sql``}
    where organization_id = ${organizationId} and id = ${id}`.execute(db);
}

/** Publishes or archives a report. */
export async function settleReport(
  { db, organizationId }: OrganizationTx,
  { id, now, status }: AtMoment & { status: 'published' | 'archived' },
): Promise<void> {
  await sql`
    update weekly_reports set status = ${status}, updated_at = ${now}, ${sql.ref(`${status}_at`)} = ${now}
    where organization_id = ${organizationId} and id = ${id}`.execute(db);
}

export async function deleteReport({ db, organizationId }: OrganizationTx, id: string): Promise<void> {
  await sql`delete from weekly_reports where organization_id = ${organizationId} and id = ${id}`.execute(db);
}

/** Marks a report as being generated by one maker, up to a time. */
export async function beginGeneration(
  { db, organizationId }: OrganizationTx,
  { id, now, token, until }: AtMoment & { token: string; until: Date },
): Promise<void> {
  await sql`
    update weekly_reports set status = 'generating', failure_reason = null, generation_id = ${token},
      generation_expires_at = ${until}, updated_at = ${now}
    where organization_id = ${organizationId} and id = ${id}`.execute(db);
}

/** What a generation has made. */
export interface MadeReport {
  readonly sections: readonly SectionContent[];
  readonly executive_summary: string;
  readonly timezone: string;
  readonly comparison: ReportComparison;
  readonly content_hash: string;
  readonly as_of: string | null;
  readonly complete: boolean;
  readonly stale_inputs: readonly string[];
}

/** Puts what was made in the place of what was there; false, and nothing is changed, where it is another's to make. */
export async function finishGeneration(
  { db, organizationId }: OrganizationTx,
  { id, now, token }: AtMoment & { token: string },
  made: MadeReport,
): Promise<boolean> {
  const { rows } = await sql`
    update weekly_reports set status = 'generated', executive_summary = ${made.executive_summary},
      timezone = ${made.timezone}, comparison = ${JSON.stringify(made.comparison)}, content_hash = ${made.content_hash},
      as_of = ${made.as_of}, complete = ${made.complete}, stale_inputs = ${[...made.stale_inputs]}::text[],
      generation_expires_at = null, generated_at = ${now}, updated_at = ${now}
    where organization_id = ${organizationId} and id = ${id} and status = 'generating' and generation_id = ${token}
    returning 1`.execute(db);
  if (rows.length === 0) return false;
  await sql`delete from report_sections where organization_id = ${organizationId} and report_id = ${id}`.execute(db);
  const sections = made.sections.map((section) => ({ id: newId(), ...section }));
  await sql`
    insert into report_sections (organization_id, id, report_id, position, section_type, section_title, status, reason,
      content, charts_data, tables_data, insights, numbers)
    select ${organizationId}, s.id, ${id}, s.position, s.section_type, s.section_title, s.status, s.reason, s.content,
      s.charts_data, s.tables_data, s.insights, s.numbers
    from jsonb_to_recordset(${JSON.stringify(sections)}::jsonb) as s (id uuid, position integer, section_type text,
      section_title text, status text, reason text, content text, charts_data jsonb, tables_data jsonb, insights jsonb,
      numbers jsonb)`.execute(db);
  return true;
}

/** A report whose maker was lost. */
export interface LostReport {
  readonly organization_id: string;
  readonly id: string;
  readonly title: string;
}

/** Writes down of all organizations' generations whose time is up that they have failed; answers them. */
export async function failLostGenerations({ db }: InstanceTx, now: Date): Promise<LostReport[]> {
  const { rows } = await sql<LostReport>`
    update weekly_reports r set status = 'failed', failure_reason = ${lostReason}, generation_expires_at = null,
      updated_at = ${now}
    where ${isLost(now)} returning organization_id, id, title`.execute(db);
  return rows;
}

/** Writes down that a generation has failed; answers the report's title, or undefined where it is another's by now. */
export async function failGeneration(
  { db, organizationId }: OrganizationTx,
  { id, now, token, reason }: AtMoment & { token: string; reason: string },
): Promise<string | undefined> {
  const { rows } = await sql<{ title: string }>`
    update weekly_reports set status = 'failed', failure_reason = ${reason}, generation_expires_at = null,
      updated_at = ${now}
    where organization_id = ${organizationId} and id = ${id} and status = 'generating' and generation_id = ${token}
    returning title`.execute(db);
  return rows[0]?.title;
}
