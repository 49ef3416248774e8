import type { Caches } from '#platform/cache/caches.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import type { Feed, FeedDraft } from '#platform/feed/feed.ts';

/** The cache topic of what is said of a user's businesses. */
export function tenantTopic(userId: string): string {
  return `tenant/${userId}`;
}

/** What telling of a change takes. */
export interface Announcing {
  caches: Pick<Caches, 'invalidateAfter'>;
  feed: Pick<Feed, 'publish'>;
}

/** The events of a business's life. */
type BusinessDraft = Extract<FeedDraft, { type: `business.${string}` }>;
type Told = {
  [Type in BusinessDraft['type']]: Pick<Extract<BusinessDraft, { type: Type }>, 'type' | 'payload'>;
}[BusinessDraft['type']];

/** Tells the user of a change: every one of its life, and that the KPIs are others, where the newest says it all. */
export function announceChange(
  tx: OrganizationTx,
  { userId, told }: { userId: string; told: Told },
  { caches, feed }: Announcing,
): void {
  const audience = { userId };
  feed.publish(tx, { ...told, audience } as BusinessDraft);
  const { version } = told.payload;
  feed.publish(tx, { type: 'tenant.changed', subject: 'kpis', audience, payload: { version } });
  caches.invalidateAfter(tx, [tenantTopic(userId)]);
}
