import { setImmediate } from 'node:timers/promises';
import type { WeeklyData } from '@almanac/contract/weekly.ts';
import {
  type AffectedDays,
  hasMoreItems,
  listItemIdsBy,
  mergeDays,
  removeSomeItems,
  renameAuthors,
} from '#features/activity/index.ts';
import { addDemoItems } from '#features/demo/index.ts';
import { getOrganizationSettings, type OrganizationSettings } from '#features/organizations/index.ts';
import { type Week, type WeekCalendar, weekOfDate } from '#kernel/weeks.ts';
import type { Caches } from '#platform/cache/caches.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import type { Feed } from '#platform/feed/feed.ts';
import { presentWeek, shapeWeek } from './shape-week.ts';
import type { WeekClock } from './week-clock.ts';
import * as store from './weekly.store.ts';
import { readWeek, weeksCompared } from './weekly.views.ts';

/** The cache topic of everything that is said about weeks. */
export const weeklyTopic = 'weekly';

/** What computing weeks needs. */
export interface WeekComputing {
  caches: Pick<Caches, 'dashboard' | 'invalidate'>;
  feed: Pick<Feed, 'publish'>;
  /** Has the organization's stale past weeks recomputed after the commit. */
  enqueueRecompute: (tx: OrganizationTx) => void;
  clock: WeekClock;
  now: () => Date;
}

/**
 * A week as stored, or computed and then stored where its numbers are missing or older than its items. The week is one of
 * the organization's calendar, which is held.
 */
export async function loadWeek(
  tx: OrganizationTx,
  week: Week,
  { now }: Pick<WeekComputing, 'now'>,
): Promise<WeeklyData> {
  const nowMs = now().getTime();
  if (nowMs >= week.startMs && nowMs < week.endMs) await store.ensureWeek(tx, week.startDate);
  const stored = await store.findStoredWeek(tx, week.startDate);
  if (stored?.snapshot) {
    return presentWeek(week, stored.snapshot, { nowMs, version: stored.version, changedAt: stored.changed_at });
  }
  const numbers = await readWeek(tx, week);
  const { isDemo } = await getOrganizationSettings(tx);
  const snapshot = shapeWeek(week, numbers, isDemo);
  if (stored) {
    await store.putSnapshot(tx, { weekStart: week.startDate, version: numbers.version, snapshot, now: now() });
  }
  return presentWeek(week, snapshot, { nowMs, version: numbers.version, changedAt: numbers.changedAt });
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
  tx.afterPossibleCommit(() => computing.caches.invalidate(tx.organizationId, [weeklyTopic]));
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
  await settleChanges(tx, { settings, affected: written }, computing);
  return written.inserted + written.updated;
}

/**
 * What follows a change of items, in its transaction: the versions of the weeks it touches are raised and announced, the
 * running week is stored anew, and past weeks are left to a job. After the commit the caches of all processes forget.
 */
export async function settleChanges(
  tx: OrganizationTx,
  { settings, affected }: { settings: OrganizationSettings; affected: AffectedDays },
  computing: WeekComputing,
): Promise<void> {
  const raised = await store.raiseWeeks(tx, {
    affected,
    calendar: settings,
    now: computing.now(),
    reachWeeks: weeksCompared,
  });
  if (raised.length === 0) return;
  const current = computing.clock.current(settings);
  for (const { week_start_date, version } of raised) {
    const week = weekOfDate(Temporal.PlainDate.from(week_start_date), settings);
    announceWeek(tx, { week, version }, computing);
  }
  const isCurrentRaised = raised.some(({ week_start_date }) => week_start_date === current.startDate);
  if (isCurrentRaised) await loadWeek(tx, current, computing);
  if (raised.length > (isCurrentRaised ? 1 : 0)) computing.enqueueRecompute(tx);
  tx.afterPossibleCommit(() => computing.caches.invalidate(tx.organizationId, [weeklyTopic]));
}

/**
 * What follows when the organization counts its weeks in another way, in the transaction of that change: the weeks on record
 * give way to those of the new calendar, which are announced; the running one is stored, past ones are left to a job.
 */
export async function moveWeeks(tx: OrganizationTx, calendar: WeekCalendar, computing: WeekComputing): Promise<void> {
  const current = computing.clock.current(calendar);
  const replaced = await store.replaceWeeks(tx, current);
  for (const { week_start_date, version } of replaced) {
    const week = weekOfDate(Temporal.PlainDate.from(week_start_date), calendar);
    announceWeek(tx, { week, version }, computing);
  }
  if (replaced.length > 0) await loadWeek(tx, current, computing);
  if (replaced.length > 1) computing.enqueueRecompute(tx);
  tx.afterPossibleCommit(() => computing.caches.invalidate(tx.organizationId, [weeklyTopic]));
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
  const parts: AffectedDays[] = [];
  let after: string | undefined;
  do {
    if (after !== undefined) await setImmediate();
    const ids = await listItemIdsBy(tx, { authors, after, limit: itemsPerStep });
    parts.push(await renameItems(tx, ids));
    after = ids.length < itemsPerStep ? undefined : ids.at(-1);
  } while (after !== undefined);
  await settleRenamed(tx, mergeDays(parts), computing);
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

async function renameItems(tx: OrganizationTx, ids: readonly string[]): Promise<AffectedDays> {
  const { timezone } = await getOrganizationSettings(tx);
  return renameAuthors(tx, { ids, to: formerAuthor, timezone });
}

async function settleRenamed(tx: OrganizationTx, affected: AffectedDays, computing: WeekComputing): Promise<void> {
  await settleChanges(tx, { settings: await getOrganizationSettings(tx), affected }, computing);
  // Those of past weeks name the authors until the job has stored the weeks anew.
  await store.removeStaleSnapshots(tx);
}

/** Removes some items, where there are more than one statement changes; false, and nothing is changed, where they are few. */
export async function removeSomeActivity(tx: OrganizationTx, computing: WeekComputing): Promise<boolean> {
  if (!(await hasMoreItems(tx, itemsPerStep))) return false;
  const settings = await getOrganizationSettings(tx);
  const affected = await removeSomeItems(tx, { limit: itemsPerStep, timezone: settings.timezone });
  await settleChanges(tx, { settings, affected }, computing);
  return true;
}
