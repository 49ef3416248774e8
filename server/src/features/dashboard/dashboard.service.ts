import {
  type DashboardSummary,
  getDashboardSummary,
  type getRealtime,
  type SystemStatus,
} from '@almanac/contract/dashboard.ts';
import type { EndpointAnswer } from '@almanac/contract/endpoint.ts';
import { readActivityNow } from '#features/engagement/index.ts';
import type { Headline, MetricsFeature } from '#features/metrics/index.ts';
import { getOrganizationSettings } from '#features/organizations/index.ts';
import { type Comparability, type ComparedPeriods, changeOf, comparePeriods } from '#kernel/compared-periods.ts';
import { type Principal, systemPrincipal } from '#platform/access/principal.ts';
import { type CachedAnswer, tagOfBytes } from '#platform/cache/cached-answer.ts';
import type { Caches } from '#platform/cache/caches.ts';
import type { OrganizationTx, Scopes } from '#platform/db/scopes.ts';
import { validationFailed } from '#platform/errors/app-error.ts';
import { createEncoder } from '#platform/http/bind.ts';
import { compareCounts, describeComparison, toAssessmentCounts, toUserCounts } from './compare-period.ts';
import { readPeriodNumbers } from './dashboard.views.ts';
import { type AskedPeriod, defaultPeriod, readPeriod } from './read-period.ts';

export interface DashboardOptions {
  scopes: Pick<Scopes, 'inOrganization'>;
  caches: Pick<Caches, 'dashboard'>;
  readHeadlines: MetricsFeature['readHeadlines'];
  readSystemStatus: () => Promise<SystemStatus>;
  now: () => Date;
}

/** The cache topic of everything that a dashboard of the organization says. */
export const dashboardTopic = 'dashboard';

/** Raised when the shape of an answer changes, so that no cache serves the old one. */
const schemaVersion = '3';

type Realtime = EndpointAnswer<typeof getRealtime>;

/** Who reads: a member, or the system on behalf of a program that holds the database. */
export type Reader = Principal & { readonly organization: { readonly timezone: string } };

/** The use cases of the organization's dashboard. */
export interface DashboardService {
  /** The summary as bytes. Throws VALIDATION_ERROR for what is no period. */
  getSummary(principal: Reader, asked: AskedPeriod): CachedAnswer | Promise<CachedAnswer>;
  /** The summary of the default period as it is at this moment, past all caches. */
  summarize(organizationId: string): Promise<DashboardSummary>;
  getRealtime(principal: Reader): Promise<Realtime>;
}

export function createDashboardService(options: DashboardOptions): DashboardService {
  const { scopes, caches, readHeadlines, readSystemStatus, now } = options;
  const encode = createEncoder(getDashboardSummary);
  return {
    getSummary: (principal, asked) => {
      const { organizationId, organization } = principal;
      const { timezone } = organization;
      const current = readPeriod(asked, { nowMs: now().getTime(), timezone });
      if ('field' in current) throw validationFailed([current]);
      const parts = ['summary', 'dashboard:read', current.startDate, current.endDate, timezone, schemaVersion];
      const key = { organizationId, topic: dashboardTopic, parts };
      const compute = async (tx: OrganizationTx): Promise<CachedAnswer> => {
        const nowMs = now().getTime();
        const periods = comparePeriods(current, { nowMs, timezone });
        const body = encode(await readSummary(tx, { periods, timezone }, readHeadlines));
        return { body, etag: tagOfBytes(organizationId, body), ...validUntil(current, nowMs) };
      };
      return (
        caches.dashboard.peek(key) ?? caches.dashboard.getOrSet(key, () => scopes.inOrganization(principal, compute))
      );
    },

    summarize: (organizationId) =>
      scopes.inOrganization(systemPrincipal(organizationId), async (tx) => {
        const { timezone } = await getOrganizationSettings(tx);
        const nowMs = now().getTime();
        const periods = comparePeriods(defaultPeriod({ nowMs, timezone }), { nowMs, timezone });
        return readSummary(tx, { periods, timezone }, readHeadlines);
      }),

    getRealtime: async (principal) => {
      const system_status = await readSystemStatus();
      const found = await scopes.inOrganization(principal, (tx) => readActivityNow(tx, now()));
      return {
        active_users_15min: found.activeIn15Minutes,
        active_users_today: found.activeToday,
        activities_last_hour: found.eventsInLastHour,
        system_status,
        last_event_id: found.lastEventId,
        as_of: found.lastAt?.toISOString() ?? null,
      };
    },
  };
}

/** The numbers of a period, compared with the one before. */
export async function readSummary(
  tx: OrganizationTx,
  { periods, timezone }: { periods: ComparedPeriods; timezone: string },
  readHeadlines: DashboardOptions['readHeadlines'],
): Promise<DashboardSummary> {
  const { current, previous, previousUntilMs, isComplete, isAhead } = periods;
  // Held until the end, so that nothing is counted anew between the statements.
  const settings = await getOrganizationSettings(tx);
  const numbers = await readPeriodNumbers(tx, periods);
  const { headlines, isSettled: hasSettledMetrics } = await readHeadlines(tx, {
    timezone,
    fromMs: current.startMs,
    toMs: current.endMs,
    previousFromMs: previous.startMs,
    previousToMs: previousUntilMs,
  });
  // Who asked by another time zone than days are kept in asks for days that nobody counts.
  const isSameZone = settings.timezone === timezone;
  const users = { isAhead, isSettled: isSameZone && numbers.isSettled };
  const metrics = { isAhead, isSettled: isSameZone && hasSettledMetrics };
  const isSettled = users.isSettled && metrics.isSettled;
  const inputs = [numbers.users.last_at, numbers.assessments.last_at, ...headlines.map(({ as_of }) => as_of)];
  return {
    organization_id: tx.organizationId,
    period_start: current.startDate,
    period_end: current.endDate,
    user_stats: compareCounts(users, {
      current: toUserCounts(numbers.users),
      previous: toUserCounts(numbers.previousUsers),
    }),
    // Counted by their times, whatever the days.
    assessment_stats: compareCounts(
      { isAhead, isSettled: true },
      {
        current: toAssessmentCounts(numbers.assessments),
        previous: toAssessmentCounts(numbers.previousAssessments),
      },
    ),
    metrics: headlines.map((headline) => presentHeadline(headline, metrics)),
    comparison: describeComparison(periods),
    as_of: newestOf(inputs),
    complete: isComplete && isSettled,
    settled: isSettled,
  };
}

function presentHeadline({ as_of: _, ...headline }: Headline, comparability: Comparability) {
  const { value, previous } = headline;
  const change = value === null ? { percent: null, reason: null } : changeOf(comparability, previous, value);
  return { ...headline, change_percentage: change.percent, change_reason: change.reason ?? null };
}

function newestOf(times: readonly (string | Date | null)[]): string | null {
  const known = times.flatMap((time) => (time === null ? [] : [new Date(time).getTime()]));
  return known.length === 0 ? null : new Date(Math.max(...known)).toISOString();
}

/** What says that a period has not begun, or is not over, must not be served once it has or is. */
function validUntil({ startMs, endMs }: { startMs: number; endMs: number }, nowMs: number) {
  if (nowMs >= endMs) return {};
  return { validUntil: nowMs < startMs ? startMs : endMs };
}
