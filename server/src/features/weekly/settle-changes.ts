import { setImmediate } from 'node:timers/promises';
import type { WeeklyData } from '@almanac/contract/weekly.ts';
import {
  hasMoreItems,
  type ItemsChanged,
  listItemIdsBy,
  mergeChanges,
  pointsOfChange,
  pointsOfNewWeek,
  pointsOfRunningWeek,
  removeSomeItems,
  renameAuthors,
} from '#features/activity/index.ts';
import { addDemoItems } from '#features/demo/index.ts';
import type { MetricsFeature, PublishedPoint } from '#features/metrics/index.ts';
import { getOrganizationSettings, type OrganizationSettings } from '#features/organizations/index.ts';
import { shiftWeek, type Week, type WeekCalendar, weekAt, weekOfDate } from '#kernel/weeks.ts';
import type { Caches } from '#platform/cache/caches.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import type { Feed } from '#platform/feed/feed.ts';
import { presentWeek, shapeWeek } from './shape-week.ts';
import type { WeekClock } from './week-clock.ts';
import * as store from './weekly.store.ts';
import { findEarliestItem, readWeek, weeksCompared } from './weekly.views.ts';

/** The cache topic of everything that is said about weeks. */
export const weeklyTopic = 'weekly';

/** What computing weeks needs. */
export interface WeekComputing {
  caches: Pick<Caches, 'dashboard' | 'invalidate' | 'invalidateAfter'>;
  feed: Pick<Feed, 'publish'>;
  /** Hands values to the metric store, in the same transaction. */
  recordPoints: MetricsFeature['recordPoints'];
  /** Has the organization's stale past weeks recomputed after the commit. */
  enqueueRecompute: (tx: OrganizationTx) => void;
  clock: WeekClock;
  now: () => Date;
}

type WeekStoring = Pick<WeekComputing, 'now' | 'recordPoints'>;

/**
 * A week as stored, or computed and then stored where its numbers are missing or older than its items. The week is one of
 * the organization's calendar, which is held.
 */
export async function loadWeek(tx: OrganizationTx, week: Week, storing: WeekStoring): Promise<WeeklyData> {
  const { data, points } = await loadUnpublished(tx, week, storing);
  await storing.recordPoints(tx, points);
  return data;
}

/** Does the same, and leaves it to the caller to record what the running week, where it was stored anew, publishes. */
async function loadUnpublished(
  tx: OrganizationTx,
  week: Week,
  { now }: Pick<WeekStoring, 'now'>,
): Promise<{ data: WeeklyData; points: PublishedPoint[] }> {
  const nowMs = now().getTime();
  const isRunning = nowMs >= week.startMs && nowMs < week.endMs;
  const isNew = isRunning && (await store.ensureWeek(tx, week.startDate));
  const stored = await store.findStoredWeek(tx, week.startDate);
  if (stored?.snapshot) {
    const { snapshot, version, changed_at: changedAt } = stored;
    return { data: presentWeek(week, snapshot, { nowMs, version, changedAt }), points: [] };
  }
  const numbers = await readWeek(tx, week);
  const { version, changedAt } = numbers;
  const { isDemo } = await getOrganizationSettings(tx);
  const snapshot = shapeWeek(week, numbers, isDemo);
  const data = presentWeek(week, snapshot, { nowMs, version, changedAt });
  const isStored =
    stored && (await store.putSnapshot(tx, { weekStart: week.startDate, version, snapshot, now: now() }));
  // An organization in which nothing ever happened publishes nothing.
  if (!isRunning || !isStored || version === 0) return { data, points: [] };
  const before = stored.storedStats;
  const points = pointsOfRunningWeek(snapshot.stats, { before, nowMs: now().getTime() });
  return { data, points: isNew ? [...pointsOfNewWeek(tx.organizationId, week.startMs), ...points] : points };
}

/**
 * Recomputes the week that a parameter asks for; in the demo organization after adding what its generator has by now.
 * Always announces the week.
 */
export async function recomputeWeek(
  tx: OrganizationTx,
  text: string | undefined,
  computing: WeekComputing,
): Promise<WeeklyData> {
  const settings = await getOrganizationSettings(tx);
  const week = computing.clock.resolve(text, settings);
  await addDueDemoItems(tx, settings, computing);
  const data = await loadWeek(tx, week, computing);
  announceWeek(tx, { week, version: data.version }, computing);
  computing.caches.invalidateAfter(tx, [weeklyTopic]);
  return data;
}

/** Adds the demo items that are due by now, in a demo organization alone, and settles what they change; answers how many. */
export async function addDueDemoItems(
  tx: OrganizationTx,
  settings: OrganizationSettings,
  computing: WeekComputing,
): Promise<number> {
  if (!settings.isDemo) return 0;
  const current = computing.clock.current(settings);
  const written = await addDemoItems(tx, { settings, current, now: computing.now() });
  await settleChanges(tx, { settings, changes: written }, computing);
  return written.inserted + written.updated;
}

/**
 * What follows a change of items, in its transaction: the versions of the weeks it touches are raised and announced, the
 * running week is stored anew, what came and left goes to the metric store, and past weeks are left to a job. After the
 * commit the caches of all processes forget.
 */
export async function settleChanges(
  tx: OrganizationTx,
  { settings, changes }: { settings: OrganizationSettings; changes: ItemsChanged },
  computing: WeekComputing,
): Promise<void> {
  const { raised, opened } = await store.raiseWeeks(tx, {
    affected: changes,
    calendar: settings,
    now: computing.now(),
    reachWeeks: weeksCompared,
  });
  if (raised.length === 0) return;
  const current = computing.clock.current(settings);
  const weekOf = (day: string) => weekOfDate(Temporal.PlainDate.from(day), settings);
  for (const { week_start_date, version } of raised) {
    announceWeek(tx, { week: weekOf(week_start_date), version }, computing);
  }
  const isCurrentRaised = raised.some(({ week_start_date }) => week_start_date === current.startDate);
  const running = isCurrentRaised ? (await loadUnpublished(tx, current, computing)).points : [];
  const keptFromMs = oldestKeptWeek(current, settings).startMs;
  await computing.recordPoints(tx, [
    ...opened
      .map((day) => weekOf(day).startMs)
      .filter((ms) => ms >= keptFromMs)
      .flatMap((ms) => pointsOfNewWeek(tx.organizationId, ms)),
    // What lies before comes and leaves with the retention, over and over where its source is read anew.
    ...pointsOfChange(changes.deltas.filter(({ quarterMs }) => quarterMs >= keptFromMs)),
    ...running,
  ]);
  if (raised.length > (isCurrentRaised ? 1 : 0)) computing.enqueueRecompute(tx);
  computing.caches.invalidateAfter(tx, [weeklyTopic]);
}

/** The first of the weeks that the organization keeps. */
export function oldestKeptWeek(current: Week, { weeksKept }: Pick<OrganizationSettings, 'weeksKept'>): Week {
  return shiftWeek(current, 1 - weeksKept);
}

/**
 * What follows when the organization counts its weeks in another way, in the transaction of that change: the weeks on record
 * give way to those of the new calendar, which are announced; the running one is stored, past ones are left to a job.
 */
export async function moveWeeks(tx: OrganizationTx, calendar: WeekCalendar, computing: WeekComputing): Promise<void> {
  const current = computing.clock.current(calendar);
  const replaced = await store.replaceWeeks(tx, current);
  const moved = replaced.map(({ week_start_date, version }) => ({
    week: weekOfDate(Temporal.PlainDate.from(week_start_date), calendar),
    version,
  }));
  for (const each of moved) announceWeek(tx, each, computing);
  const weeks = moved.map(({ week }) => week);
  await computing.recordPoints(tx, await pointsOfMovedWeeks(tx, weeks, current));
  if (replaced.length > 0) await loadWeek(tx, current, computing);
  if (replaced.length > 1) computing.enqueueRecompute(tx);
  computing.caches.invalidateAfter(tx, [weeklyTopic]);
}

/** The zeros of weeks that are kept, from that of the earliest item on. */
async function pointsOfMovedWeeks(
  tx: OrganizationTx,
  weeks: readonly Week[],
  current: Week,
): Promise<PublishedPoint[]> {
  const earliest = await findEarliestItem(tx);
  if (!earliest) return [];
  const fromMs = Math.max(
    weekAt(earliest.getTime(), current.calendar).startMs,
    oldestKeptWeek(current, await getOrganizationSettings(tx)).startMs,
  );
  return weeks.flatMap(({ startMs }) => (startMs < fromMs ? [] : pointsOfNewWeek(tx.organizationId, startMs)));
}

/** Tells everyone who watches that a week has a new version. */
export function announceWeek(
  tx: OrganizationTx,
  { week, version }: { week: Week; version: number },
  { feed }: Pick<WeekComputing, 'feed'>,
): void {
  feed.publish(tx, {
    type: 'weekly.changed',
    subject: week.startDate,
    payload: { week: week.id, week_start: week.startDate, version },
  });
}

/** How many items a statement of an erasure changes, as those of the other large changes do. */
const itemsPerStep = 2_000;
const formerAuthor = 'Former member';

/** Takes the names of authors out of an organization's items, and of all that is computed from them. */
export async function forgetAuthors(
  tx: OrganizationTx,
  authors: readonly string[],
  computing: WeekComputing,
): Promise<void> {
  const parts: ItemsChanged[] = [];
  let after: string | undefined;
  do {
    if (after !== undefined) await setImmediate();
    const ids = await listItemIdsBy(tx, { authors, after, limit: itemsPerStep });
    parts.push(await renameItems(tx, ids));
    after = ids.length < itemsPerStep ? undefined : ids.at(-1);
  } while (after !== undefined);
  await settleRenamed(tx, mergeChanges(parts), computing);
}

/**
 * Does the same for the first items past an id, where there are more of them than one statement changes: answers the last
 * of them. Undefined, and nothing is changed, where the rest is little.
 */
export async function forgetSomeAuthors(
  tx: OrganizationTx,
  { authors, after }: { authors: readonly string[]; after: string | undefined },
  computing: WeekComputing,
): Promise<string | undefined> {
  const found = await listItemIdsBy(tx, { authors, after, limit: itemsPerStep + 1 });
  if (found.length <= itemsPerStep) return undefined;
  const ids = found.slice(0, itemsPerStep);
  await settleRenamed(tx, await renameItems(tx, ids), computing);
  return ids.at(-1);
}

async function renameItems(tx: OrganizationTx, ids: readonly string[]): Promise<ItemsChanged> {
  const { timezone } = await getOrganizationSettings(tx);
  return renameAuthors(tx, { ids, to: formerAuthor, timezone });
}

async function settleRenamed(tx: OrganizationTx, changes: ItemsChanged, computing: WeekComputing): Promise<void> {
  await settleChanges(tx, { settings: await getOrganizationSettings(tx), changes }, computing);
  // Those of past weeks name the authors until the job has stored the weeks anew.
  await store.removeStaleSnapshots(tx);
}

/**
 * Removes some items of an organization that ends, where there are more than one statement changes; false, and nothing is
 * changed, where they are few. What was measured of them is removed by itself.
 */
export async function removeSomeActivity(tx: OrganizationTx, computing: WeekComputing): Promise<boolean> {
  if (!(await hasMoreItems(tx, itemsPerStep))) return false;
  const settings = await getOrganizationSettings(tx);
  const removed = await removeSomeItems(tx, { limit: itemsPerStep, timezone: settings.timezone });
  await settleChanges(tx, { settings, changes: { ...removed, deltas: [] } }, computing);
  return true;
}
