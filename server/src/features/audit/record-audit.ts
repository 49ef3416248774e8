import { sql } from 'kysely';
import { newId } from '#kernel/ids.ts';
import type { ActingRequest, Principal, UserPrincipal } from '#platform/access/principal.ts';
import type { InstanceTx, OrganizationTx } from '#platform/db/scopes.ts';

/** What was done. */
export interface AuditedAction {
  /** The id of the endpoint, or `feature.what_happened` for what no endpoint is asked for. */
  readonly action: string;
  readonly at: Date;
  /** What it was done to, as `kind:id`. */
  readonly target?: string;
  /** Ids, counts and settings; never secrets, and of people no more than their ids. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** An event of an account, entered in the organization that the account acts in. */
export interface AccountEvent extends AuditedAction {
  readonly organizationId: string;
  readonly userId: string;
  readonly apiKeyId?: string | undefined;
  readonly request?: ActingRequest | undefined;
}

/** Enters what the transaction's principal does, in the transaction that does it. */
export async function recordAudit(tx: OrganizationTx, done: AuditedAction): Promise<void> {
  await insertEntry(tx, { ...actorOf(tx.principal), organizationId: tx.organizationId, done });
}

/** Enters what a principal does to the organization it acts in, or to the one named, in the transaction that does it. */
export async function recordChange(
  tx: InstanceTx,
  { userId, apiKey, request, organizationId }: UserPrincipal,
  done: AuditedAction & { readonly organizationId?: string },
): Promise<void> {
  await recordAccountEvent(tx, { organizationId, userId, apiKeyId: apiKey?.id, request, ...done });
}

/** Enters what happens to an account, in the transaction that makes it happen. */
export async function recordAccountEvent(tx: InstanceTx, event: AccountEvent): Promise<void> {
  const { organizationId, userId, apiKeyId, request } = event;
  const kind = apiKeyId === undefined ? 'user' : 'api_key';
  await insertEntry(tx, { kind, userId, apiKeyId, request, organizationId, done: event });
}

/** Enters what is tried with an e-mail address for the account that has it, if any; one statement either way. */
export async function recordEventOfAddress(
  { db }: InstanceTx,
  email: string,
  { action, at, request }: AuditedAction & { request: ActingRequest },
): Promise<void> {
  await sql`
    insert into audit_log (organization_id, at, id, actor_kind, actor_id, action, target, address, request_id)
    select own_organization_id, ${at}, ${newId()}, 'anonymous', null, ${action}, 'user:' || id, ${request.address},
      ${request.id}
    from users
    where lower(email) = ${email.toLowerCase()} and deleted_at is null and own_organization_id is not null`.execute(db);
}

interface Entry {
  kind: 'user' | 'api_key' | 'anonymous' | 'system';
  userId: string | undefined;
  apiKeyId: string | undefined;
  request: ActingRequest | undefined;
  organizationId: string;
  done: AuditedAction;
}

function actorOf(principal: Principal): Pick<Entry, 'kind' | 'userId' | 'apiKeyId' | 'request'> {
  if (principal.kind === 'system')
    return { kind: 'system', userId: undefined, apiKeyId: undefined, request: undefined };
  const { apiKey, userId, request } = principal;
  return { kind: apiKey ? 'api_key' : principal.kind, userId, apiKeyId: apiKey?.id, request };
}

async function insertEntry({ db }: Pick<InstanceTx, 'db'>, entry: Entry): Promise<void> {
  const { kind, userId, apiKeyId, request, organizationId, done } = entry;
  await sql`
    insert into audit_log
      (organization_id, at, id, actor_kind, actor_id, api_key_id, action, target, details, address, request_id)
    values (${organizationId}, ${done.at}, ${newId()}, ${kind}, ${userId ?? null}, ${apiKeyId ?? null}, ${done.action},
      ${done.target ?? null}, ${JSON.stringify(done.details ?? {})}, ${request?.address ?? null}, ${request?.id ?? null})`.execute(
    db,
  );
}
