import type { FastifyInstance } from 'fastify';
import { getOrganizationSettings } from '#features/organizations/index.ts';
import type { Database } from '#platform/db/database.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { createCatalogReader, type MetricDeclaration } from './describe-metric.ts';
import { addMetricsRoutes } from './metrics.routes.ts';
import { createMetricsService, type MetricsServiceOptions } from './metrics.service.ts';
import { removeSomePoints } from './metrics.store.ts';
import { type Headline, type HeadlineRanges, readHeadlines } from './read-headlines.ts';
import type { PointCounts } from './take-lines.ts';
import { keyOf, type PublishedPoint, writePublished } from './write-points.ts';

interface MetricsNeeds extends Omit<MetricsServiceOptions, 'pointsPerStatement' | 'catalog' | 'closed'> {
  database: Pick<Database, 'pglite'>;
  /** What the features publish, the first of a type being the one meant by the type alone. */
  declared: readonly MetricDeclaration[];
}

/** The metric store: what every feature publishes its numbers to, and every trend and report reads from. */
export interface MetricsFeature {
  addRoutes(app: FastifyInstance): void;
  /** Writes points that a feature publishes, in the feature's transaction. */
  recordPoints(tx: OrganizationTx, points: readonly PublishedPoint[]): Promise<PointCounts>;
  /** What the metrics of an organization came to in two ranges; see `Headline`. */
  readHeadlines(tx: OrganizationTx, ranges: HeadlineRanges): Promise<Headline[]>;
  /** Removes some points of an organization where there are very many; false, and nothing done, where they are few. */
  removeSomePoints(tx: OrganizationTx): Promise<boolean>;
}

/** The embedded database works on the thread that serves requests: a statement of as many takes about 30 ms there. */
const pointsPerStatement = { embedded: 400, server: 10_000 };

export function createMetricsFeature(needs: MetricsNeeds): MetricsFeature {
  const perStatement = needs.database.pglite ? pointsPerStatement.embedded : pointsPerStatement.server;
  const catalog = createCatalogReader(needs.declared);
  const closed = new Set(needs.declared.filter(({ isClosed }) => isClosed).map(keyOf));
  const options = { ...needs, catalog, closed, pointsPerStatement: perStatement };
  const service = createMetricsService(options);
  return {
    addRoutes: (app) => addMetricsRoutes(app, service),
    recordPoints: (tx, points) => writePublished(tx, points, options),
    readHeadlines: async (tx, ranges) => {
      const { timezone } = await getOrganizationSettings(tx);
      return readHeadlines(tx, await catalog.listReadings(tx), { ...ranges, timezone });
    },
    removeSomePoints,
  };
}
