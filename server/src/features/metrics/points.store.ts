import { setImmediate } from 'node:timers/promises';
import { type RawBuilder, sql } from 'kysely';
import { int4Array, timestamptzArray, uuidArray } from '#platform/db/binary-arrays.ts';
import { isUniqueViolation } from '#platform/db/faults.ts';
import { prepared } from '#platform/db/prepare.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { keyOf } from './metrics.store.ts';

/** A point as it is stored. */
export interface PointRecord {
  readonly id: string;
  readonly metric_type: string;
  readonly metric_name: string;
  readonly metric_value: number;
  readonly metric_unit: string | null;
  readonly dimension_1: string | null;
  readonly dimension_2: string | null;
  readonly dimension_3: string | null;
  readonly metadata: object | null;
  readonly business_id: string | null;
  readonly source_id: string | null;
  /** Microseconds since 1970. */
  readonly recorded_us: number;
}

/** How many full months of points are kept beside the running one; rollups are kept for good. */
const keptMonths = 13;

/** Where the oldest month begins whose points are kept; what is older goes into the history. */
export function startOfKeptMonths(now: Date): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - keptMonths));
}

interface PutPoints {
  /** The oldest first. */
  readonly points: readonly PointRecord[];
  /** By `keyOf`, whatever the points say. */
  readonly unitOf: ReadonlyMap<string, string | null>;
  readonly timezone: string;
  /**
   * True to have it fail where there is one of them already, which is looked for at a sixth less of the cost when it need
   * not be passed over.
   */
  readonly assumesNew: boolean;
  /** How many go into one statement: the embedded database works on the thread that serves requests. */
  readonly pointsPerStatement: number;
  /** Spares points that are too young for it the look into the history; without it all are looked for there. */
  readonly now?: Date;
}

/**
 * Writes points and, in the same statement, the hours and days they fall in; answers how many were new. Throws what
 * `isKnownPoint` knows where they were assumed to be new and are not.
 */
export async function putPoints(tx: OrganizationTx, put: PutPoints): Promise<number> {
  const { points, pointsPerStatement, now } = put;
  const keptUs = now ? startOfKeptMonths(now).getTime() * 1_000 : Number.POSITIVE_INFINITY;
  let written = 0;
  for (let from = 0; from < points.length; from += pointsPerStatement) {
    if (from > 0) await setImmediate();
    const some = points.slice(from, from + pointsPerStatement);
    written += await putSome(tx, { ...put, points: some, isArchivable: (some[0]?.recorded_us ?? 0) < keptUs });
  }
  return written;
}

/** True where a point was written that is there already. */
export function isKnownPoint(error: unknown): boolean {
  return isUniqueViolation(error) && /^dashboard_metrics_/.test(String((error as { table?: string }).table));
}

/** Points of a relation, which is read twice, added up by the hours of a time zone, series by series. */
export const hoursOf = (points: RawBuilder<unknown>, timezone: string) => sql`
  select distinct on (series_id, bucket_start) series_id, bucket_start, count, sum, min, max,
    p.metric_value as last_value, last_at, p.id as last_id
  from (
    select series_id, date_trunc('hour', recorded_at, ${timezone}) as bucket_start, count(*) as count,
      sum(metric_value) as sum, min(metric_value) as min, max(metric_value) as max, max(recorded_at) as last_at
    from ${points} group by 1, 2
  ) added
  join (select series_id, recorded_at as last_at, id, metric_value from ${points}) p using (series_id, last_at)
  order by series_id, bucket_start, p.id desc`;

/** Hours of a relation, added up by the days of their time zone. */
export const daysOf = (hours: RawBuilder<unknown>, timezone: string) => sql`
  select series_id, date_trunc('day', bucket_start, ${timezone}) as bucket_start, sum(count)::bigint as count,
    sum(sum) as sum, min(min) as min, max(max) as max, (array_agg(last_value order by last_at desc))[1] as last_value,
    max(last_at) as last_at, (array_agg(last_id order by last_at desc))[1] as last_id
  from ${hours} group by 1, 2`;

/** The columns that a series has one value of. */
const namesOfSeries = sql`
  metric_type, metric_name, dimension_1, dimension_2, dimension_3, business_id, source_id`;

/** What no text of a series holds. */
const none = '\t';

/** Points as parameters: what names a series is sent once for each, and the points say which of them is theirs. */
function nameSeries(points: readonly PointRecord[]): { named: PointRecord[]; places: number[] } {
  const known = new Map<string, number>();
  const named: PointRecord[] = [];
  const places = points.map((point) => {
    const { dimension_1, dimension_2, dimension_3, business_id, source_id } = point;
    const dimensions = `${dimension_1 ?? none}\n${dimension_2 ?? none}\n${dimension_3 ?? none}`;
    const key = `${keyOf(point)}\n${dimensions}\n${business_id ?? none}\n${source_id ?? none}`;
    const place = known.get(key) ?? named.push(point);
    known.set(key, place);
    return place;
  });
  return { named, places };
}

/** The relation `sent`, in the order of the points, and what names their series, `named`. */
function sendPoints({ points, unitOf }: Pick<PutPoints, 'points' | 'unitOf'>): RawBuilder<unknown> {
  const { named, places } = nameSeries(points);
  const column = (read: (point: PointRecord) => string | null) => sql`${named.map(read)}::text[]`;
  const described = [...points.keys()].filter((place) => points[place]?.metadata);
  const metadata = described.map((place) => JSON.stringify(points[place]?.metadata));
  return sql`
    named as (
      select *, metric_series_id(${namesOfSeries}) as series_id
      from (
        select ordinality, metric_type, metric_name, metric_unit, dimension_1, dimension_2, dimension_3,
          business_id::uuid, source_id::uuid
        from unnest(${column((point) => point.metric_type)}, ${column((point) => point.metric_name)},
          ${column((point) => unitOf.get(keyOf(point)) ?? null)}, ${column((point) => point.dimension_1)},
          ${column((point) => point.dimension_2)}, ${column((point) => point.dimension_3)},
          ${column((point) => point.business_id)}, ${column((point) => point.source_id)}
        ) with ordinality as s (metric_type, metric_name, metric_unit, dimension_1, dimension_2, dimension_3, business_id,
          source_id, ordinality)
      ) n
    ),
    sent as (
      select p.ordinality, p.id, p.recorded_at, p.metric_value, m.metadata, n.metric_unit, ${namesOfSeries}
      from unnest(${uuidArray(points.map((point) => point.id))}::uuid[],
        ${timestamptzArray(points.map((point) => point.recorded_us))}::timestamptz[],
        ${`{${points.map((point) => point.metric_value).join(',')}}`}::numeric[], ${int4Array(places)}::int4[]
      ) with ordinality as p (id, recorded_at, metric_value, place, ordinality)
      join named n on n.ordinality = p.place
      left join unnest(${int4Array(described.map((place) => place + 1))}::int4[], ${metadata}::text[]) as m (place, metadata)
        on m.place = p.ordinality
    )`;
}

/**
 * Only rows that were really inserted count in the rollups, so a repeated write changes nothing. Points, series and
 * rollups are each written in the order of their keys, so that writers of the same ones wait for each other and never
 * in a circle.
 */
async function putSome(
  tx: OrganizationTx,
  {
    points,
    unitOf,
    timezone,
    assumesNew,
    isArchivable,
  }: Omit<PutPoints, 'pointsPerStatement'> & { isArchivable: boolean },
): Promise<number> {
  // The offset keeps it a look-up in one month for each point: as a join it would read the history as a whole.
  const isNew = sql`
    not exists (
      select from dashboard_metrics_history h where h.organization_id = ${tx.organizationId}::uuid
        and h.recorded_at = sent.recorded_at and h.id = sent.id offset 0
    )`;
  const { rows } = await sql<{ count: number }>`${prepared}
    with ${sendPoints({ points, unitOf })},
    inserted as (
      insert into dashboard_metrics (organization_id, id, metric_value, metric_unit, metadata, recorded_at,
        ${namesOfSeries})
      select ${tx.organizationId}::uuid, id, metric_value, metric_unit, metadata::jsonb, recorded_at, ${namesOfSeries}
      from sent where ${isArchivable ? isNew : sql`true`} order by ordinality
      ${assumesNew ? sql`` : sql`on conflict do nothing`}
      returning id, series_id, metric_value, recorded_at
    ),
    hours as (${hoursOf(sql`inserted`, timezone)}),
    series as (
      insert into metric_series (organization_id, id, ${namesOfSeries})
      select ${tx.organizationId}::uuid, series_id, ${namesOfSeries} from named
      where series_id in (select series_id from hours) order by series_id
      on conflict do nothing
    ),
    buckets as (
      select *, 'hour' as granularity from hours
      union all
      select *, 'day' from (${daysOf(sql`hours`, timezone)}) d
    ),
    rolled as (
      insert into metric_rollups as r (organization_id, series_id, granularity, bucket_start, count, sum, min, max,
        last_value, last_at, last_id)
      select ${tx.organizationId}::uuid, series_id, granularity, bucket_start, count, sum, min, max, last_value,
        last_at, last_id
      from buckets order by series_id, granularity, bucket_start
      on conflict (organization_id, series_id, granularity, bucket_start) do update set
        count = r.count + excluded.count, sum = r.sum + excluded.sum,
        min = least(r.min, excluded.min), max = greatest(r.max, excluded.max),
        last_value = case when (excluded.last_at, excluded.last_id) > (r.last_at, r.last_id)
          then excluded.last_value else r.last_value end,
        last_id = case when (excluded.last_at, excluded.last_id) > (r.last_at, r.last_id)
          then excluded.last_id else r.last_id end,
        last_at = greatest(r.last_at, excluded.last_at)
    )
    select count(*) as count from inserted`.execute(tx.db);
  return rows[0]?.count ?? 0;
}
