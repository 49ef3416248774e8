import type { PendingReview, WeeklyData } from '@almanac/contract/weekly.ts';
import { checkItems, type ItemRecord, putItems } from '#features/activity/index.ts';
import { recordAudit } from '#features/audit/index.ts';
import { getOrganizationSettings } from '#features/organizations/index.ts';
import { putSource } from '#features/sources/index.ts';
import { roundDecimal } from '#kernel/rounding.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { IdempotentCall } from '#platform/db/idempotency.ts';
import type { OrganizationTx, Scopes } from '#platform/db/scopes.ts';
import { validationFailed } from '#platform/errors/app-error.ts';
import { createWeekAnswers } from './answer-week.ts';
import { recomputeWeek, settleChanges, type WeekComputing, weeklyTopic } from './settle-changes.ts';
import { shapeItem } from './shape-week.ts';
import { listOpenReviews } from './weekly.views.ts';

const hourMs = 3_600_000;

export interface WeeklyServiceOptions extends WeekComputing {
  scopes: Pick<Scopes, 'inOrganization'>;
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
  const { scopes, clock, now } = options;
  const running = new Map<string, Promise<WeeklyData>>();

  return {
    ...createWeekAnswers(options),

    /** Drops the organization's cached weeks. */
    forget: (organizationId: string) => options.caches.invalidate(organizationId, [weeklyTopic]),

    /** Reviews that are open, for a past week at its end, oldest first. */
    listPending: async (
      principal: UserPrincipal,
      { week: text, limit }: { week?: string | undefined; limit: number },
    ) => {
      const { week, found } = await scopes.inOrganization(principal, async (tx) => {
        const asked = clock.resolve(text, await getOrganizationSettings(tx));
        return { week: asked, found: await listOpenReviews(tx, { atMs: asked.endMs, limit }) };
      });
      const untilMs = Math.min(now().getTime(), week.endMs);
      const reviews: PendingReview[] = found.reviews.map((item) => {
        const waitedMs = Math.max(0, untilMs - Date.parse(item.occurred_at));
        return { ...shapeItem(item), waitingHours: roundDecimal(waitedMs / hourMs, 1) };
      });
      return { reviews, total: found.total };
    },

    /** Recomputes a week and tells everyone who watches; a call that comes while one runs is answered with it. */
    refresh: (principal: UserPrincipal, text?: string): Promise<WeeklyData> => {
      const week = clock.resolve(text, principal.organization);
      const { timezone, firstDayOfWeek } = week.calendar;
      const key = `${principal.organizationId}/${week.startDate}/${timezone}/${firstDayOfWeek}`;
      const known = running.get(key);
      if (known) return known;
      const work = scopes
        .inOrganization(principal, (tx) => recomputeWeek(tx, text, options))
        .finally(() => running.delete(key));
      running.set(key, work);
      return work;
    },

    /** Writes posted items, all or none. Throws VALIDATION_ERROR naming each wrong one. */
    addItems: async (
      principal: UserPrincipal,
      sent: readonly ItemRecord[],
      once?: IdempotentCall,
    ): Promise<ItemCounts> => {
      const { items, repeated, faults } = checkItems(sent, now().getTime());
      const [first, ...rest] = faults;
      if (first) throw validationFailed([first, ...rest.slice(0, 19)]);
      const work = async (tx: OrganizationTx): Promise<ItemCounts> => {
        const settings = await getOrganizationSettings(tx);
        const sourceId = await putSource(tx, { kind: 'push', name: 'Posted items' });
        const written = await putItems(tx, { sourceId, items, timezone: settings.timezone });
        await settleChanges(tx, { settings, changes: written }, options);
        const { inserted, updated } = written;
        const details = { inserted, updated, unchanged: items.length - inserted - updated + repeated };
        await recordAudit(tx, { action: 'weekly.addItems', at: now(), target: `source:${sourceId}`, details });
        return details;
      };
      return scopes.inOrganization(principal, work, { once });
    },
  };
}
