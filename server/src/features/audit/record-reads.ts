import { sql } from 'kysely';
import { newId } from '#kernel/ids.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import { createRareWarning } from '#platform/bus/rare-warning.ts';
import type { InstanceTx, Scopes } from '#platform/db/scopes.ts';
import type { Log } from '#platform/log/log.ts';

interface ReadRecorderNeeds {
  scopes: Pick<Scopes, 'inInstance'>;
  now: () => Date;
  log: Pick<Log, 'warn'>;
}

/** Enters reads in the log, off the way of the requests that make them. */
export interface ReadRecorder {
  /** Notes a read; of a caller's reads at one endpoint in one hour of the clock the first counts. Never throws or waits. */
  note(principal: UserPrincipal, endpointId: string): void;
  /** Enters what is noted. Where that fails, it stays noted and is tried again. */
  enter(): Promise<void>;
  /** Enters what is left. */
  close(): Promise<void>;
}

interface Read {
  id: string;
  organization_id: string;
  at: Date;
  /** The beginning of its hour. */
  since: Date;
  actor_kind: 'user' | 'api_key';
  actor_id: string;
  api_key_id: string | null;
  action: string;
  address: string | null;
  request_id: string | null;
}

/** Each is entered every time, in the transaction that reads. */
const enteredThemselves: ReadonlySet<string> = new Set(['audit.list', 'privacy.export']);

const hourMs = 3_600_000;
/** Reads of the running hour that are remembered; beyond them all are forgotten, and found in the log itself. */
const mostRemembered = 50_000;
/** Reads that wait for the database; beyond them a read is entered when it is made again. */
const mostNoted = 50_000;
const readsAtOnce = 1_000;
const pauseMs = 1_000;
const pauseAfterFailureMs = 10_000;

export function createReadRecorder({ scopes, now, log }: ReadRecorderNeeds): ReadRecorder {
  const isFirst = createHourMemory();
  const warn = createRareWarning(log);
  const noted: Read[] = [];
  let timer: NodeJS.Timeout | undefined;
  let entering = Promise.resolve();

  const enterSoon = (ms: number) => {
    timer ??= setTimeout(() => void enter(), ms).unref();
  };
  const enterNoted = async () => {
    while (noted.length > 0) {
      const reads = noted.splice(0, readsAtOnce);
      try {
        await scopes.inInstance((tx) => insertReads(tx, reads));
      } catch (error) {
        noted.unshift(...reads);
        warn({ err: error, reads: noted.length }, 'reads could not be entered in the audit log; they are kept');
        return enterSoon(pauseAfterFailureMs);
      }
    }
  };
  const enter = () => {
    clearTimeout(timer);
    timer = undefined;
    entering = entering.then(enterNoted);
    return entering;
  };

  return {
    note: (principal, endpointId) => {
      if (principal.kind !== 'user' || enteredThemselves.has(endpointId)) return;
      const at = now();
      const hour = Math.floor(at.getTime() / hourMs);
      if (noted.length >= mostNoted || !isFirst(principal, endpointId, hour)) return;
      noted.push(describeRead(principal, { action: endpointId, at, since: new Date(hour * hourMs) }));
      enterSoon(pauseMs);
    },
    enter,
    close: async () => {
      await enter();
      clearTimeout(timer);
    },
  };
}

/** Makes what tells the first read of a caller at an endpoint in an hour from those after it. */
function createHourMemory() {
  // By organization, then caller: each is looked up by a string that is there already, which is what makes it fast.
  const read = new Map<string, Map<string, Set<string>>>();
  let running = 0;
  let count = 0;
  return ({ organizationId, userId, apiKey }: UserPrincipal, endpointId: string, hour: number): boolean => {
    if (hour !== running || count >= mostRemembered) {
      read.clear();
      running = hour;
      count = 0;
    }
    const callers = read.getOrInsertComputed(organizationId, () => new Map());
    const endpoints = callers.getOrInsertComputed(apiKey?.id ?? userId, () => new Set());
    if (endpoints.has(endpointId)) return false;
    endpoints.add(endpointId);
    count += 1;
    return true;
  };
}

function describeRead(
  { organizationId, userId, apiKey, request }: UserPrincipal,
  read: Pick<Read, 'action' | 'at' | 'since'>,
): Read {
  return {
    ...read,
    id: newId(),
    organization_id: organizationId,
    actor_kind: apiKey ? 'api_key' : 'user',
    actor_id: userId,
    api_key_id: apiKey?.id ?? null,
    address: request?.address ?? null,
    request_id: request?.id ?? null,
  };
}

/**
 * Enters reads of any organizations in one statement, except those that another process, or this one before it was
 * started again, has entered for their hour. An account that was erased in between is not named again.
 */
async function insertReads({ db }: InstanceTx, reads: readonly Read[]): Promise<void> {
  await sql`
    insert into audit_log
      (organization_id, at, id, actor_kind, actor_id, api_key_id, action, address, request_id)
    select r.organization_id, r.at, r.id, r.actor_kind, u.id, case when u.id is not null then r.api_key_id end, r.action,
      case when u.id is not null then r.address end, case when u.id is not null then r.request_id end
    from jsonb_to_recordset(${JSON.stringify(reads)}::jsonb) as r (
      organization_id uuid, at timestamptz, since timestamptz, id uuid, actor_kind text, actor_id uuid, api_key_id uuid,
      action text, address text, request_id text)
    left join users u on u.id = r.actor_id and u.deleted_at is null
    where not exists (
      select from audit_log a
      where a.actor_id = r.actor_id and a.organization_id = r.organization_id and a.at >= r.since
        and a.at < r.since + interval '1 hour' and a.action = r.action
        and a.api_key_id is not distinct from r.api_key_id)`.execute(db);
}
