import { getStats, getSummary, type PendingReview, type WeeklyData } from '@almanac/contract/weekly.ts';
import { getOrganizationSettings, type OrganizationSettings } from '#features/organizations/index.ts';
import { putSource } from '#features/sources/index.ts';
import { roundDecimal } from '#kernel/rounding.ts';
import { type Week, weekOfDate } from '#kernel/weeks.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { CachedAnswer } from '#platform/cache/cached-answer.ts';
import type { Caches } from '#platform/cache/caches.ts';
import type { IdempotentCall } from '#platform/db/idempotency.ts';
import type { OrganizationTx, Scopes } from '#platform/db/scopes.ts';
import type { Feed } from '#platform/feed/feed.ts';
import { createEncoder } from '#platform/http/bind.ts';
import { addDemoItems } from './add-demo-items.ts';
import { checkItems } from './check-items.ts';
import { comparedRanges, compareStats } from './compare-week.ts';
import { presentWeek, shapeItem, shapeWeek } from './shape-week.ts';
import type { WeekClock } from './week-clock.ts';
import { wrongItems } from './weekly.errors.ts';
import * as store from './weekly.store.ts';
import { listOpenReviews, readStats, readWeek } from './weekly.views.ts';

/** Raised when the shape of an answer changes, so that no cache serves the old one. */
const schemaVersion = '1';
export const weeklyTopic = 'weekly';
const hourMs = 3_600_000;

export interface WeeklyServiceOptions {
  scopes: Pick<Scopes, 'inOrganization'>;
  caches: Pick<Caches, 'dashboard' | 'invalidate'>;
  feed: Pick<Feed, 'publish'>;
  /** Has the organization's stale past weeks recomputed after the commit. */
  enqueueRecompute: (tx: OrganizationTx) => void;
  clock: WeekClock;
  now: () => Date;
}

/** What POST /items did. */
export interface ItemCounts {
  inserted: number;
  updated: number;
  unchanged: number;
}

/** The use cases of the weekly dashboard. */
export type WeeklyService = ReturnType<typeof createWeeklyService>;

export function createWeeklyService(options: WeeklyServiceOptions) {
  const { scopes, caches, clock, now } = options;
  const running = new Map<string, Promise<WeeklyData>>();
  const encodeSummary = createEncoder(getSummary);
  const encodeStats = createEncoder(getStats);

  const cached = (
    view: string,
    principal: UserPrincipal,
    { week, compute }: CachedView,
  ): CachedAnswer | Promise<CachedAnswer> => {
    const { timezone, firstDayOfWeek } = week.calendar;
    const parts = [view, 'weekly:read', week.startDate, timezone, String(firstDayOfWeek), schemaVersion];
    const key = { organizationId: principal.organizationId, topic: weeklyTopic, parts };
    return (
      caches.dashboard.peek(key) ?? caches.dashboard.getOrSet(key, () => scopes.inOrganization(principal, compute))
    );
  };

  const readSummary = (principal: UserPrincipal, text?: string) => {
    const week = clock.resolve(text, principal.organization);
    const compute = async (tx: OrganizationTx) => {
      const data = await loadWeek(tx, { week, demo: principal.organization.isDemo }, options);
      const etag = `W/"${week.id}-${data.version}-${data.week.complete ? 'complete' : 'running'}-${schemaVersion}"`;
      return { body: encodeSummary(data), etag, ...validUntil(week, now()) };
    };
    return cached('summary', principal, { week, compute });
  };

  return {
    /** The weekly data object as bytes. */
    getSummary: readSummary,

    /** The six numbers against the week before, as bytes. */
    getStats: (principal: UserPrincipal, text?: string) => {
      const week = clock.resolve(text, principal.organization);
      const compute = async (tx: OrganizationTx) => {
        const nowMs = now().getTime();
        const ranges = comparedRanges(week, nowMs);
        const stored = await store.findStoredWeek(tx, week.startDate);
        const [current, previous] = await readStats(tx, [ranges.current, ranges.previous]);
        if (!current || !previous) throw new Error('The numbers of the week could not be read.');
        const body = encodeStats(compareStats(ranges, current, previous));
        const etag = `W/"${week.id}-stats-${stored?.version ?? 0}-${ranges.previous.endMs}"`;
        return { body, etag, ...validUntil(week, now()) };
      };
      return cached('stats', principal, { week, compute });
    },

    /** The weekly data object itself. */
    readWeek: async (principal: UserPrincipal, text?: string): Promise<WeeklyData> => {
      const { body } = await readSummary(principal, text);
      return (JSON.parse(body.toString()) as { data: WeeklyData }).data;
    },

    /** Reviews that are open, for a past week at its end, oldest first. */
    listPending: async (
      principal: UserPrincipal,
      { week: text, limit }: { week?: string | undefined; limit: number },
    ) => {
      const week = clock.resolve(text, principal.organization);
      const untilMs = Math.min(now().getTime(), week.endMs);
      const found = await scopes.inOrganization(principal, (tx) => listOpenReviews(tx, { atMs: week.endMs, limit }));
      const reviews: PendingReview[] = found.reviews.map((item) => {
        const waitedMs = Math.max(0, untilMs - Date.parse(item.occurred_at));
        return { ...shapeItem(item), waitingHours: roundDecimal(waitedMs / hourMs, 1) };
      });
      return { reviews, total: found.total };
    },

    /** Recomputes a week and tells everyone who watches; a call that comes while one runs is answered with it. */
    refresh: (principal: UserPrincipal, text?: string): Promise<WeeklyData> => {
      const week = clock.resolve(text, principal.organization);
      const key = `${principal.organizationId}/${week.startDate}`;
      const known = running.get(key);
      if (known) return known;
      const work = scopes
        .inOrganization(principal, (tx) => recomputeWeek(tx, week, options))
        .finally(() => running.delete(key));
      running.set(key, work);
      return work;
    },

    /** Writes posted items, all or none. Throws VALIDATION_ERROR naming each wrong one. */
    addItems: async (
      principal: UserPrincipal,
      sent: readonly store.ItemRecord[],
      once?: IdempotentCall,
    ): Promise<ItemCounts> => {
      const { items, repeated, faults } = checkItems(sent, now().getTime());
      const [first, ...rest] = faults;
      if (first) throw wrongItems([first, ...rest.slice(0, 19)]);
      const work = async (tx: OrganizationTx): Promise<ItemCounts> => {
        const settings = await getOrganizationSettings(tx);
        const sourceId = await putSource(tx, { kind: 'push', name: 'Posted items' });
        const written = await store.putItems(tx, { sourceId, items, timezone: settings.timezone });
        await settleChanges(tx, { settings, affected: written }, options);
        const { inserted, updated } = written;
        return { inserted, updated, unchanged: items.length - inserted - updated + repeated };
      };
      return scopes.inOrganization(principal, work, { once });
    },
  };
}

interface CachedView {
  week: Week;
  compute: (tx: OrganizationTx) => Promise<CachedAnswer>;
}

/** What says that a week is not over must not be served once it is. */
function validUntil(week: Week, now: Date): { validUntil: number } | undefined {
  return now.getTime() < week.endMs ? { validUntil: week.endMs } : undefined;
}

type Computing = Pick<WeeklyServiceOptions, 'now' | 'clock' | 'feed' | 'caches' | 'enqueueRecompute'>;

/** The week's object: as stored where that is current, else counted and stored. */
export async function loadWeek(
  tx: OrganizationTx,
  { week, demo }: { week: Week; demo: boolean },
  { now }: Pick<Computing, 'now'>,
): Promise<WeeklyData> {
  const nowMs = now().getTime();
  if (nowMs >= week.startMs && nowMs < week.endMs) await store.ensureWeek(tx, week.startDate);
  const stored = await store.findStoredWeek(tx, week.startDate);
  if (stored?.snapshot) {
    return presentWeek(week, stored.snapshot, { nowMs, version: stored.version, changedAt: stored.changed_at });
  }
  const numbers = await readWeek(tx, week);
  const snapshot = shapeWeek(week, numbers, demo);
  if (stored)
    await store.putSnapshot(tx, { weekStart: week.startDate, version: numbers.version, snapshot, now: now() });
  return presentWeek(week, snapshot, { nowMs, version: numbers.version, changedAt: numbers.changedAt });
}

/** Recomputes a week; in the demo organization after adding what its generator has by now. Always announces the week. */
async function recomputeWeek(tx: OrganizationTx, week: Week, options: Computing): Promise<WeeklyData> {
  const settings = await getOrganizationSettings(tx);
  if (settings.isDemo) await addDueDemoItems(tx, settings, options);
  const data = await loadWeek(tx, { week, demo: settings.isDemo }, options);
  options.feed.publish(tx, weekChanged(week, data.version));
  tx.afterCommit(() => options.caches.invalidate(tx.organizationId, [weeklyTopic]));
  return data;
}

/** Adds the demo items that are due by now and settles what they change; answers how many there were. */
export async function addDueDemoItems(
  tx: OrganizationTx,
  settings: OrganizationSettings,
  options: Computing,
): Promise<number> {
  const written = await addDemoItems(tx, { settings, current: options.clock.current(settings), now: options.now() });
  await settleChanges(tx, { settings, affected: written }, options);
  return written.inserted + written.updated;
}

/**
 * What follows a change of items, in its transaction: the versions of the weeks it touches are raised and announced, the
 * running week is stored anew, and past weeks are left to a job. After the commit the caches of all processes forget.
 */
export async function settleChanges(
  tx: OrganizationTx,
  { settings, affected }: { settings: OrganizationSettings; affected: store.AffectedDays },
  options: Computing,
): Promise<void> {
  const raised = await store.raiseWeeks(tx, { affected, calendar: settings, now: options.now() });
  if (raised.length === 0) return;
  const current = options.clock.current(settings);
  for (const { week_start_date, version } of raised) {
    options.feed.publish(tx, weekChanged(weekOfDate(Temporal.PlainDate.from(week_start_date), settings), version));
  }
  const isCurrentRaised = raised.some(({ week_start_date }) => week_start_date === current.startDate);
  if (isCurrentRaised) await loadWeek(tx, { week: current, demo: settings.isDemo }, options);
  if (raised.length > (isCurrentRaised ? 1 : 0)) options.enqueueRecompute(tx);
  tx.afterCommit(() => options.caches.invalidate(tx.organizationId, [weeklyTopic]));
}

function weekChanged(week: Week, version: number) {
  return {
    type: 'weekly.changed' as const,
    subject: week.startDate,
    payload: { week: week.id, week_start: week.startDate, version },
  };
}
