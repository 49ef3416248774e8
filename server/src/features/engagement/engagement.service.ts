import type { ActivityEvent } from '@almanac/contract/engagement.ts';
import type { FieldFault } from '@almanac/contract/errors.ts';
import { getOrganizationSettings } from '#features/organizations/index.ts';
import { forbidden, type UserPrincipal } from '#platform/access/principal.ts';
import type { IdempotentCall } from '#platform/db/idempotency.ts';
import type { OrganizationTx, Scopes } from '#platform/db/scopes.ts';
import { validationFailed } from '#platform/errors/app-error.ts';
import type { Feed } from '#platform/feed/feed.ts';
import { checkEvents, type EventRecord } from './check-events.ts';
import { mayWriteForOthers } from './engagement.policy.ts';
import { listStrangers, putEvents } from './engagement.store.ts';

export interface EngagementOptions {
  scopes: Pick<Scopes, 'inOrganization'>;
  feed: Pick<Feed, 'publish'>;
  /** Has the organization's dashboards computed anew after the commit. */
  forgetDashboards: (tx: OrganizationTx) => void;
  now: () => Date;
}

/** What POST /api/activity did. */
export interface EventCounts {
  accepted: number;
  duplicates: number;
}

/** The use cases of what members do. */
export type EngagementService = ReturnType<typeof createEngagementService>;

export function createEngagementService({ scopes, feed, forgetDashboards, now }: EngagementOptions) {
  return {
    /**
     * Writes events down, all or none. Throws VALIDATION_ERROR naming each wrong one, and FORBIDDEN for those of others
     * where the caller may write their own alone.
     */
    addEvents: async (
      principal: UserPrincipal,
      sent: readonly ActivityEvent[],
      once?: IdempotentCall,
    ): Promise<EventCounts> => {
      const { events, faults } = checkEvents(sent, { callerId: principal.userId, nowMs: now().getTime() });
      refuse(faults);
      const others = new Set(events.map(({ user_id }) => user_id));
      others.delete(principal.userId);
      if (others.size > 0 && !mayWriteForOthers(principal)) {
        throw forbidden('The activity of other members is written down by an admin, an owner or an API key.');
      }
      const work = async (tx: OrganizationTx): Promise<EventCounts> => {
        refuse(findStrangers(events, new Set(await listStrangers(tx, [...others]))));
        const { timezone } = await getOrganizationSettings(tx);
        const accepted = await putEvents(tx, { events, now: now(), timezone });
        if (accepted > 0) {
          const last_at = events.map(({ created_at }) => created_at).reduce((a, b) => (a > b ? a : b));
          feed.publish(tx, { type: 'user_activity', subject: 'activity', payload: { last_at } });
          forgetDashboards(tx);
        }
        return { accepted, duplicates: events.length - accepted };
      };
      return scopes.inOrganization(principal, work, { once });
    },
  };
}

function refuse([first, ...rest]: readonly FieldFault[]): void {
  if (first) throw validationFailed([first, ...rest.slice(0, 19)]);
}

function findStrangers(events: readonly EventRecord[], strangers: ReadonlySet<string>): FieldFault[] {
  return events.flatMap(({ user_id }, index) => {
    if (!strangers.has(user_id)) return [];
    const issue = `'${user_id}' is not a member of the organization`;
    return [{ field: `events[${index}].user_id`, issue, index }];
  });
}
