import { setImmediate } from 'node:timers/promises';
import type { Impact, ItemKind } from '@almanac/contract/weekly.ts';
import { sql } from 'kysely';
import { newId } from '#kernel/ids.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { type ItemsChanged, mergeChanges } from './merge-changes.ts';

/** An item as it is stored; one without an external id is always a new one. */
export interface ItemRecord {
  readonly external_id: string | null;
  readonly kind: ItemKind;
  readonly title: string;
  readonly author: string;
  readonly category: string;
  readonly impact: Impact;
  readonly status: string;
  readonly url: string | null;
  readonly occurred_at: string;
  readonly resolved_at: string | null;
}

/** What writing items did. */
export interface ItemsWritten extends ItemsChanged {
  readonly inserted: number;
  readonly updated: number;
}

interface PutItems {
  readonly sourceId: string;
  readonly items: readonly ItemRecord[];
  /** The source's read that met the items. */
  readonly readNumber?: number;
  readonly timezone: string;
}

/** The embedded database works on the thread that serves requests: a statement of as many items takes about 30 ms there. */
const itemsPerStatement = 400;

/**
 * Writes items: new ones are inserted, known ones (by source and external id) updated where anything differs. No two of
 * them may share an external id.
 */
export async function putItems(tx: OrganizationTx, put: PutItems): Promise<ItemsWritten> {
  await takeTurn(tx, put.sourceId);
  const parts: ItemsWritten[] = [];
  for (let from = 0; from < put.items.length; from += itemsPerStatement) {
    if (from > 0) await setImmediate();
    parts.push(await putSome(tx, { ...put, items: put.items.slice(from, from + itemsPerStatement) }));
  }
  const inserted = parts.reduce((sum, part) => sum + part.inserted, 0);
  const updated = parts.reduce((sum, part) => sum + part.updated, 0);
  return { inserted, updated, ...mergeChanges(parts) };
}

/** Writers of one source take turns: an item that moves or goes is found where the writer before left it. */
async function takeTurn(tx: OrganizationTx, sourceId: string): Promise<void> {
  await sql`
    select from sources where organization_id = ${tx.organizationId} and id = ${sourceId}
    for no key update`.execute(tx.db);
}

async function putSome(
  tx: OrganizationTx,
  { sourceId, items, readNumber = 0, timezone }: PutItems,
): Promise<ItemsWritten> {
  const rows = items.map((item) => ({ ...item, id: newId() }));
  const { rows: answer } = await sql<ItemsWritten>`
    with incoming as materialized (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as x (
        id uuid, external_id text, kind text, title text, author text, category text, impact text, status text,
        url text, occurred_at timestamptz, resolved_at timestamptz)
    ),
    known as materialized (
      select a.external_id, a.kind, a.occurred_at, a.resolved_at,
        (a.kind, a.title, a.author, a.category, a.impact, a.status, a.url, a.occurred_at, a.resolved_at)
          is not distinct from
        (i.kind, i.title, i.author, i.category, i.impact, i.status, i.url, i.occurred_at, i.resolved_at) as is_same
      from activity_items a join incoming i on i.external_id = a.external_id
      where a.organization_id = ${tx.organizationId} and a.source_id = ${sourceId}
    ),
    written as (
      insert into activity_items (organization_id, id, source_id, external_id, kind, title, author, category, impact,
        status, url, occurred_at, resolved_at, read_number)
      select ${tx.organizationId}::uuid, id, ${sourceId}::uuid, external_id, kind, title, author, category, impact,
        status, url, occurred_at, resolved_at, ${readNumber}::int
      from incoming order by external_id, id
      on conflict (organization_id, source_id, external_id) do update set
        kind = excluded.kind, title = excluded.title, author = excluded.author, category = excluded.category,
        impact = excluded.impact, status = excluded.status, url = excluded.url, occurred_at = excluded.occurred_at,
        resolved_at = excluded.resolved_at, read_number = excluded.read_number
      where (activity_items.kind, activity_items.title, activity_items.author, activity_items.category,
          activity_items.impact, activity_items.status, activity_items.url, activity_items.occurred_at,
          activity_items.resolved_at, activity_items.read_number)
        is distinct from (excluded.kind, excluded.title, excluded.author, excluded.category, excluded.impact,
          excluded.status, excluded.url, excluded.occurred_at, excluded.resolved_at, excluded.read_number)
      returning external_id, kind, occurred_at, resolved_at, xmax = 0 as is_new
    ),
    changed as (
      select w.kind, w.occurred_at, w.resolved_at, w.is_new, k.kind as old_kind, k.occurred_at as old_occurred_at,
        k.resolved_at as old_resolved_at
      -- One that was removed meanwhile is new: it left with whoever removed it.
      from written w left join known k on k.external_id = w.external_id and not w.is_new
      where w.is_new or k.is_same is not true
    ),
    ${sumsOfChanged(timezone)}
    select count(*) filter (where is_new) as inserted, count(*) filter (where not is_new) as updated, ${sums}
    from changed`.execute(tx.db);
  return answer[0] ?? { inserted: 0, updated: 0, ...nothing };
}

/** What the items of `changed` come to: each is there as it came, as it left (`old_`), or as both. */
const sumsOfChanged = (timezone: string) => sql`
    touched as (
      select kind, (occurred_at at time zone ${timezone})::date as day from changed where kind is not null
      union select old_kind, (old_occurred_at at time zone ${timezone})::date from changed where old_kind is not null
    ),
    moments as (
      select kind, at, sum(step) as count from (
        select kind, occurred_at as at, 1 as step from changed where kind is not null
        union all select 'resolution', resolved_at, 1 from changed where resolved_at is not null
        union all select old_kind, old_occurred_at, -1 from changed where old_kind is not null
        union all select 'resolution', old_resolved_at, -1 from changed where old_resolved_at is not null
      ) steps group by kind, at having sum(step) <> 0
    ),
    deltas as (
      select kind, sum(count) as count, date_bin('15 minutes', at, timestamptz 'epoch') as quarter,
        case when count > 0 then min(at) else max(at) end as at
      from moments group by kind, quarter, count > 0
    )`;

const msOf = (time: 'quarter' | 'at') => sql`floor(extract(epoch from ${sql.ref(time)}) * 1000)::bigint`;

const sums = sql`
  (select coalesce(jsonb_agg(distinct day), '[]') from touched) as days,
  (select min(day) from touched where kind = 'review') as "reviewsFrom",
  (select coalesce(jsonb_agg(d), '[]') from (
    select kind, count, ${msOf('quarter')} as "quarterMs", ${msOf('at')} as "atMs" from deltas) d) as deltas`;

const nothing: ItemsChanged = { days: [], reviewsFrom: null, deltas: [] };

/** Removed items as ones that changed: they left, and did not come. */
const changedByRemoval = sql`
    changed as (
      select null::text as kind, null::timestamptz as occurred_at, null::timestamptz as resolved_at, kind as old_kind,
        occurred_at as old_occurred_at, resolved_at as old_resolved_at
      from removed
    )`;

interface RemoveItems {
  readonly sourceId: string;
  readonly timezone: string;
  /** The external ids to remove … */
  readonly externalIds?: readonly string[];
  /** … or all that were last met before this read. */
  readonly notMetSince?: number;
}

/** Removes items of a source that no longer exist there. */
export async function removeItems(
  tx: OrganizationTx,
  { sourceId, timezone, externalIds, notMetSince }: RemoveItems,
): Promise<ItemsChanged> {
  await takeTurn(tx, sourceId);
  const isGone =
    externalIds === undefined
      ? sql`read_number < ${notMetSince ?? 0}`
      : sql`external_id = any(${[...externalIds]}::text[])`;
  const { rows } = await sql<ItemsChanged>`
    with removed as (
      delete from activity_items
      where organization_id = ${tx.organizationId} and source_id = ${sourceId} and ${isGone}
      returning kind, occurred_at, resolved_at
    ),
    ${changedByRemoval}, ${sumsOfChanged(timezone)}
    select ${sums}`.execute(tx.db);
  return rows[0] ?? nothing;
}

/** Items of authors, as their sources or members wrote them down. */
interface Authorship {
  /** Names and addresses, as they are spelled in any case. */
  readonly authors: readonly string[];
}

/** Which of an author's items are asked for: those past an id. */
interface ItemsPage extends Authorship {
  readonly after: string | undefined;
  readonly limit: number;
}

const isBy = ({ authors }: Authorship) =>
  sql`lower(author) = any(${authors.map((name) => name.toLowerCase())}::text[])`;

/** An item with its author's name. */
export type AuthoredItem = Omit<ItemRecord, 'occurred_at' | 'resolved_at'> & {
  readonly organization_id: string;
  readonly id: string;
  readonly occurred_at: Date;
  readonly resolved_at: Date | null;
};

/** The items of authors past an id. */
export async function listItemsBy(
  { db, organizationId }: OrganizationTx,
  { after, limit, ...authorship }: ItemsPage,
): Promise<AuthoredItem[]> {
  const { rows } = await sql<AuthoredItem>`
    select organization_id, id, kind, title, author, category, impact, status, url, external_id, occurred_at, resolved_at
    from activity_items
    where organization_id = ${organizationId} and ${isBy(authorship)}
      and ${after === undefined ? sql`true` : sql`id > ${after}::uuid`}
    order by id limit ${limit}`.execute(db);
  return rows;
}

/** The ids of items of authors past an id, in their order. */
export async function listItemIdsBy(
  { db, organizationId }: OrganizationTx,
  { after, limit, ...authorship }: ItemsPage,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from activity_items
    where organization_id = ${organizationId} and ${isBy(authorship)}
      and ${after === undefined ? sql`true` : sql`id > ${after}::uuid`}
    order by id limit ${limit}`.execute(db);
  return rows.map(({ id }) => id);
}

/** Gives items another author. */
export async function renameAuthors(
  { db, organizationId }: OrganizationTx,
  { ids, to, timezone }: { ids: readonly string[]; to: string; timezone: string },
): Promise<ItemsChanged> {
  const { rows } = await sql<ItemsChanged>`
    with renamed as (
      update activity_items set author = ${to}
      where organization_id = ${organizationId} and id = any(${[...ids]}::uuid[])
      returning kind, occurred_at, resolved_at
    ),
    changed as (
      select *, kind as old_kind, occurred_at as old_occurred_at, resolved_at as old_resolved_at from renamed
    ),
    ${sumsOfChanged(timezone)}
    select ${sums}`.execute(db);
  return rows[0] ?? nothing;
}

/** True where the organization has more items than that. */
export async function hasMoreItems({ db, organizationId }: OrganizationTx, than: number): Promise<boolean> {
  const { rows } = await sql`
    select from activity_items where organization_id = ${organizationId} offset ${than} limit 1`.execute(db);
  return rows.length > 0;
}

/** Removes as many items, of whatever source and time. */
export async function removeSomeItems(
  { db, organizationId }: OrganizationTx,
  { limit, timezone }: { limit: number; timezone: string },
): Promise<ItemsChanged> {
  const { rows } = await sql<ItemsChanged>`
    with removed as (
      delete from activity_items where organization_id = ${organizationId} and id in (
        select id from activity_items where organization_id = ${organizationId} order by occurred_at limit ${limit})
      returning kind, occurred_at, resolved_at
    ),
    ${changedByRemoval}, ${sumsOfChanged(timezone)}
    select ${sums}`.execute(db);
  return rows[0] ?? nothing;
}

/** Removes at most `limit` items from before a moment, not the reviews that were open then; answers how many. */
export async function removeItemsBefore(tx: OrganizationTx, before: Date, limit: number): Promise<number> {
  const { rows } = await sql<{ removed: number }>`
    with old as (
      select id from activity_items where organization_id = ${tx.organizationId} and occurred_at < ${before}
        and not (kind = 'review' and (resolved_at is null or resolved_at >= ${before}))
      order by occurred_at limit ${limit} for update
    ),
    removed as (
      delete from activity_items a using old where a.organization_id = ${tx.organizationId} and a.id = old.id returning 1
    )
    select count(*) as removed from removed`.execute(tx.db);
  return rows[0]?.removed ?? 0;
}
