import { sql, type Transaction } from 'kysely';
import type { RootHandle } from './database.ts';
import { protectTable } from './protect-tables.ts';
import type { Tables } from './tables.ts';

/** A partition that holds one month, in UTC. */
export interface MonthPartition {
  /** `<table>_2026_11`. */
  readonly name: string;
  readonly from: Date;
  /** Where the next month begins. */
  readonly to: Date;
}

interface WantedMonths {
  /** A table partitioned by a time, with a default partition `<table>_default`. */
  table: string;
  /** A time in the first month. */
  from: Date;
  months: number;
}

/** About as many take half a second to move. */
const mostRowsMoved = 50_000;

/**
 * Makes the partitions of as many months where they are missing, protected like their table; rows of those months that
 * the default partition took go into them, unless they are very many: such a month has none. Any number of processes may do
 * it at once. Answers the names of those made.
 */
export async function ensureMonthPartitions(root: RootHandle, wanted: WantedMonths): Promise<string[]> {
  const { table, from, months } = wanted;
  const all = Array.from({ length: months }, (_, index) => monthOf(table, from, index));
  const made: string[] = [];
  for (const month of await findMissing(root, table, all)) {
    if (await isHeavy(root, table, month)) continue;
    made.push(...(await makeMonth(root, table, month)));
  }
  return made;
}

/** Each month in a transaction of its own, so that none is waited for longer than it takes. */
function makeMonth(root: RootHandle, table: string, month: MonthPartition): Promise<string[]> {
  return attempt(root, async (db) => {
    // The table before its partitions, and at once in the strongest mode: an insert that waits here finds its partition
    // when it goes on, and no transaction that read first and then writes can meet this one in a deadlock.
    await sql`lock table only ${sql.table(table)} in access exclusive mode`.execute(db);
    const missing = await findMissing(db, table, [month]);
    for (const each of missing) await makePartition(db, table, each);
    return missing.map(({ name }) => name);
  });
}

/** True where the default partition holds so much of a month that moving it would hold everybody up: it stays there. */
async function isHeavy(root: RootHandle, table: string, { from, to }: MonthPartition): Promise<boolean> {
  const column = sql.ref(await getPartitionColumn(root, table));
  const { rows } = await sql`
    select from ${sql.table(`${table}_default`)} where ${column} >= ${from} and ${column} < ${to}
    offset ${mostRowsMoved} limit 1`.execute(root);
  return rows.length > 0;
}

/** The partitions that a table has by month, the oldest first. */
export async function listMonthPartitions(root: RootHandle, table: string): Promise<MonthPartition[]> {
  const { rows } = await sql<{ year: number; month: number }>`
    select parts[1]::int as year, parts[2]::int as month
    from pg_inherits i join pg_class c on c.oid = i.inhrelid,
      regexp_match(c.relname, ${`^${table}_(\\d{4})_(\\d{2})$`}) as parts
    where i.inhparent = to_regclass(${table}) and parts is not null
    order by 1, 2`.execute(root);
  return rows.map(({ year, month }) => monthOf(table, new Date(Date.UTC(year, month - 1)), 0));
}

/** Drops a month of a table with all that is in it; one that is not there any more is left alone. */
export async function dropMonthPartition(
  root: RootHandle,
  { table, name }: { table: string; name: string },
): Promise<void> {
  await attempt(root, async (db) => {
    await sql`lock table only ${sql.table(table)} in access exclusive mode`.execute(db);
    await sql`drop table if exists ${sql.table(name)}`.execute(db);
  });
}

interface MonthMove {
  /** A partition of `from`. */
  month: MonthPartition;
  /** Tables of the same columns and indexes, partitioned by the same time. */
  from: string;
  to: string;
}

/** Takes a month out of one table and into another, whole: no row is written, and none is read while others wait. */
export async function moveMonthPartition(root: RootHandle, { month, from, to }: MonthMove): Promise<void> {
  const [name, bounds] = [sql.table(month.name), sql.ref(`${month.name}_bounds`)];
  const column = sql.ref(await getPartitionColumn(root, from));
  const [start, end] = [month.from, month.to].map((time) => sql.lit(time.toISOString()));
  // What the new table would look for in every row is proven beforehand, beside readers and writers.
  await attempt(root, async (db) => {
    await sql`alter table ${name} drop constraint if exists ${bounds}`.execute(db);
    await sql`
      alter table ${name} add constraint ${bounds} check (${column} >= ${start} and ${column} < ${end}) not valid`.execute(
      db,
    );
  });
  await attempt(root, (db) => sql`alter table ${name} validate constraint ${bounds}`.execute(db));
  await attempt(root, async (db) => {
    await sql`lock table only ${sql.table(from)}, only ${sql.table(to)} in access exclusive mode`.execute(db);
    await sql`alter table ${sql.table(from)} detach partition ${name}`.execute(db);
    await sql`
      alter table ${sql.table(to)} attach partition ${name} for values from (${start}) to (${end})`.execute(db);
    await sql`alter table ${name} drop constraint ${bounds}`.execute(db);
  });
}

/** One transaction that may work for long but gives up waiting soon: whoever waits for it holds up all that come after. */
function attempt<T>(root: RootHandle, work: (db: Transaction<Tables>) => Promise<T>): Promise<T> {
  return root.transaction().execute(async (db) => {
    await sql`set local statement_timeout = 0`.execute(db);
    await sql`set local lock_timeout = '5s'`.execute(db);
    return work(db);
  });
}

function monthOf(table: string, from: Date, offset: number): MonthPartition {
  const startOf = (months: number) => new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + months));
  const start = startOf(offset);
  const name = `${table}_${start.toISOString().slice(0, 7).replace('-', '_')}`;
  return { name, from: start, to: startOf(offset + 1) };
}

async function findMissing(root: RootHandle, table: string, wanted: MonthPartition[]): Promise<MonthPartition[]> {
  const made = new Set((await listMonthPartitions(root, table)).map(({ name }) => name));
  return wanted.filter(({ name }) => !made.has(name));
}

async function makePartition(
  db: Transaction<Tables>,
  table: string,
  { name, from, to }: MonthPartition,
): Promise<void> {
  const column = sql.ref(await getPartitionColumn(db, table));
  const [parent, partition, rest] = [table, name, `${table}_default`].map((each) => sql.table(each));
  const columns = sql.join((await listWritableColumns(db, table)).map((each) => sql.ref(each)));
  // Filled first: a partition cannot be attached while the default still holds rows of its month.
  await sql`create table ${partition} (like ${parent} including all)`.execute(db);
  await sql`
    with moved as (delete from ${rest} where ${column} >= ${from} and ${column} < ${to} returning ${columns})
    insert into ${partition} (${columns}) select * from moved`.execute(db);
  const bound = (time: Date) => sql.lit(time.toISOString());
  await sql`alter table ${parent} attach partition ${partition} for values from (${bound(from)}) to (${bound(to)})`.execute(
    db,
  );
  await protectTable(db, name);
}

/** The columns that are written; generated ones come by themselves. */
export async function listWritableColumns(db: RootHandle, table: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select attname as name from pg_attribute
    where attrelid = to_regclass(${table}) and attnum > 0 and not attisdropped and attgenerated = ''
    order by attnum`.execute(db);
  return rows.map(({ name }) => name);
}

async function getPartitionColumn(db: RootHandle, table: string): Promise<string> {
  const { rows } = await sql<{ name: string }>`
    select a.attname as name from pg_partitioned_table p
      join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
    where p.partrelid = to_regclass(${table})`.execute(db);
  const [found] = rows;
  if (!found) throw new Error(`The table ${table} is not partitioned by a column.`);
  return found.name;
}
