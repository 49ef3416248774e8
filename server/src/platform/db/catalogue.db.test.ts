import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { type FeedDatabase, makeFeedDatabase, makeMember } from '#testing/make-feed-database.ts';
import { openPlainlyOwned } from '#testing/make-plain-owner.ts';
import { migrate } from './migrate.ts';
import { ensureMonthPartitions } from './month-partitions.ts';
import { instanceTables, protectTables } from './protect-tables.ts';

const serverUrl = process.env.TEST_DATABASE_URL;
const place = serverUrl ? 'PostgreSQL, owned by a role without privileges' : 'the embedded database';

interface Relation {
  name: string;
  kind: 'r' | 'p' | 'v' | 'm';
  isPartition: boolean;
}

describe(`On ${place}`, () => {
  let owner: Awaited<ReturnType<typeof openPlainlyOwned>> | undefined;
  let it: FeedDatabase;
  let relations: Relation[];
  const rows = async <T>(text: string): Promise<T[]> => (await sql.raw<T>(text).execute(it.database.root)).rows;
  /** Runs statements as a request's role, in a transaction with no scope. */
  const asRequest = async <T>(...statements: string[]): Promise<T[]> =>
    await it.database.root.transaction().execute(async (db) => {
      await sql`select set_config('role', 'almanac_app', true)`.execute(db);
      let last: T[] = [];
      for (const statement of statements) last = (await sql.raw<T>(statement).execute(db)).rows;
      return last;
    });

  beforeAll(async () => {
    owner = serverUrl ? await openPlainlyOwned(serverUrl) : undefined;
    it = await makeFeedDatabase(owner?.database);
    // Beside the product's tables, one of each kind that a later migration may bring.
    const later = `
      create table later_parts (organization_id uuid not null, at date not null) partition by range (at);
      create table later_parts_2024 partition of later_parts for values from ('2024-01-01') to ('2025-01-01');
      create view later_view as select * from later_parts;
      create materialized view later_sums as select organization_id, count(*) from later_parts group by 1;`;
    await it.database.root.transaction().execute(async (db) => {
      for (const statement of later.split(';').filter((text) => text.trim() !== ''))
        await sql.raw(statement).execute(db);
      await protectTables(db);
    });
    await ensureMonthPartitions(it.database.root, { table: 'audit_log', from: new Date(), months: 2 });
    relations = await rows<Relation>(`
      select c.relname as name, c.relkind::text as kind, c.relispartition as "isPartition" from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm')
        and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e') order by 1`);
  });
  afterAll(async () => {
    await it.close();
    await owner?.drop();
  });

  test('every table and partition is protected, or stands in the closed list', async () => {
    const unprotected = await rows<{ name: string }>(`
      select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'public' and c.relkind in ('r', 'p') and not (
        c.relrowsecurity
        and exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'organization_member')
        and exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'organization_system'))`);
    const known = new Set(instanceTables);
    expect(unprotected.map(({ name }) => name).filter((name) => !known.has(name))).toEqual([]);
    expect(relations.map(({ name }) => name)).toEqual(expect.arrayContaining([...instanceTables]));
  });

  test('no role reaches a partition but through its table', async () => {
    const partitions = relations.filter(({ isPartition }) => isPartition).map(({ name }) => name);
    expect(partitions).toEqual(expect.arrayContaining(['audit_log_default', 'later_parts_2024']));
    expect(partitions.filter((name) => /^audit_log_\d{4}_\d{2}$/.test(name))).toHaveLength(2);
    const reachable = await rows(`
      select c.relname, r.rolname from pg_class c, pg_roles r
      where c.relispartition and r.rolname in ('almanac_app', 'almanac_system', 'almanac_instance')
        and has_table_privilege(r.oid, c.oid, 'select, insert, update, delete, truncate, references, trigger')`);
    expect(reachable).toEqual([]);
  });

  test('requests have the rights on a table that its comment names, or else those to read and write rows', async () => {
    const granted = await rows<{ name: string; rights: string; comment: string | null }>(`
      select c.relname as name, obj_description(c.oid, 'pg_class') as comment,
        (select string_agg(distinct lower(privilege_type), ', ' order by lower(privilege_type)) from aclexplode(c.relacl) a
          where a.grantee = 'almanac_app'::regrole) as rights
      from pg_class c where c.relkind in ('r', 'p') and not c.relispartition
        and c.relnamespace = 'public'::regnamespace and c.relname <> all ('{${instanceTables.join()}}')`);
    const wanted = ({ comment }: { comment: string | null }) =>
      (/^requests may: ([a-z, ]+)$/.exec(comment ?? '')?.[1] ?? 'delete, insert, select, update')
        .split(', ')
        .sort()
        .join(', ');
    expect(granted.filter((table) => table.rights !== wanted(table))).toEqual([]);
    const closer = granted.filter(({ comment }) => comment !== null).map(({ name }) => name);
    expect(closer).toEqual(expect.arrayContaining(['audit_log', 'user_organizations']));
  });

  test('the tables of the closed list give a request nothing, except its own organization', async () => {
    for (const name of instanceTables) {
      const reading = asRequest(`select * from ${name}`);
      if (name === 'organizations') await expect(reading).resolves.toEqual([]);
      else await expect(reading).rejects.toThrow(/permission denied/);
    }
  });

  test('every view runs with the rights of who reads it, and no materialized view can be read', async () => {
    const views = await rows<{ name: string; invoker: boolean }>(`
      select relname as name, coalesce('security_invoker=true' = any (reloptions), false) as invoker from pg_class
      where relkind = 'v' and relnamespace = 'public'::regnamespace`);
    expect(views.filter(({ invoker }) => !invoker)).toEqual([]);
    for (const { name } of relations.filter(({ kind }) => kind === 'm')) {
      await expect(asRequest(`select * from ${name}`)).rejects.toThrow(/permission denied/);
    }
  });

  test('no role of a request owns anything, logs in or goes round row security', async () => {
    const roles = await rows<{ can: boolean; owned: number }>(`
      select r.rolsuper or r.rolbypassrls or r.rolcanlogin or r.rolcreaterole or r.rolcreatedb as can,
        (select count(*) from pg_class c where c.relowner = r.oid) as owned
      from pg_roles r where r.rolname in ('almanac_app', 'almanac_system', 'almanac_instance')`);
    expect(roles).toEqual([1, 2, 3].map(() => ({ can: false, owned: 0 })));
  });

  test('without a scope, and with a forged one, every table and view reads as empty', async () => {
    const organization = await it.makeOrganization(1);
    const { organizationId, userIds } = organization;
    await fillEveryTable(organization);
    const forged = [
      `almanac_app/${userIds[0]}/${organizationId}/`,
      `almanac_app/${userIds[0]}/${organizationId}/${'0'.repeat(64)}`,
      `almanac_system//${organizationId}/x`,
      `almanac_app/${userIds[0]}`,
      `almanac_app/${userIds[0]}/${organizationId}`,
      '///',
      '/',
      'null',
      '{}',
      "'",
    ];
    const openings = [
      'select 1',
      ...forged.map((text) => `select set_config('almanac.scope', '${text.replaceAll("'", "''")}', true)`),
    ];
    for (const opening of openings) {
      expect(await asRequest(opening, 'select auth.uid() as who')).toEqual([{ who: null }]);
    }
    for (const { name } of readable()) {
      for (const opening of openings) {
        expect(await asRequest(opening, `select * from ${name}`), `${name} after ${opening}`).toEqual([]);
      }
    }
  });

  test('a scope of one transaction opens nothing in the next, nor for another role', async () => {
    const { organizationId, userIds } = await it.makeOrganization(1);
    const principal = makeMember({ organizationId, userId: userIds[0] ?? '' });
    const scope = await it.scopes.inOrganization(principal, async ({ db }) => {
      const { rows: found } = await sql<{ scope: string }>`select current_setting('almanac.scope') as scope`.execute(
        db,
      );
      return found[0]?.scope ?? '';
    });
    expect(scope).toContain(organizationId);
    expect(
      await asRequest(`select set_config('almanac.scope', '${scope}', true)`, 'select * from organizations'),
    ).toEqual([]);
    const seen = await it.scopes.inOrganization(principal, async ({ db }) => {
      await sql`select set_config('role', 'almanac_system', true)`.execute(db);
      return (await sql`select * from organizations`.execute(db)).rows;
    });
    expect(seen).toEqual([]);
  });

  test('inside one organization no row of another shows in any table or view, and none can be written', async () => {
    const [ours, theirs] = [await it.makeOrganization(1), await it.makeOrganization(1)];
    const filled = await fillEveryTable(ours);
    await fillEveryTable(theirs);
    const member = makeMember({ organizationId: ours.organizationId, userId: ours.userIds[0] ?? '' });
    const system = { kind: 'system', organizationId: ours.organizationId } as const;
    for (const principal of [member, system]) {
      for (const { name } of readable()) {
        const column = name === 'organizations' ? 'id' : 'organization_id';
        const seen = await it.scopes.inOrganization(principal, ({ db }) =>
          sql<{ id: string }>`select distinct ${sql.ref(column)} as id from ${sql.table(name)}`.execute(db),
        );
        expect(seen.rows, name).toEqual([{ id: ours.organizationId }]);
      }
      for (const name of filled) {
        const change = it.scopes.inOrganization(principal, ({ db }) =>
          sql`update ${sql.table(name)} set organization_id = ${theirs.organizationId}`.execute(db),
        );
        await expect(change, name).rejects.toThrow(/row-level security|permission denied|foreign key/);
      }
    }
  });

  test('a member who was put out sees nothing from that moment', async () => {
    const { organizationId, userIds } = await it.makeOrganization(1);
    await it.scopes.inInstance(({ db }) =>
      sql`update user_organizations set is_active = false where organization_id = ${organizationId}`.execute(db),
    );
    const principal = makeMember({ organizationId, userId: userIds[0] ?? '' });
    const seen = await it.scopes.inOrganization(principal, ({ db }) => sql`select * from organizations`.execute(db));
    expect(seen.rows).toEqual([]);
  });

  test('a table of the session’s own cannot stand in for the memberships', async () => {
    const { organizationId } = await it.makeOrganization(0);
    const principal = makeMember({ organizationId, userId: newId() });
    const seen = await it.scopes.inOrganization(principal, async ({ db }) => {
      await sql`create temp table user_organizations (organization_id uuid, user_id uuid, is_active boolean) on commit drop`.execute(
        db,
      );
      await sql`grant all on user_organizations to public`.execute(db);
      await sql`insert into user_organizations values (${organizationId}, ${principal.userId}, true)`.execute(db);
      return (await sql`select * from organizations`.execute(db)).rows;
    });
    expect(seen).toEqual([]);
  });

  test.each([
    `select auth.open_scope('almanac_app', null, '${newId()}')`,
    `select auth.scope_signature('a', 'b', 'c')`,
    'select auth.scope()',
    'select * from auth.scope_key',
    'select * from users',
    'select * from user_sessions',
    'insert into user_organizations values (gen_random_uuid(), gen_random_uuid())',
    'select number_due_feed_states(gen_random_uuid())',
    "select beat_feed('{}')",
    'create table mine (a int)',
    'create function auth.mine() returns int language sql as $f$ select 1 $f$',
    'alter table activity_items disable row level security',
    'drop policy organization_member on activity_items',
  ])('a request’s role may not: %s', async (statement) => {
    await expect(asRequest(statement)).rejects.toThrow(/permission denied|must be owner/);
  });

  test('migrating again changes nothing', async () => {
    expect(await migrate({ root: it.database.root, log: it.log })).toEqual([]);
  });

  const readable = () =>
    relations.filter(
      ({ name, kind, isPartition }) =>
        kind !== 'm' && !isPartition && (name === 'organizations' || !instanceTables.includes(name)),
    );

  /** Puts one row of the organization into each table, made from the columns that have no default; answers the tables. */
  type Filled = { organizationId: string; userIds: readonly string[] };

  async function fillEveryTable(organization: Filled): Promise<Set<string>> {
    const filled = new Set<string>();
    const tables = readable().filter(
      ({ name, kind }) => kind !== 'v' && name !== 'organizations' && name !== 'user_organizations',
    );
    // Several times: a table that others refer to, and one that those do, may come later by name.
    for (let round = 0; round < 3; round += 1) {
      for (const { name } of tables) {
        const done = await it.database.root
          .transaction()
          .execute((db) => insertRow(db, name, organization))
          .catch(() => false);
        if (done !== false) filled.add(name);
      }
    }
    expect([...filled].sort(), 'a table that takes no made-up row: teach insertRow its checks').toEqual(
      tables.map(({ name }) => name).sort(),
    );
    return filled;
  }

  async function insertRow(
    db: Parameters<typeof protectTables>[0],
    table: string,
    { organizationId, userIds }: Filled,
  ): Promise<void> {
    const { rows: columns } = await sql<{
      name: string;
      type: string;
      allowed: string | null;
      referred: string | null;
    }>`
      select a.attname as name, format_type(a.atttypid, null) as type,
        (select substring(pg_get_constraintdef(k.oid) from '''([^'']+)''::text') from pg_constraint k
          where k.conrelid = a.attrelid and k.contype = 'c' and a.attnum = any (k.conkey)
          order by cardinality(k.conkey) limit 1) as allowed,
        (select format('(select %I from %s %s limit 1)', f.attname, k.confrelid::regclass,
            case when exists (select from pg_attribute o where o.attrelid = k.confrelid and o.attname = 'organization_id')
              then format('where organization_id = %L', ${organizationId}::text) end)
          from pg_constraint k, unnest(k.conkey, k.confkey) as pair (own, other)
          join pg_attribute f on f.attnum = pair.other
          where k.conrelid = a.attrelid and k.contype = 'f' and f.attrelid = k.confrelid and pair.own = a.attnum
            and f.attname <> 'organization_id' and k.confrelid <> 'organizations'::regclass limit 1) as referred
      from pg_attribute a
      where a.attrelid = ${table}::regclass and a.attnum > 0 and not a.attisdropped and a.attnotnull and not a.atthasdef
        and a.attname <> 'organization_id'`.execute(db);
    const values = columns.map(
      ({ name, type, allowed, referred }) =>
        // Some rows show to their own user alone.
        (name === 'user_id' && referred ? `'${userIds[0]}'` : referred) ?? (allowed ? `'${allowed}'` : sampleOf(type)),
    );
    const names = ['organization_id', ...columns.map(({ name }) => name)].map((name) => `"${name}"`);
    await sql.raw(`insert into ${table} (${names.join()}) values ('${organizationId}', ${values.join()})`).execute(db);
  }
});

function sampleOf(type: string): string {
  if (type === 'uuid') return 'gen_random_uuid()';
  if (type.startsWith('timestamp')) return 'now()';
  if (type === 'date') return "'2024-12-16'";
  if (type === 'jsonb' || type.endsWith('[]')) return "'{}'";
  if (type === 'bytea') return "decode(md5(gen_random_uuid()::text), 'hex')";
  return /int|numeric|double/.test(type) ? '1' : "'organization'";
}
