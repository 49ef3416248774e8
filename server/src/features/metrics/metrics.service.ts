import type { EndpointAnswer, EndpointInput } from '@almanac/contract/endpoint.ts';
import {
  getCatalog,
  getTrends,
  type listPoints as listEndpoint,
  type Metric,
  type MetricPoint,
} from '@almanac/contract/metrics.ts';
import { recordAudit } from '#features/audit/index.ts';
import { shiftWeek, weekAt } from '#kernel/weeks.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import { type CachedAnswer, tagOfBytes } from '#platform/cache/cached-answer.ts';
import type { Caches } from '#platform/cache/caches.ts';
import type { IdempotentCall } from '#platform/db/idempotency.ts';
import type { OrganizationTx, Scopes } from '#platform/db/scopes.ts';
import { notFound } from '#platform/errors/app-error.ts';
import { createEncoder } from '#platform/http/bind.ts';
import type { Cursors } from '#platform/http/cursor.ts';
import type { createCatalogReader } from './describe-metric.ts';
import { createPointLists } from './list-points.ts';
import { changeMetric, type MetricChange, type MetricKey } from './metrics.store.ts';
import { isKnownPoint } from './points.store.ts';
import { readTrends } from './read-metrics.ts';
import { type PointCounts, takeLines } from './take-lines.ts';
import { metricsTopic, type PointWriting, writeSent } from './write-points.ts';

export interface MetricsServiceOptions extends PointWriting {
  scopes: Pick<Scopes, 'inOrganization'>;
  caches: Pick<Caches, 'metrics' | 'invalidateAfter'>;
  cursors: Cursors;
  catalog: ReturnType<typeof createCatalogReader>;
}

type TrendQuery = EndpointInput<typeof getTrends>['query'];
type Answer = CachedAnswer | Promise<CachedAnswer>;
/** The use cases of the metric store. */
export interface MetricsService {
  /** Writes posted points, all or none. Throws VALIDATION_ERROR naming each wrong one. */
  addPoints(principal: UserPrincipal, sent: readonly MetricPoint[], once?: IdempotentCall): Promise<PointCounts>;
  /** Writes points from lines, a batch a transaction. Throws VALIDATION_ERROR or MALFORMED_BODY naming the line. */
  addLines(principal: UserPrincipal, lines: AsyncIterable<Buffer>): Promise<PointCounts>;
  list(
    principal: UserPrincipal,
    query: EndpointInput<typeof listEndpoint>['query'],
  ): Promise<EndpointAnswer<typeof listEndpoint>>;
  /** The catalogue as bytes. */
  getCatalog(principal: UserPrincipal): Answer;
  /** Says how a metric is read. Throws NOT_FOUND. */
  describe(principal: UserPrincipal, metric: MetricKey, change: MetricChange): Promise<Metric>;
  /** A metric's weeks as bytes. Throws NOT_FOUND for a metric that is not in the catalogue. */
  getTrends(principal: UserPrincipal, query: TrendQuery): Answer;
}

/** Raised when the shape of an answer changes, so that no cache serves the old one. */
const schemaVersion = '2';

export function createMetricsService(options: MetricsServiceOptions): MetricsService {
  const { scopes, caches, catalog, now, announceDashboards } = options;
  const encodeCatalog = createEncoder(getCatalog);
  const encodeTrends = createEncoder(getTrends);

  const cached = (
    principal: UserPrincipal,
    view: { parts: readonly string[]; validUntil?: number },
    compute: (tx: OrganizationTx) => Promise<Buffer>,
  ): Answer => {
    const { timezone, firstDayOfWeek } = principal.organization;
    const parts = ['metrics:read', timezone, String(firstDayOfWeek), schemaVersion, ...view.parts];
    const key = { organizationId: principal.organizationId, topic: metricsTopic, parts };
    const { validUntil } = view;
    const computeAnswer = async (tx: OrganizationTx): Promise<CachedAnswer> => {
      const body = await compute(tx);
      return { body, etag: tagOfBytes(tx.organizationId, body), ...(validUntil === undefined ? {} : { validUntil }) };
    };
    return (
      caches.metrics.peek(key) ?? caches.metrics.getOrSet(key, () => scopes.inOrganization(principal, computeAnswer))
    );
  };

  return {
    ...createPointLists(options),
    addPoints: (principal, sent, once) => writePoints({ principal, once }, sent, options),
    addLines: (principal, lines) => takeLines(lines, (points) => writePoints({ principal }, points, options)),
    getCatalog: (principal) =>
      cached(principal, { parts: ['catalog'] }, async (tx) => encodeCatalog(await catalog.list(tx))),
    describe: (principal, metric, change) =>
      scopes.inOrganization(principal, async (tx) => {
        const isChanged = await changeMetric(tx, metric, change);
        const [found] = isChanged ? await catalog.list(tx, metric) : [];
        if (!found) throw notFound('metric', `${metric.metric_type}/${metric.metric_name}`);
        const target = `metric:${metric.metric_type}/${metric.metric_name}`;
        await recordAudit(tx, { action: 'metrics.describe', at: now(), target, details: { ...change } });
        announceDashboards(tx);
        caches.invalidateAfter(tx, [metricsTopic]);
        return found;
      }),
    getTrends: (principal, { metric_type, metric_name, weeks: count = 12 }) => {
      const nowMs = now().getTime();
      const current = weekAt(nowMs, principal.organization);
      const weeks = Array.from({ length: count + 1 }, (_, index) => shiftWeek(current, index - count));
      const parts = ['trends', metric_type, metric_name ?? '', metric_name === undefined ? '0' : '1', String(count)];
      const view = { parts: [...parts, current.startDate], validUntil: current.endMs };
      return cached(principal, view, async (tx) => {
        const [metric] = await catalog.list(tx, { metric_type, metric_name });
        if (!metric)
          throw notFound('metric', metric_name === undefined ? metric_type : `${metric_type}/${metric_name}`);
        const { timezone } = principal.organization;
        const [trend] = await readTrends(tx, { metrics: [metric], weeks, timezone, nowMs });
        if (!trend) throw new Error('A metric that there is was not read.');
        return encodeTrends(trend);
      });
    },
  };
}

interface PointSender {
  principal: UserPrincipal;
  once?: IdempotentCall | undefined;
}

/** Points sent again are rare, and are found by failing: only then is the cost of passing them over paid. */
async function writePoints(
  { principal, once }: PointSender,
  sent: readonly MetricPoint[],
  options: MetricsServiceOptions,
): Promise<PointCounts> {
  const write = (assumesNew: boolean) =>
    options.scopes.inOrganization(principal, (tx) => writeSent(tx, sent, { ...options, assumesNew }), { once });
  try {
    return await write(true);
  } catch (error) {
    if (!isKnownPoint(error)) throw error;
    return write(false);
  }
}
