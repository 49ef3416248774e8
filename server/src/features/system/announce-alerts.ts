import { sql } from 'kysely';
import type { InstanceTx } from '#platform/db/scopes.ts';
import type { Feed, FeedDraft } from '#platform/feed/feed.ts';
import type { AlertRow } from './system.views.ts';

interface UntoldAlert extends AlertRow {
  isOpeningTold: boolean;
  isEndTold: boolean;
}

type AlertEvent = Extract<FeedDraft, { type: 'system_alert' }>['payload'];

/**
 * Tells administrators of the alerts that began or ended since the last time, each in the feeds of the organizations they
 * are in, and nobody else. Telling and having told are one transaction. Answers how many alerts there were to tell of.
 */
export async function announceAlerts(tx: InstanceTx, feed: Pick<Feed, 'publish'>): Promise<number> {
  const alerts = await takeUntold(tx);
  if (alerts.length === 0) return 0;
  const events = alerts.flatMap(describe);
  for (const [organizationId, administrators] of await listAdministrators(tx)) {
    await tx.inOrganization(organizationId, async (inside) => {
      for (const { userId } of administrators) {
        for (const payload of events) {
          feed.publish(inside, { type: 'system_alert', payload, audience: { userId } });
        }
      }
    });
  }
  return alerts.length;
}

async function takeUntold({ db }: InstanceTx): Promise<UntoldAlert[]> {
  const { rows } = await sql<UntoldAlert>`
    with untold as (
      select id, is_opening_told, is_end_told from system_alerts
      where not is_opening_told or (resolved_at is not null and not is_end_told)
      order by id limit 100 for update)
    update system_alerts a set is_opening_told = true, is_end_told = a.resolved_at is not null
    from untold u where u.id = a.id
    returning a.id, a.kind, a.subject, a.message, a.opened_at as "openedAt", a.resolved_at as "resolvedAt",
      u.is_opening_told as "isOpeningTold", u.is_end_told as "isEndTold"`.execute(db);
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function describe({ openedAt, resolvedAt, isOpeningTold, isEndTold, ...alert }: UntoldAlert): AlertEvent[] {
  const opened_at = openedAt.toISOString();
  const opening: AlertEvent = { ...alert, state: 'open', opened_at, ended_at: null };
  const ended_at = resolvedAt?.toISOString() ?? null;
  return [
    ...(isOpeningTold ? [] : [opening]),
    ...(ended_at !== null && !isEndTold ? [{ ...opening, state: 'past' as const, ended_at }] : []),
  ];
}

/** The administrators by organization; in the order of the organizations, in which everybody locks them. */
async function listAdministrators({ db }: InstanceTx): Promise<Map<string, { userId: string }[]>> {
  const { rows } = await sql<{ organizationId: string; userId: string }>`
    select m.organization_id as "organizationId", u.id as "userId"
    from users u join user_organizations m on m.user_id = u.id
    where u.is_instance_admin and u.deleted_at is null and m.is_active
    order by m.organization_id, u.id`.execute(db);
  return Map.groupBy(rows, ({ organizationId }) => organizationId);
}
