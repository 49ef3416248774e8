import type { FeedEventType } from '@almanac/contract/feed.ts';
import { type RawBuilder, sql } from 'kysely';
import type { RootHandle } from '#platform/db/database.ts';
import { isConnectionFault } from '#platform/db/faults.ts';
import { prepared } from '#platform/db/prepare.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { databaseUnavailable } from '#platform/errors/app-error.ts';

/** An event as it is kept: for the whole organization, or for one member alone (`user:<id>`). */
export interface StoredEvent {
  readonly id: number;
  readonly type: FeedEventType;
  readonly audience: string;
  readonly payload: unknown;
  readonly createdAt: Date;
}

/** An event or state on its way into the feed. */
export interface StoredDraft {
  readonly type: FeedEventType;
  readonly audience: string;
  readonly subject: string | null;
  readonly payload: unknown;
}

/** Where an organization's numbers stand, when its first waiting state is due, and how many were numbered now. */
export interface Numbering {
  readonly headId: number;
  readonly dueInMs: number | undefined;
  readonly numberedCount: number;
}

/** The numbers that can still be read: above `keptAfter`, up to `headId`. */
export interface KeptRange {
  readonly keptAfter: number;
  readonly headId: number;
}

interface NumberingRow {
  head_id: number;
  due_in_ms: number | null;
  numbered_count: number;
}

interface EventRow {
  id: number;
  type: FeedEventType;
  audience: string;
  payload: unknown;
  created_at: Date;
}

type RangeRow = { kept_after: number; head_id: number };
type PageRow = RangeRow & { [Column in keyof EventRow]: EventRow[Column] | null };

/** Numbers or stores the drafts of a transaction, as its last statement. */
export async function publishDrafts(tx: OrganizationTx, drafts: readonly StoredDraft[]): Promise<Numbering> {
  const { rows } = await sql<NumberingRow>`${prepared}
    select head_id, due_in_ms, numbered_count from publish_to_feed(${JSON.stringify(drafts)}::jsonb)`.execute(tx.db);
  return toNumbering(rows[0]);
}

/** Numbers the organization's waiting states that are due. */
export async function numberDueStates(root: RootHandle, organizationId: string): Promise<Numbering> {
  const rows = await query<NumberingRow>(
    root,
    sql`select head_id, due_in_ms, numbered_count from number_due_feed_states(${organizationId}::uuid)`,
  );
  return toNumbering(rows[0]);
}

/** Numbers due states of all organizations and answers the last numbers of those and of the followed ones. */
export async function beat(root: RootHandle, followed: readonly string[]): Promise<Map<string, number>> {
  const rows = await query<{ organization: string; head_id: number }>(
    root,
    sql`select organization, head_id from beat_feed(${[...followed]}::uuid[])`,
  );
  return new Map(rows.map((row) => [row.organization, row.head_id]));
}

/** The range of numbers that an organization keeps; (0, 0) before its first event. */
export async function readRange(root: RootHandle, organizationId: string): Promise<KeptRange> {
  const [row] = await query<RangeRow>(root, sql`select kept_after, head_id from ${keptRange(organizationId)}`);
  return { keptAfter: row?.kept_after ?? 0, headId: row?.head_id ?? 0 };
}

/** What a reader of the database asks for: events past `after`, of its audience and types, at most `limit`. */
export interface PageQuery {
  readonly organizationId: string;
  readonly userId: string;
  readonly after: number;
  readonly types: readonly FeedEventType[] | undefined;
  readonly limit: number;
}

/** Reads one page for one reader, with the range kept at that same moment. */
export async function readPage(root: RootHandle, page: PageQuery): Promise<KeptRange & { events: StoredEvent[] }> {
  const typeFilter = page.types === undefined ? sql`true` : sql`e.type = any (${[...page.types]}::text[])`;
  const rows = await query<PageRow>(
    root,
    sql`
    select r.kept_after, r.head_id, e.id, e.type, e.audience, e.payload, e.created_at
    from ${keptRange(page.organizationId)}
    left join lateral (
      select * from feed_events e
      where e.organization_id = ${page.organizationId}::uuid and e.id > ${page.after} and e.id <= r.head_id
        and e.audience in ('organization', ${`user:${page.userId}`}) and ${typeFilter}
      order by e.id limit ${page.limit}
    ) e on true
    order by e.id`,
  );
  const events = rows.flatMap((row) => (row.id === null ? [] : [toEvent(row as unknown as EventRow)]));
  return { keptAfter: rows[0]?.kept_after ?? 0, headId: rows[0]?.head_id ?? 0, events };
}

/** Reads all of an organization's events past a number, for every audience: what a tail keeps in memory. */
export async function readTail(
  root: RootHandle,
  organizationId: string,
  { after, limit }: { after: number; limit: number },
): Promise<StoredEvent[]> {
  const rows = await query<EventRow>(
    root,
    sql`
    select id, type, audience, payload, created_at from feed_events
    where organization_id = ${organizationId}::uuid and id > ${after} order by id limit ${limit}`,
  );
  return rows.map(toEvent);
}

const batchSize = 5_000;

/**
 * Removes the events made before the moment, in batches, and the marks of states that have been quiet since then. What
 * stays of an organization's events is always without a hole. Answers how many events went.
 */
export async function deleteBefore(root: RootHandle, moment: Date): Promise<number> {
  let total = 0;
  for (;;) {
    const [row] = await query<{ deleted: number }>(
      root,
      sql`
      with old as (
        select organization_id, max(id) as id
        from (select organization_id, id from feed_events where created_at < ${moment} order by created_at
          limit ${batchSize}) oldest
        group by organization_id
      ), deleted as (
        delete from feed_events e using old where e.organization_id = old.organization_id and e.id <= old.id returning 1
      )
      select count(*)::integer as deleted from deleted`,
    );
    total += row?.deleted ?? 0;
    if (!row || row.deleted < batchSize) break;
  }
  await query(root, sql`delete from feed_states where numbered_at < ${moment} and due_at is null`);
  return total;
}

function keptRange(organizationId: string): RawBuilder<unknown> {
  return sql`(
    select heads.head_id, coalesce(
      (select e.id - 1 from feed_events e where e.organization_id = ${organizationId}::uuid order by e.id limit 1),
      heads.head_id) as kept_after
    from (select coalesce(
      (select h.last_id from feed_heads h where h.organization_id = ${organizationId}::uuid), 0) as head_id) heads
  ) r`;
}

async function query<Row>(root: RootHandle, statement: RawBuilder<unknown>): Promise<Row[]> {
  try {
    const { rows } = await statement.execute(root);
    return rows as Row[];
  } catch (error) {
    throw isConnectionFault(error) ? databaseUnavailable(error) : error;
  }
}

function toNumbering(row: NumberingRow | undefined): Numbering {
  return { headId: row?.head_id ?? 0, dueInMs: row?.due_in_ms ?? undefined, numberedCount: row?.numbered_count ?? 0 };
}

function toEvent(row: EventRow): StoredEvent {
  const { id, type, audience, payload, created_at: createdAt } = row;
  return { id, type, audience, payload, createdAt };
}
