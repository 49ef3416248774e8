import { createHash } from 'node:crypto';
import {
  type DashboardSummary,
  getDashboardSummary,
  type getRealtime,
  type SystemStatus,
} from '@almanac/contract/dashboard.ts';
import type { EndpointAnswer } from '@almanac/contract/endpoint.ts';
import { readActivityNow } from '#features/engagement/index.ts';
import { getOrganizationSettings } from '#features/organizations/index.ts';
import { type Principal, systemPrincipal } from '#platform/access/principal.ts';
import type { CachedAnswer } from '#platform/cache/cached-answer.ts';
import type { Caches } from '#platform/cache/caches.ts';
import type { OrganizationTx, Scopes } from '#platform/db/scopes.ts';
import { validationFailed } from '#platform/errors/app-error.ts';
import { createEncoder } from '#platform/http/bind.ts';
import {
  type Comparability,
  type ComparedPeriods,
  changeOf,
  compareCounts,
  comparePeriods,
  describeComparison,
  toAssessmentCounts,
  toUserCounts,
} from './compare-period.ts';
import { readPeriodNumbers } from './dashboard.views.ts';
import { type AskedPeriod, defaultPeriod, readPeriod } from './read-period.ts';

/** What one metric came to in a period and in the part of the one before, by its own aggregation. */
export interface Headline {
  readonly metric_type: string;
  readonly metric_name: string;
  readonly metric_unit: string | null;
  readonly direction: 'up' | 'down' | 'none';
  readonly aggregation: 'sum' | 'average' | 'last';
  readonly value: number | null;
  readonly previous: number | null;
  /** The newest point counted. */
  readonly as_of: Date | null;
}

/** What metrics came to; not settled while days of the ranges are counted anew. */
export interface Headlines {
  readonly headlines: readonly Headline[];
  readonly isSettled: boolean;
}

/** Two half-open ranges in epoch milliseconds, of days of a time zone. */
export interface HeadlineRanges {
  readonly timezone: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly previousFromMs: number;
  readonly previousToMs: number;
}

export type ReadHeadlines = (tx: OrganizationTx, ranges: HeadlineRanges) => Promise<Headlines>;

/** A computed value that is handed to the metric store. */
export interface ComputedPoint {
  readonly id: string;
  readonly metric_type: string;
  readonly metric_name: string;
  readonly metric_value: number;
  readonly metric_unit: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly recorded_at: Date;
}

/** Writes points, of which those whose id and time are known count no more; answers how many were new. */
export type RecordPoints = (
  tx: OrganizationTx,
  points: readonly ComputedPoint[],
) => Promise<{ readonly accepted: number }>;

export interface DashboardOptions {
  scopes: Pick<Scopes, 'inOrganization'>;
  caches: Pick<Caches, 'dashboard'>;
  readHeadlines: ReadHeadlines;
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
        // Nothing counts versions here. Of bytes that are kept the hash is made once, however often they are asked for.
        const version = createHash('sha256').update(body).digest('base64url').slice(0, 22);
        return { body, etag: `W/"${organizationId}/${version}"`, ...validUntil(current, nowMs) };
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
async function readSummary(
  tx: OrganizationTx,
  { periods, timezone }: { periods: ComparedPeriods; timezone: string },
  readHeadlines: ReadHeadlines,
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
