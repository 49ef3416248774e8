-- Who read or changed what. Requests append and read; nothing they can do changes or removes an entry. Without a reference
-- to organizations, because entries outlive theirs.
create table audit_log (
  organization_id uuid not null,
  at timestamptz not null,
  id uuid not null,
  actor_kind text not null check (actor_kind in ('user', 'api_key', 'anonymous', 'system')),
  -- the user; null once their account is erased, and for the system
  actor_id uuid,
  api_key_id uuid,
  action text not null,
  -- what was acted on, as `kind:id`
  target text,
  details jsonb not null default '{}',
  address text,
  request_id text,
  primary key (organization_id, at, id)
) partition by range (at);
comment on table audit_log is 'requests may: select, insert';
create index audit_log_actor_idx on audit_log (actor_id, organization_id, at, id);
create index audit_log_action_idx on audit_log (organization_id, action, at, id);
create index audit_log_target_idx on audit_log (target) where target is not null;
-- Takes what no month has been made for.
create table audit_log_default partition of audit_log default;

create policy instance_reads on audit_log for select to almanac_instance using (true);
create policy instance_appends on audit_log for insert to almanac_instance with check (true);
grant select, insert on audit_log to almanac_instance;

-- Takes a person out of the log: what was done stays; who did it, from where, and whom it names goes. Entries about the
-- person without an actor are failed tries to sign in, which the person may have made.
create function audit_forget_person(person uuid) returns bigint
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  with changed as (
    update audit_log set
      actor_id = nullif(actor_id, person),
      api_key_id = case when actor_id = person then null else api_key_id end,
      address = case when coalesce(actor_id, person) = person then null else address end,
      -- it would find the person in the access log
      request_id = case when coalesce(actor_id, person) = person then null else request_id end,
      target = case when target = 'user:' || person then 'user:erased' else target end,
      details = '{}'
    where actor_id = person or target = 'user:' || person
    returning 1
  )
  select count(*) from changed
$$;
revoke all on function audit_forget_person(uuid) from public;
grant execute on function audit_forget_person(uuid) to almanac_instance;
