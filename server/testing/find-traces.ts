import { sql } from 'kysely';
import type { RootHandle } from '#platform/db/database.ts';

interface Table {
  schema: string;
  name: string;
}

/** All tables of the product and of its job queue, as the catalogue has them. */
async function listTables(root: RootHandle): Promise<Table[]> {
  const { rows } = await sql<Table>`
    select n.nspname as schema, c.relname as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm') and n.nspname not in ('information_schema', 'pg_catalog', 'pg_toast')
    order by 1, 2`.execute(root);
  return rows;
}

/** The rows, as text and by table, that hold one of these texts in any column and any case. */
export async function findTraces(root: RootHandle, texts: readonly string[]): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  const wanted = texts.map((text) => text.toLowerCase());
  for (const { schema, name } of await listTables(root)) {
    const { rows } = await sql<{ row: string }>`
      select t::text as row from ${sql.table(`${schema}.${name}`)} t
      where exists (select from unnest(${wanted}::text[]) wanted where position(wanted in lower(t::text)) > 0)`.execute(
      root,
    );
    if (rows.length > 0) found[`${schema}.${name}`] = rows.map(({ row }) => row).sort();
  }
  return found;
}
