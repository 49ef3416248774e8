import type { EndpointAnswer, EndpointInput } from '@almanac/contract/endpoint.ts';
import type { FieldFault } from '@almanac/contract/errors.ts';
import type { listPoints as listEndpoint } from '@almanac/contract/metrics.ts';
import { readTime } from '#kernel/read-time.ts';
import { type WeekCalendar, weekAt } from '#kernel/weeks.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { Scopes } from '#platform/db/scopes.ts';
import { validationFailed } from '#platform/errors/app-error.ts';
import { type Cursors, toPage } from '#platform/http/cursor.ts';
import {
  type BucketRow,
  type ListPosition,
  listBuckets,
  listPoints,
  type MetricFilter,
  type PointRow,
  type Step,
} from './metrics.views.ts';
import { startOfKeptMonths } from './points.store.ts';

type Query = EndpointInput<typeof listEndpoint>['query'];
type PointPage = EndpointAnswer<typeof listEndpoint>;

interface ListsOptions {
  scopes: Pick<Scopes, 'inOrganization'>;
  cursors: Cursors;
  now: () => Date;
}

/** Makes the lists of values, read in pages that stand still while points are written. */
export function createPointLists({ scopes, cursors, now }: ListsOptions) {
  return {
    list: async (principal: UserPrincipal, query: Query): Promise<PointPage> => {
      const { limit = 100, cursor, granularity = 'raw' } = query;
      const { organization, organizationId } = principal;
      const { timezone, firstDayOfWeek } = organization;
      const filter = readFilter(query, timezone);
      const calendar = granularity === 'week' ? [timezone, firstDayOfWeek] : [timezone];
      const list = JSON.stringify(['metrics.list', organizationId, granularity, ...calendar, filter]);
      const after = cursor === undefined ? undefined : cursors.open<ListPosition>(list, cursor);
      const page = { ...filter, after, limit: limit + 1 };
      const seal = (at: string, id: string) => cursors.seal(list, [at, id]);
      if (granularity === 'raw') {
        const rows = await scopes.inOrganization(principal, (tx) => listPoints(tx, page, startOfKeptMonths(now())));
        const { items, next_cursor } = toPage(rows, limit, ({ position, id }) => seal(position, id));
        return { data: items.map(presentPoint), next_cursor };
      }
      const steps = {
        ...page,
        ...widen(filter, granularity, organization),
        step: granularity,
        timezone,
        firstDayOfWeek,
      };
      const rows = await scopes.inOrganization(principal, (tx) => listBuckets(tx, steps));
      const { items, next_cursor } = toPage(rows, limit, (row) => seal(row.bucket_start.toISOString(), row.series_id));
      const runningMs = startOfStep(granularity, now().getTime(), organization);
      return { data: items.map((row) => presentBucket(row, runningMs)), next_cursor };
    },
  };
}

function readFilter(query: Query, timezone: string): MetricFilter {
  const period = readPeriod(query, timezone);
  if ('field' in period) throw validationFailed([period]);
  const { metric_type, metric_name, dimension_1 } = query;
  return { metric_type, metric_name, dimension_1, ...period };
}

/** The whole steps that a period touches: a part of one would be shown as if it were all. */
function widen({ from, to }: MetricFilter, step: Step, calendar: WeekCalendar): Pick<MetricFilter, 'from' | 'to'> {
  return {
    from: from && new Date(startOfStep(step, from.getTime(), calendar)),
    // Hours and days are whole where they begin before the end; weeks are summed up from days.
    to: to && step === 'week' ? new Date(weekAt(to.getTime() - 1, calendar).endMs) : to,
  };
}

/** Where the step that a moment lies in begins. What is not before the one of now is not over. */
function startOfStep(step: Step, ms: number, calendar: WeekCalendar): number {
  if (step === 'week') return weekAt(ms, calendar).startMs;
  const local = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(calendar.timezone);
  const start = step === 'day' ? local.startOfDay() : local.round({ smallestUnit: 'hour', roundingMode: 'floor' });
  return start.epochMilliseconds;
}

function presentPoint({ position: _, ...row }: PointRow): PointPage['data'][number] {
  const { id, metric_type, metric_name, metric_unit, dimension_1, dimension_2, dimension_3 } = row;
  const { metadata, business_id, source_id, metric_value, recorded_at } = row;
  return {
    ...{ id, metric_type, metric_name, metric_value: Number(metric_value), metric_unit },
    ...{ dimension_1, dimension_2, dimension_3, metadata, business_id, source_id },
    recorded_at: recorded_at.toISOString(),
  };
}

function presentBucket(row: BucketRow, runningMs: number): PointPage['data'][number] {
  const { metric_type, metric_name, metric_unit, dimension_1, dimension_2, dimension_3, bucket_start, count } = row;
  return {
    ...{ metric_type, metric_name, metric_unit, dimension_1, dimension_2, dimension_3, count },
    bucket_start: bucket_start.toISOString(),
    sum: Number(row.sum),
    min: Number(row.min),
    max: Number(row.max),
    avg: Number(row.average),
    last: Number(row.last_value),
    as_of: row.last_at.toISOString(),
    complete: row.is_settled && bucket_start.getTime() < runningMs,
  };
}

/** A stretch of time, the end excluded. */
interface Period {
  readonly from: Date | undefined;
  readonly to: Date | undefined;
}

const dayForm = /^\d{4}-\d{2}-\d{2}$/;

/** Reads a period given in days of a time zone, the last one included, or in times; or says what is wrong with it. */
function readPeriod(
  { period_start, period_end }: { period_start?: string | undefined; period_end?: string | undefined },
  timezone: string,
): Period | FieldFault {
  const from = period_start === undefined ? undefined : readBound(period_start, timezone, 0);
  if (from === null) return wrong('period_start', period_start);
  const to = period_end === undefined ? undefined : readBound(period_end, timezone, 1);
  if (to === null) return wrong('period_end', period_end);
  if (from && to && from >= to)
    return { field: 'period_end', issue: `'${period_end}' is not after period_start, '${period_start}'` };
  return { from, to };
}

/** What the database and a printed time can both hold. */
const [earliestMs, latestMs] = [Date.UTC(1900, 0, 1), Date.UTC(9_999, 0, 1)];

function readBound(text: string, timezone: string, daysOn: number): Date | null {
  const bound = readAnyBound(text, timezone, daysOn);
  return bound && bound.getTime() >= earliestMs && bound.getTime() < latestMs ? bound : null;
}

function readAnyBound(text: string, timezone: string, daysOn: number): Date | null {
  if (!dayForm.test(text)) return readTime(text) ?? null;
  try {
    const day = Temporal.PlainDate.from(text).add({ days: daysOn });
    return new Date(day.toZonedDateTime(timezone).epochMilliseconds);
  } catch {
    return null;
  }
}

function wrong(field: string, text: string | undefined): FieldFault {
  return {
    field,
    issue: `'${text}' is neither a day from 1900 to 9998, such as 2024-12-18, nor a time such as 2024-12-18T09:30:00Z`,
  };
}
