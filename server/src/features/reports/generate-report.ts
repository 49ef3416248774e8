import type { ReportComparison, SectionContent } from '@almanac/contract/report-content.ts';
import type { ConfiguredSection } from '@almanac/contract/report-templates.ts';
import { sql } from 'kysely';
import { getOrganizationSettings } from '#features/organizations/index.ts';
import { comparePeriods } from '#kernel/compared-periods.ts';
import { periodUntil } from '#kernel/days.ts';
import { systemPrincipal } from '#platform/access/principal.ts';
import { isConnectionFault, isRetryable } from '#platform/db/faults.ts';
import type { OrganizationTx, Scopes } from '#platform/db/scopes.ts';
import { AppError, conflict, notFound } from '#platform/errors/app-error.ts';
import type { Log } from '#platform/log/log.ts';
import { buildFailedSection, buildSection, type SectionHead } from './build-section.ts';
import { contentOf, hashContent } from './export-report.ts';
import * as store from './reports.store.ts';
import { optionsOf, type SectionRegistry } from './section-registry.ts';
import type { ReportPeriod } from './section-type.ts';
import { getSections } from './templates.store.ts';
import { writeSummary } from './write-insights.ts';

/** What generating takes. */
export interface Generating {
  scopes: Pick<Scopes, 'inOrganization'>;
  registry: SectionRegistry;
  log: Log;
  now: () => Date;
  /** Has what is cached of the organization's reports forgotten, with the commit. */
  forgetReports(tx: OrganizationTx): void;
  /** Tells of a report's end, and has what is cached of it forgotten, with the commit. */
  announce(tx: OrganizationTx, told: { report_id: string; status: 'generated' | 'failed'; title: string }): void;
}

/** Who generates a report. */
export interface Maker {
  readonly organizationId: string;
  /** One of its own; the same again goes on with what it had begun. */
  readonly token: string;
  readonly staleInputs: readonly string[];
  /** Opens the transaction in which it begins; the same as `write` where there is none. */
  open?<T>(work: (tx: OrganizationTx) => Promise<T>): Promise<T>;
  /** Opens the transactions in which it ends. */
  write<T>(work: (tx: OrganizationTx) => Promise<T>): Promise<T>;
}

/** After this a generation has failed, whatever became of its maker. */
const leaseMs = 10 * 60_000;
const unexplained = 'It could not be read. The log says why.';

/**
 * Fills a report: false where somebody else is at it, which makes this call one with theirs. Throws NOT_FOUND, and CONFLICT
 * for a report that is published or archived. A failure leaves the report `failed`, with the sections that it had.
 */
export async function generateReport(id: string, maker: Maker, needs: Generating): Promise<boolean> {
  const { token, open = maker.write } = maker;
  const begun = await open((tx) => begin(tx, { id, token }, needs));
  if (!begun) return false;
  try {
    const made = await read(begun, maker, needs);
    await maker.write(async (tx) => {
      if (!(await store.finishGeneration(tx, { id, token, now: needs.now() }, made))) throw takenOver(id);
      needs.announce(tx, { report_id: id, status: 'generated', title: begun.report.title });
    });
    return true;
  } catch (error) {
    await writeFailure(error, { id, maker }, needs);
    throw error;
  }
}

/** Why a report cannot be generated in the state that it is in; undefined where it can. */
export function findObstacle({ id, status }: Pick<store.ReportRow, 'id' | 'status'>): AppError | undefined {
  if (status !== 'published' && status !== 'archived') return undefined;
  return conflict(`The report '${id}' is ${status}: its content never changes. Make another one of the period.`);
}

interface Begun {
  readonly report: store.WholeReportRow;
  readonly sections: readonly ConfiguredSection[];
}

async function begin(
  tx: OrganizationTx,
  { id, token }: { id: string; token: string },
  { now, forgetReports }: Pick<Generating, 'now' | 'forgetReports'>,
): Promise<Begun | undefined> {
  const at = now();
  const report = (await store.lockReport(tx, id)) ? await store.findReport(tx, { id, now: at }) : undefined;
  if (!report) throw notFound('report', id);
  const obstacle = findObstacle(report);
  if (obstacle) throw obstacle;
  if (report.status === 'generating' && report.generation_id !== token) return undefined;
  await store.beginGeneration(tx, { id, token, now: at, until: new Date(at.getTime() + leaseMs) });
  forgetReports(tx);
  return { report, sections: await getSections(tx, report) };
}

async function writeFailure(
  error: unknown,
  { id, maker }: { id: string; maker: Maker },
  { announce, now, log }: Generating,
): Promise<void> {
  const reason = error instanceof AppError ? error.message : 'It could not be made. The log says why.';
  const { token, organizationId } = maker;
  log.warn({ err: error, report: id, organization: organizationId }, 'a report could not be generated');
  try {
    await maker.write(async (tx) => {
      const title = await store.failGeneration(tx, { id, token, reason, now: now() });
      if (title !== undefined) announce(tx, { report_id: id, status: 'failed', title });
    });
  } catch (failure) {
    // It fails by itself once its time is up.
    log.warn({ err: failure, report: id }, 'a report that failed could not be marked so');
  }
}

/** Reads all sections in one transaction that sees one moment, and puts them together. */
async function read({ report, sections }: Begun, { organizationId, staleInputs }: Maker, needs: Generating) {
  const { period, contents } = await needs.scopes.inOrganization(
    systemPrincipal(organizationId),
    async (tx) => {
      const asked = await readPeriod(tx, report, needs.now());
      const read: SectionContent[] = [];
      for (const [position, section] of sections.entries()) {
        read.push(await readSection(tx, { position, section, period: asked }, needs));
      }
      return { period: asked, contents: read };
    },
    { isolation: 'repeatable read' },
  );
  return assemble(report, { period, contents, staleInputs });
}

async function readPeriod(tx: OrganizationTx, report: store.ReportRow, now: Date): Promise<ReportPeriod> {
  const { timezone, firstDayOfWeek } = await getOrganizationSettings(tx);
  const end = Temporal.PlainDate.from(report.report_period_end);
  const days = Temporal.PlainDate.from(report.report_period_start).until(end).days + 1;
  const nowMs = now.getTime();
  const periods = comparePeriods(periodUntil(end, days, timezone), { nowMs, timezone });
  return { ...periods, nowMs, calendar: { timezone, firstDayOfWeek } };
}

interface AskedSection {
  readonly position: number;
  readonly section: ConfiguredSection;
  readonly period: ReportPeriod;
}

/** A section that fails is undone by itself: what the others read is not touched by it. */
async function readSection(
  tx: OrganizationTx,
  { position, section, period }: AskedSection,
  { registry, log }: Generating,
): Promise<SectionContent> {
  const { type, title = type, include_charts: includeCharts = true } = section;
  const head: SectionHead = { position, type, title, includeCharts };
  const found = registry.find(type);
  if (!found) return buildFailedSection(head, `There is no type of section '${type}' any more.`);
  await sql`savepoint section`.execute(tx.db);
  try {
    const data = await found.read(tx, { period, options: optionsOf(section) });
    await sql`release savepoint section`.execute(tx.db);
    return buildSection(head, data);
  } catch (error) {
    // These are of the whole transaction, which is tried again or answered as unavailable.
    if (isRetryable(error) || isConnectionFault(error)) throw error;
    await sql`rollback to savepoint section`.execute(tx.db);
    log.warn({ err: error, section: type, organization: tx.organizationId }, 'a section of a report could not be read');
    return buildFailedSection(head, error instanceof AppError ? error.message : unexplained);
  }
}

interface ReadReport {
  readonly period: ReportPeriod;
  readonly contents: readonly SectionContent[];
  readonly staleInputs: readonly string[];
}

function assemble(report: store.ReportRow, { period, contents, staleInputs }: ReadReport): store.MadeReport {
  const figures = contents.flatMap(({ numbers }) => numbers.figures);
  const isWhole = contents.every(({ status }) => status !== 'failed') && figures.every(({ complete }) => complete);
  const complete = period.isComplete && isWhole && staleInputs.length === 0;
  const { previous, previousUntilMs, basis } = period;
  const comparison: ReportComparison = {
    basis,
    period_start: previous.startDate,
    period_end: previous.endDate,
    until: new Date(previousUntilMs).toISOString(),
  };
  const { startDate: start, endDate: end } = period.current;
  const made = {
    sections: contents,
    executive_summary: writeSummary(contents, { start, end, comparison, complete }),
    timezone: period.calendar.timezone,
    comparison,
    as_of: figures.reduce<string | null>(
      (newest, { as_of }) => (as_of && as_of > (newest ?? '') ? as_of : newest),
      null,
    ),
    complete,
    stale_inputs: [...staleInputs],
  };
  return { ...made, content_hash: hashContent(contentOf({ ...report, ...made })) };
}

function takenOver(id: string): AppError {
  return conflict(`The report '${id}' is being made by somebody else by now; this one may not finish.`);
}
