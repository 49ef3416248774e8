import { sql, type Transaction } from 'kysely';
import type { Tables } from './tables.ts';

/**
 * Tables without an organization that requests never read through row security: each is reached by the platform's own
 * connection or by the identity feature's role.
 */
export const instanceTables: readonly string[] = [
  'almanac_migrations',
  'users',
  'user_sessions',
  'mailed_tokens',
  'sign_in_attempts',
  'mfa_recovery_codes',
  'user_identities',
  'mails',
  'organizations',
  'scheduled_job_config',
  'job_slots',
  'system_alerts',
  'process_readings',
  'system_performance_metrics',
  'performance_monitoring',
  'slow_statements',
  'health_checks',
];

/**
 * Protects every table of an organization: row security, the two policies (members see their organization, the system
 * the one it works for), rights for both roles, and an index that begins with the organization. Partitions are protected
 * like their parents, views run with the caller's rights, materialized views, which know no row security, are closed.
 * The role of `inInstance` is given nothing here: a migration that does gives it a policy of `using (true)`, which keeps
 * no organizations apart.
 * A table whose comment reads `requests may: select` (or another list of rights) gives requests just those.
 */
export async function protectTables(db: Transaction<Tables>): Promise<void> {
  await sql.raw(protection('true')).execute(db);
  await sql.raw(viewProtection).execute(db);
}

/** Protects one table, as `protectTables` does all: of a running installation, where locking every table is too much. */
export async function protectTable(db: Transaction<Tables>, name: string): Promise<void> {
  await sql.raw(protection(`c.relname = '${name}'`)).execute(db);
}

const protection = (which: string) => `
do $protect$
declare
  found record;
begin
  for found in
    select c.oid, c.relname as name, c.relkind as kind, c.relispartition as is_partition
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r', 'p') and ${which} and exists (
      select from pg_attribute a where a.attrelid = c.oid and a.attname = 'organization_id' and not a.attisdropped)
  loop
    execute format('alter table public.%I enable row level security', found.name);
    if not exists (select from pg_policy where polrelid = found.oid and polname = 'organization_member') then
      execute format('create policy organization_member on public.%I to almanac_app
        using (organization_id = (select auth.visible_organization()))
        with check (organization_id = (select auth.visible_organization()))', found.name);
      execute format('create policy organization_system on public.%I to almanac_system
        using (organization_id = (select auth.system_organization()))
        with check (organization_id = (select auth.system_organization()))', found.name);
    end if;
    if not found.is_partition then
      execute format('grant %s on public.%I to almanac_app, almanac_system', coalesce(
        substring(obj_description(found.oid, 'pg_class') from '^requests may: ([a-z, ]+)$'),
        'select, insert, update, delete'), found.name);
    end if;
    if not exists (
      select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      where i.indrelid = found.oid and a.attname = 'organization_id' and i.indpred is null) then
      execute format('create index %I on public.%I (organization_id)', found.name || '_organization_idx', found.name);
    end if;
  end loop;
end
$protect$`;

const viewProtection = `
do $protect$
declare
  found record;
begin
  for found in
    select c.relname as name, c.relkind as kind from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('v', 'm')
      and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
  loop
    if found.kind = 'v' then
      execute format('alter view public.%I set (security_invoker = true)', found.name);
      execute format('grant select on public.%I to almanac_app, almanac_system', found.name);
    else
      execute format('revoke all on public.%I from public, almanac_app, almanac_system', found.name);
    end if;
  end loop;
end
$protect$`;
