-- The roles that requests and jobs run under. They own nothing and cannot bypass row security. Roles belong to the whole
-- cluster, so another database of the same cluster, or its administrator, may have made them already; the owner must be
-- able to take them on.
do $$
declare
  name text;
begin
  foreach name in array array['almanac_app', 'almanac_system', 'almanac_instance'] loop
    if not exists (select from pg_roles where rolname = name) then
      begin
        execute format('create role %I nologin', name);
      exception when duplicate_object or unique_violation then null;
      end;
    end if;
    begin
      perform set_config('role', name, true);
    exception when insufficient_privilege then
      execute format('grant %I to current_user', name);
    end;
    perform set_config('role', 'none', true);
  end loop;
end
$$;

create schema auth;
grant usage on schema auth, public to almanac_app, almanac_system, almanac_instance;

create table users (
  id uuid primary key,
  email text not null,
  name text not null,
  password_hash text,
  account_type text not null default 'standard' check (account_type in ('standard', 'tenant', 'landlord')),
  is_instance_admin boolean not null default false,
  subscription_tier text not null default 'free' check (subscription_tier in ('free', 'pro', 'enterprise')),
  email_verified_at timestamptz,
  created_at timestamptz not null default now(),
  deleted_at timestamptz
);
create unique index users_email_key on users (lower(email));

create table organizations (
  id uuid primary key,
  slug text not null unique,
  name text not null,
  timezone text not null default 'UTC',
  first_day_of_week smallint not null default 1 check (first_day_of_week between 1 and 7),
  weeks_kept integer not null default 104 check (weeks_kept >= 1),
  is_demo boolean not null default false,
  created_at timestamptz not null default now()
);

create table user_organizations (
  organization_id uuid not null references organizations (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  role text not null check (role in ('owner', 'admin', 'analyst', 'member', 'viewer')),
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  primary key (organization_id, user_id)
);
comment on table user_organizations is 'requests may: select';
create index user_organizations_user_idx on user_organizations (user_id);

create table user_sessions (
  id uuid primary key,
  user_id uuid not null references users (id) on delete cascade,
  refresh_token_hash bytea not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create unique index user_sessions_refresh_token_key on user_sessions (refresh_token_hash);
create index user_sessions_user_idx on user_sessions (user_id);

-- The scope of a transaction is a setting that any role may write, so it is signed with a key that only the owner reads
-- and bound to the transaction's start: what a request could set by itself opens nothing.
create table auth.scope_key (key bytea not null);
insert into auth.scope_key
select decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');

create function auth.scope_signature(role_name text, user_id text, organization_id text) returns text
language sql stable as $$
  select encode(sha256(key || sha256(key || convert_to(
    role_name || '/' || user_id || '/' || organization_id || '/' || extract(epoch from transaction_timestamp())::text,
    'UTF8'))), 'hex')
  from auth.scope_key
$$;

-- Opens the scope of the running transaction: the role, the user (null for the system) and the organization.
create function auth.open_scope(role_name text, user_id uuid, organization_id uuid) returns void
language plpgsql as $$
declare
  user_text text := coalesce(user_id::text, '');
begin
  perform set_config('almanac.scope', role_name || '/' || user_text || '/' || organization_id::text || '/'
    || auth.scope_signature(role_name, user_text, organization_id::text), true);
  perform set_config('role', role_name, true);
end
$$;

-- The parts {role, user, organization} of the transaction's scope, or null where none was opened or the signature is wrong.
create function auth.scope() returns text[]
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  parts text[] := string_to_array(nullif(current_setting('almanac.scope', true), ''), '/');
begin
  if parts[4] is distinct from auth.scope_signature(parts[1], parts[2], parts[3]) then
    return null;
  end if;
  return parts[1:3];
end
$$;

create function auth.uid() returns uuid
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select nullif((auth.scope())[2], '')::uuid
$$;

-- The organization whose rows a request sees: the one of its scope, while its user is an active member there.
create function auth.visible_organization() returns uuid
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  parts text[] := auth.scope();
begin
  if parts[1] is distinct from 'almanac_app' then
    return null;
  end if;
  return (
    select m.organization_id from user_organizations m
    where m.organization_id = parts[3]::uuid and m.user_id = nullif(parts[2], '')::uuid and m.is_active
  );
end
$$;

-- The organization that background work was opened for.
create function auth.system_organization() returns uuid
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  parts text[] := auth.scope();
begin
  if parts[1] is distinct from 'almanac_system' then
    return null;
  end if;
  return parts[3]::uuid;
end
$$;

revoke all on function auth.scope_signature(text, text, text), auth.open_scope(text, uuid, uuid), auth.scope() from public;
grant execute on function auth.uid(), auth.visible_organization(), auth.system_organization()
  to almanac_app, almanac_system;

-- Accounts and organizations: the identity feature works on them under its own role; requests and jobs see the one
-- organization they are in.
alter table users enable row level security;
alter table user_sessions enable row level security;
alter table organizations enable row level security;
create policy instance on users to almanac_instance using (true) with check (true);
create policy instance on user_sessions to almanac_instance using (true) with check (true);
create policy instance on organizations to almanac_instance using (true) with check (true);
create policy instance on user_organizations to almanac_instance using (true) with check (true);
create policy organization_member on organizations for select to almanac_app
  using (id = (select auth.visible_organization()));
create policy organization_system on organizations for select to almanac_system
  using (id = (select auth.system_organization()));
grant select, insert, update, delete on users, user_sessions, organizations, user_organizations to almanac_instance;
grant select on organizations to almanac_app, almanac_system;
