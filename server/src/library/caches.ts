import { type Cacheable, CacheService } from './cache-service.ts';
import { invalidateInUse, isAnyCutOff, onInvalidated } from './open-almanac.ts';

const shared = { isBypassed: isAnyCutOff };

/** What a screen shows: 60 seconds, 500 values. */
export const dashboardCache = new CacheService({ defaultTTL: 60, maxKeys: 500, ...shared });
/** Series and comparisons: 5 minutes, 1,000 values. */
export const metricsCache = new CacheService({ defaultTTL: 300, maxKeys: 1_000, ...shared });
/** Reports: 30 minutes, 200 values. */
export const reportsCache = new CacheService({ defaultTTL: 1_800, maxKeys: 200, ...shared });

const ofOrganizations = [dashboardCache, metricsCache, reportsCache];

// What is written through Almanac, by whichever process, is forgotten here too while this one has it open.
onInvalidated((organizationId) => {
  for (const cache of ofOrganizations) {
    if (organizationId === undefined) cache.clear();
    else forget(cache, organizationId);
  }
});

/** A report whose organization was not told may be any's. */
const isOfNobody = (key: string) => /^report:[^:]*$/.test(key);

function forget(cache: CacheService, organizationId: string): void {
  cache.invalidate(organizationId.toLowerCase());
  cache.deleteWhere(isOfNobody);
}

type Compute<Value> = () => Value | Promise<Value>;

/** The three caches by their keys. */
export const organizationCaches = {
  /** A summary from the cache, or what `compute` answers: `dashboard:{organization}:{type}`. */
  getCachedDashboardSummary: <Value extends Cacheable>(
    organizationId: string,
    compute: Compute<Value>,
    type = 'summary',
  ): Promise<Value> => dashboardCache.getOrSet(`dashboard:${organizationId.toLowerCase()}:${type}`, compute),

  /** A metric's numbers from the cache, or what `compute` answers: `metrics:{organization}:{metric_type}:{period}`. */
  getCachedMetrics: <Value extends Cacheable>(
    { organizationId, metricType, period }: { organizationId: string; metricType: string; period: string },
    compute: Compute<Value>,
  ): Promise<Value> =>
    metricsCache.getOrSet(`metrics:${organizationId.toLowerCase()}:${metricType}:${period}`, compute),

  /**
   * A report from the cache, or what `compute` answers: `report:{id}`, or `report:{id}:{organization}` where that is given.
   * Without it the report is forgotten with a change of whichever organization.
   */
  getCachedReport: <Value extends Cacheable>(
    reportId: string,
    compute: Compute<Value>,
    organizationId?: string,
  ): Promise<Value> => {
    const owner = organizationId === undefined ? '' : `:${organizationId.toLowerCase()}`;
    return reportsCache.getOrSet(`report:${reportId}${owner}`, compute);
  },

  /**
   * Forgets what is cached of an organization, here and, while Almanac is open, in every process that shares its
   * database. Resolves once that is so; never rejects.
   */
  invalidateOrganizationCache: async (organizationId: string): Promise<void> => {
    for (const cache of ofOrganizations) forget(cache, organizationId);
    await invalidateInUse(organizationId);
  },
} as const;
