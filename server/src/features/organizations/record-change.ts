import { type AuditedAction, recordAccountEvent } from '#features/audit/index.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { InstanceTx } from '#platform/db/scopes.ts';

/** Enters what a principal does to the organization it acts in, or to the one named, in the transaction that does it. */
export async function recordChange(
  tx: InstanceTx,
  { userId, apiKey, request, organizationId }: UserPrincipal,
  done: AuditedAction & { readonly organizationId?: string },
): Promise<void> {
  await recordAccountEvent(tx, { organizationId, userId, apiKeyId: apiKey?.id, request, ...done });
}
