import { type ItemsWritten, putItems } from '#features/activity/index.ts';
import type { OrganizationSettings } from '#features/organizations/index.ts';
import { putSource } from '#features/sources/index.ts';
import { shiftWeek, type Week, weekAt } from '#kernel/weeks.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { demoItemsUntil, generateDemoItems } from './generate-items.ts';

/** How many weeks a new demo shows, the running one among them. */
const weeksShown = 10;
/** Reviews are resolved at most ten days later, so no week before these can still change. */
const weeksThatChange = 3;

interface AddDemoItems {
  settings: OrganizationSettings;
  current: Week;
  now: Date;
}

/**
 * Writes the demo's items that are due by now: all its weeks the first time, then only those that can still change since
 * its newest item, however long the demo was off.
 */
export async function addDemoItems(
  tx: OrganizationTx,
  { settings, current, now }: AddDemoItems,
): Promise<ItemsWritten> {
  const sourceId = await putSource(tx, { kind: 'demo', name: 'Demo generator', settings: { seed: settings.slug } });
  const newest = await tx.db
    .selectFrom('activity_items')
    .select('occurred_at')
    .where('organization_id', '=', tx.organizationId)
    .where('source_id', '=', sourceId)
    .orderBy('occurred_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  const count = newest ? weeksThatChange + weeksBetween(newest.occurred_at, current) : weeksShown;
  const items = Array.from({ length: count }, (_, n) => shiftWeek(current, n + 1 - count)).flatMap((week) =>
    demoItemsUntil(generateDemoItems(week, settings.slug), now),
  );
  return putItems(tx, { sourceId, items, timezone: settings.timezone });
}

/** How many weeks lie between a moment's week and the running one; 0 for a moment in it, or after. */
function weeksBetween(moment: Date, current: Week): number {
  const then = weekAt(moment.getTime(), current.calendar);
  return Math.max(0, Temporal.PlainDate.from(then.startDate).until(current.startDate).days / 7);
}
