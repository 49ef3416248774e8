import type { Metric } from '@almanac/contract/metrics.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { keyOf, type MetricKey } from './metrics.store.ts';
import { type MetricRow, readCatalog, readMetrics } from './metrics.views.ts';

/** A metric that a feature publishes, as its code declares it. */
export interface MetricDeclaration {
  readonly metric_type: string;
  readonly metric_name: string;
  readonly metric_unit: string | null;
  readonly direction: 'up' | 'down' | 'none';
  readonly aggregation: 'sum' | 'average' | 'last';
  /** True where it is counted from what the feature keeps, so that points from outside would make it untrue. */
  readonly isClosed?: boolean;
}

/** Says how a metric is read: as somebody said, else as its feature declares, else by its unit. */
function describeMetricRow(row: MetricRow, declared: MetricDeclaration | undefined): Metric {
  const isCount = row.metric_unit === 'count';
  return {
    metric_type: row.metric_type,
    metric_name: row.metric_name,
    metric_unit: row.metric_unit ?? declared?.metric_unit ?? null,
    direction: row.direction ?? declared?.direction ?? 'up',
    aggregation: row.aggregation ?? declared?.aggregation ?? (isCount ? 'sum' : 'average'),
    series: row.series,
    first_seen: row.first_seen?.toISOString() ?? null,
    last_seen: row.last_seen?.toISOString() ?? null,
  };
}

/** Joins what the code declares with what was measured; a type's first declared name comes first. */
export function createCatalogReader(declared: readonly MetricDeclaration[]) {
  const places = new Map(declared.map((metric, place) => [keyOf(metric), { metric, place }]));
  const placeOf = (metric: MetricKey) => places.get(keyOf(metric))?.place ?? places.size;
  const describe = (rows: readonly MetricRow[]) =>
    rows.map((row) => describeMetricRow(row, places.get(keyOf(row))?.metric)).sort((a, b) => placeOf(a) - placeOf(b));
  return {
    list: async (tx: OrganizationTx, only: { metric_type?: string; metric_name?: string | undefined } = {}) =>
      describe(await readCatalog(tx, only)),
    /** How each metric is read, without when it was seen: that is a look-up for each series. */
    listReadings: async (tx: OrganizationTx) => describe(await readMetrics(tx)),
  };
}
