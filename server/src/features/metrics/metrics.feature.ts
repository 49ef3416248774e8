import type { Metric } from '@almanac/contract/metrics.ts';
import type { FastifyInstance } from 'fastify';
import type { CalendarWaiting, OnCalendarChange } from '#features/organizations/index.ts';
import type { Database } from '#platform/db/database.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import type { JobDefinition } from '#platform/jobs/define-job.ts';
import type { Jobs } from '#platform/jobs/jobs.ts';
import { createCatalogReader, type MetricDeclaration } from './describe-metric.ts';
import { metricsJobs, rebuildJobName } from './metrics.jobs.ts';
import { addMetricsRoutes } from './metrics.routes.ts';
import { createMetricsService, type MetricsServiceOptions } from './metrics.service.ts';
import { keyOf, removeSomePoints } from './metrics.store.ts';
import { type HeadlineRanges, type Headlines, readHeadlines, readTrends } from './read-metrics.ts';
import { markForRebuild } from './rebuild-rollups.ts';
import type { PointCounts } from './take-lines.ts';
import { metricsTopic, type PublishedPoint, writePublished } from './write-points.ts';

interface MetricsNeeds
  extends Omit<MetricsServiceOptions, 'pointsPerStatement' | 'catalog' | 'closed'>,
    CalendarWaiting {
  database: Pick<Database, 'pglite'>;
  jobs: Pick<Jobs, 'enqueue'>;
  /** What the features publish, the first of a type being the one meant by the type alone. */
  declared: readonly MetricDeclaration[];
}

/** The metric store: what every feature publishes its numbers to, and every trend and report reads from. */
export interface MetricsFeature {
  readonly jobs: readonly JobDefinition[];
  /** Has hours and days counted anew by a job; until then what is read of them says that it is not complete. */
  readonly onCalendarChange: OnCalendarChange;
  addRoutes(app: FastifyInstance): void;
  /** Writes points that a feature publishes, in the feature's transaction. */
  recordPoints(tx: OrganizationTx, points: readonly PublishedPoint[]): Promise<PointCounts>;
  /** What the metrics of an organization came to in two ranges; see `Headline`. The calendar is held. */
  readHeadlines(tx: OrganizationTx, ranges: HeadlineRanges): Promise<Headlines>;
  /** The metrics of an organization and how each is read, without when they were seen. */
  listMetrics(tx: OrganizationTx): Promise<Metric[]>;
  /** The same as `readHeadlines`, of some metrics. */
  readHeadlinesOf(tx: OrganizationTx, metrics: readonly Metric[], ranges: HeadlineRanges): Promise<Headlines>;
  /** The weeks, or days, of metrics as GET /api/dashboard/trends shows those of one. */
  readTrends: typeof readTrends;
  /** Removes some points of an organization where there are very many; false, and nothing done, where they are few. */
  removeSomePoints(tx: OrganizationTx): Promise<boolean>;
}

/** The embedded database works on the thread that serves requests: a statement of as many takes about 30 ms there. */
const pointsPerStatement = { embedded: 400, server: 10_000 };
const pointsPerRebuild = { embedded: 1_000, server: 10_000 };

export function createMetricsFeature(needs: MetricsNeeds): MetricsFeature {
  const place = needs.database.pglite ? 'embedded' : 'server';
  const catalog = createCatalogReader(needs.declared);
  const closed = new Set(needs.declared.filter(({ isClosed }) => isClosed).map(keyOf));
  const options = {
    ...needs,
    ...{ catalog, closed },
    pointsPerStatement: pointsPerStatement[place],
    pointsPerRebuild: pointsPerRebuild[place],
  };
  const service = createMetricsService(options);
  return {
    jobs: metricsJobs(options),
    onCalendarChange: async (tx, { before, after }) => {
      if (before.timezone === after.timezone) return;
      await markForRebuild(tx);
      needs.jobs.enqueue(tx, rebuildJobName);
      needs.caches.invalidateAfter(tx, [metricsTopic]);
    },
    addRoutes: (app) => addMetricsRoutes(app, service),
    recordPoints: (tx, points) => writePublished(tx, points, options),
    readHeadlines: async (tx, ranges) => readHeadlines(tx, await catalog.listReadings(tx), ranges),
    listMetrics: catalog.listReadings,
    readHeadlinesOf: readHeadlines,
    readTrends,
    removeSomePoints,
  };
}
