import type { FastifyInstance } from 'fastify';
import type { Exporter } from '#exporters/kit/exporter.ts';
import { type ItemRecord, mergeChanges, putItems, removeItems } from '#features/activity/index.ts';
import type { OnCalendarChange, OrganizationSettings } from '#features/organizations/index.ts';
import type { Caches } from '#platform/cache/caches.ts';
import type { OrganizationTx, Scopes } from '#platform/db/scopes.ts';
import type { Feed } from '#platform/feed/feed.ts';
import type { JobDefinition } from '#platform/jobs/define-job.ts';
import type { Jobs } from '#platform/jobs/jobs.ts';
import type { RateLimiter } from '#platform/limits/rate-limiter.ts';
import type { RealtimeNamespace } from '#platform/realtime/namespace.ts';
import {
  addDueDemoItems,
  forgetAuthors,
  forgetSomeAuthors,
  moveWeeks,
  removeSomeActivity,
  settleChanges,
  type WeekComputing,
} from './settle-changes.ts';
import { createWeekClock } from './week-clock.ts';
import { serveWeeklyEvents } from './weekly.events.ts';
import { recomputeJobName, removeOldWeeks, weeklyJobs } from './weekly.jobs.ts';
import { addWeeklyRoutes } from './weekly.routes.ts';
import { createWeeklyService } from './weekly.service.ts';

interface WeeklyNeeds {
  scopes: Pick<Scopes, 'inOrganization'>;
  caches: Pick<Caches, 'dashboard' | 'invalidate' | 'invalidateAfter'>;
  feed: Pick<Feed, 'publish'>;
  recordPoints: WeekComputing['recordPoints'];
  jobs: Pick<Jobs, 'enqueue'>;
  limiter: RateLimiter;
  exporters: readonly Exporter[];
  now: () => Date;
}

/** What one reading of a source brought. */
export interface ActivityChange {
  readonly sourceId: string;
  readonly items: readonly ItemRecord[];
  readonly removed: readonly string[];
  readonly readNumber: number;
  /** Removes what was last met before this reading, at its end. */
  readonly removesNotMet: boolean;
}

/** The weekly dashboard. */
export interface WeeklyFeature {
  readonly jobs: readonly JobDefinition[];
  /** Has the weeks of the new calendar take the place of those on record. */
  readonly onCalendarChange: OnCalendarChange;
  addRoutes(app: FastifyInstance): void;
  serveEvents(namespace: RealtimeNamespace): void;
  /** Takes what a source brought, with all that follows from it, in the source's transaction. */
  recordActivity(tx: OrganizationTx, settings: OrganizationSettings, change: ActivityChange): Promise<void>;
  /** Takes the names of authors out of an organization's items, and of all that is computed from them. */
  forgetAuthors(tx: OrganizationTx, authors: readonly string[]): Promise<void>;
  /**
   * Does the same for the first items past an id, where there are more of them than one statement changes: answers the
   * last of them. Undefined, and nothing is changed, where the rest is little.
   */
  forgetSomeAuthors(
    tx: OrganizationTx,
    page: { authors: readonly string[]; after: string | undefined },
  ): Promise<string | undefined>;
  /** Removes some items where there are very many; false, and nothing is changed, where they are few. */
  removeSomeActivity(tx: OrganizationTx): Promise<boolean>;
  /** Fills the demo organization up to now. */
  fillDemo(tx: OrganizationTx, settings: OrganizationSettings): Promise<number>;
  removeOldWeeks: (run: Parameters<typeof removeOldWeeks>[0]) => ReturnType<typeof removeOldWeeks>;
}

export function createWeeklyFeature(needs: WeeklyNeeds): WeeklyFeature {
  const { scopes, limiter, exporters, jobs, now } = needs;
  const clock = createWeekClock(now);
  const enqueueRecompute = (tx: OrganizationTx) => jobs.enqueue(tx, recomputeJobName);
  const options = { ...needs, clock, enqueueRecompute };
  const service = createWeeklyService(options);
  return {
    jobs: weeklyJobs(options),
    onCalendarChange: (tx, { after }) => moveWeeks(tx, after, options),
    addRoutes: (app) => addWeeklyRoutes(app, { service, scopes, exporters }),
    serveEvents: (namespace) => serveWeeklyEvents(namespace, { service, clock, limiter }),
    recordActivity: async (tx, settings, change) => {
      const { sourceId, readNumber } = change;
      const source = { sourceId, timezone: settings.timezone };
      const removed = change.removed.length > 0 && (await removeItems(tx, { ...source, externalIds: change.removed }));
      const written = change.items.length > 0 && (await putItems(tx, { ...source, items: change.items, readNumber }));
      const swept = change.removesNotMet && (await removeItems(tx, { ...source, notMetSince: readNumber }));
      const changes = mergeChanges([removed, written, swept].filter((part) => part !== false));
      await settleChanges(tx, { settings, changes }, options);
    },
    forgetAuthors: (tx, authors) => forgetAuthors(tx, authors, options),
    forgetSomeAuthors: (tx, page) => forgetSomeAuthors(tx, page, options),
    removeSomeActivity: (tx) => removeSomeActivity(tx, options),
    fillDemo: (tx, settings) => addDueDemoItems(tx, settings, options),
    removeOldWeeks: (run) => removeOldWeeks(run, options),
  };
}
