import { type RawBuilder, sql } from 'kysely';
import { getOrganizationSettings, type OrganizationSettings } from '#features/organizations/index.ts';
import { dayAt } from '#kernel/days.ts';
import { shiftWeek, type Week, weekAt, weekLabel } from '#kernel/weeks.ts';
import type { InstanceTx, OrganizationTx } from '#platform/db/scopes.ts';
import { AppError } from '#platform/errors/app-error.ts';
import {
  defineJob,
  type InstanceJob,
  type JobDefinition,
  type JobResult,
  type OrganizationJob,
  type OrganizationRun,
} from '#platform/jobs/define-job.ts';
import { type Generating, generateReport } from './generate-report.ts';
import { generateJobName } from './reports.service.ts';
import { failLostGenerations, insertReport } from './reports.store.ts';
import { type DefaultTemplate, takeDefaultTemplate } from './templates.service.ts';

export interface ReportsJobOptions extends Generating {
  defaultTemplate: DefaultTemplate;
}

/** Monday at that hour, by the organization's clock, its report of the week before is due. */
const dueHour = 8;
const common = { scope: 'organization', retry: { limit: 3, delaySeconds: 30 }, timeoutSeconds: 300 } as const;

/** The background work of reports. `inputs` are the jobs whose results the sections show. */
export function reportsJobs(options: ReportsJobOptions, inputs: readonly string[]): JobDefinition[] {
  return [
    defineJob<OrganizationJob>({
      ...common,
      name: generateJobName,
      summary: 'Generates a report that was asked for.',
      missed: 'skip',
      maxFailures: 0,
      handler: (run) => (run.key === undefined ? Promise.resolve(undefined) : generate(run, run.key, options)),
    }),
    defineJob<OrganizationJob>({
      ...common,
      name: 'generate_weekly_reports',
      summary: 'Makes each organization’s report of the week before, Monday 08:00 in its own time zone.',
      // Monday lasts from Sunday 10:00 to Tuesday 12:00 UTC around the world; 08:00 of it lies within these two days.
      schedule: '*/15 * * * 0,1',
      missed: 'once',
      maxFailures: 10,
      after: inputs,
      wantedIn: lacksDueReport,
      handler: async (run) => {
        const id = await run.inOrganization((tx) => takeDueReport(tx, run.now(), options));
        return id === undefined ? undefined : generate(run, id, options);
      },
    }),
    defineJob<InstanceJob>({
      ...common,
      scope: 'instance',
      name: 'fail_lost_reports',
      summary: 'Writes down as failed what nobody generates any more, because its process has ended.',
      schedule: '*/5 * * * *',
      missed: 'once',
      maxFailures: 10,
      handler: (run) => run.inInstance((tx) => failLost(tx, run.now(), options)),
    }),
  ];
}

/** To whoever reads they have failed already; here their organizations are told. */
async function failLost(tx: InstanceTx, now: Date, { announce }: ReportsJobOptions): Promise<JobResult> {
  const lost = await failLostGenerations(tx, now);
  const byOrganization = Map.groupBy(lost, ({ organization_id }) => organization_id);
  for (const organizationId of [...byOrganization.keys()].sort()) {
    await tx.inOrganization(organizationId, async (organizationTx) => {
      for (const { id: report_id, title } of byOrganization.get(organizationId) ?? []) {
        announce(organizationTx, { report_id, status: 'failed', title });
      }
    });
  }
  return lost.length > 0 ? { reports: lost.length } : undefined;
}

/** A report that is gone or frozen by now, or that somebody else is at, leaves nothing to do. */
async function generate(run: OrganizationRun, id: string, options: ReportsJobOptions): Promise<JobResult> {
  const { organizationId, runId: token, staleInputs } = run;
  const write = <T>(work: (tx: OrganizationTx) => Promise<T>) => run.inOrganization(work);
  run.progress(0, 'The report is being generated.');
  try {
    const isMade = await generateReport(id, { organizationId, token, staleInputs, write }, options);
    run.progress(1, 'The report has been generated.');
    return isMade ? { reports: 1 } : undefined;
  } catch (error) {
    const isObstacle = error instanceof AppError && (error.code === 'NOT_FOUND' || error.code === 'CONFLICT');
    if (isObstacle && !run.signal.aborted) return undefined;
    throw error;
  }
}

/**
 * The report that the last due time asks for, made where there is none; undefined where it is generated, was deleted since, or
 * is of a week before the organization was there.
 */
async function takeDueReport(
  tx: OrganizationTx,
  now: Date,
  { defaultTemplate }: Pick<ReportsJobOptions, 'defaultTemplate'>,
): Promise<string | undefined> {
  const settings = await getOrganizationSettings(tx);
  const slot = lastDueTime(now.getTime(), settings);
  const week = shiftWeek(weekAt(slot, settings), -1);
  const known = await findScheduled(tx, { slot, week, now });
  if (known) return known.id ?? undefined;
  const template = await takeDefaultTemplate(tx, defaultTemplate, now);
  const id = await insertReport(tx, {
    title: `Weekly report, ${weekLabel(week)}`,
    report_period_start: week.startDate,
    report_period_end: week.endDate,
    template,
    origin: 'schedule',
    createdBy: null,
    now,
  });
  if (id === undefined) return undefined;
  await sql`
    insert into report_slots (organization_id, slot, report_id)
    values (${tx.organizationId}, ${new Date(slot)}, ${id}) on conflict do nothing`.execute(tx.db);
  return id;
}

/** SQL that is true of an organization `o` whose last due time has left no report, or one that is not generated. */
export const lacksDueReport = (now: Date): RawBuilder<unknown> => {
  const hour = sql`interval '1 hour' * ${sql.lit(dueHour)}`;
  return sql`exists (
    select from (
      select (date_trunc('week', ${now}::timestamptz at time zone o.timezone - ${hour}) + ${hour})
        at time zone o.timezone as slot
    ) due
    left join report_slots s on s.organization_id = o.id and s.slot = due.slot
    left join weekly_reports r on r.organization_id = o.id and r.id = s.report_id
    where o.created_at < due.slot and (s.slot is null or r.status in ('draft', 'failed', 'generating')))`;
};

/** The last Monday 08:00, in epoch milliseconds; where the clock skips that time, as long after the gap. */
function lastDueTime(nowMs: number, { timezone }: Pick<OrganizationSettings, 'timezone'>): number {
  const today = dayAt(nowMs, timezone);
  const dueOn = (monday: Temporal.PlainDate) =>
    monday.toPlainDateTime({ hour: dueHour }).toZonedDateTime(timezone).epochMilliseconds;
  const monday = today.subtract({ days: today.dayOfWeek - 1 });
  return dueOn(monday) <= nowMs ? dueOn(monday) : dueOn(monday.subtract({ days: 7 }));
}

/**
 * What there is of a due time or week already: its report where that is to be generated yet, null where nothing is to be done.
 * Undefined where nothing has been made of it.
 */
async function findScheduled(
  { db, organizationId }: OrganizationTx,
  { slot, week, now }: { slot: number; week: Week; now: Date },
): Promise<{ id: string | null } | undefined> {
  const { rows } = await sql<{ is_early: boolean; is_taken: boolean; id: string | null; is_open: boolean | null }>`
    select o.created_at >= ${new Date(week.endMs)} as is_early,
      exists (select from report_slots s where s.organization_id = o.id and s.slot = ${new Date(slot)}) as is_taken,
      r.id, r.status in ('draft', 'failed') or r.status = 'generating' and r.generation_expires_at <= ${now} as is_open
    from organizations o
    left join weekly_reports r on r.organization_id = o.id and r.origin = 'schedule'
      and r.report_period_start = ${week.startDate}::date and r.report_period_end = ${week.endDate}::date
    where o.id = ${organizationId} order by r.id limit 1`.execute(db);
  const [row] = rows;
  if (!row) return { id: null };
  if (row.id !== null) return { id: row.is_open ? row.id : null };
  return row.is_early || row.is_taken ? { id: null } : undefined;
}
