import { type RawBuilder, sql } from 'kysely';
import type { JsonValue } from '#connectors/kit/connector.ts';
import { newId } from '#kernel/ids.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';

/** A source as reading it needs it. */
export interface SourceRow {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly cursor: JsonValue | null;
  readonly read_number: number;
  /** Why the last read failed; null when it did not. */
  readonly problem: string | null;
}

interface NewSource {
  kind: string;
  /** Unique among the organization's sources of the kind. */
  name: string;
  settings?: object;
}

/** The id of the organization's source of that kind and name, made where there is none. */
export async function putSource(tx: OrganizationTx, { kind, name, settings = {} }: NewSource): Promise<string> {
  const { db, organizationId } = tx;
  const known = await sql<{ id: string }>`
    select id from sources where organization_id = ${organizationId} and kind = ${kind} and name = ${name}`.execute(db);
  const [found] = known.rows;
  if (found) return found.id;
  const { rows } = await sql<{ id: string }>`
    insert into sources (organization_id, id, kind, name, settings)
    values (${organizationId}, ${newId()}, ${kind}, ${name}, ${JSON.stringify(settings)}::jsonb)
    on conflict (organization_id, kind, name) do update set settings = excluded.settings
    returning id`.execute(db);
  return rows[0]?.id ?? '';
}

/** SQL that is true of an organization `o` with sources of some kinds. */
export const hasSources = (kinds: readonly string[]): RawBuilder<unknown> =>
  sql`exists (select from sources s where s.organization_id = o.id and s.kind = any(${[...kinds]}::text[]))`;

/** The organization's sources of some kinds. */
export async function listSources(tx: OrganizationTx, kinds: readonly string[]): Promise<SourceRow[]> {
  const { rows } = await sql<SourceRow>`
    select id, kind, name, settings, cursor, read_number, problem from sources
    where organization_id = ${tx.organizationId} and kind = any(${[...kinds]}::text[]) order by kind, name`.execute(
    tx.db,
  );
  return rows;
}

interface Progress {
  /** Absent where reading cannot go on from here. */
  cursor?: JsonValue | undefined;
  readNumber: number;
  now: Date;
}

/** Keeps how far a source has been read, in the transaction that stores what was read. */
export async function keepProgress(
  tx: OrganizationTx,
  sourceId: string,
  { cursor, readNumber, now }: Progress,
): Promise<void> {
  const json = cursor === undefined ? null : JSON.stringify(cursor);
  await sql`
    update sources set cursor = coalesce(${json}::jsonb, cursor), read_number = ${readNumber}, read_at = ${now}, problem = null
    where organization_id = ${tx.organizationId} and id = ${sourceId}`.execute(tx.db);
}

/** Keeps why a source could not be read; what was read before stands. */
export async function keepProblem(tx: OrganizationTx, sourceId: string, problem: string): Promise<void> {
  await sql`
    update sources set problem = ${problem}
    where organization_id = ${tx.organizationId} and id = ${sourceId}`.execute(tx.db);
}
