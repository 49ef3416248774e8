-- What of activity still tells of a person, the oldest first.
create index user_activity_logs_named_idx on user_activity_logs (created_at)
  where session_id is not null or metadata is not null;

-- Removes as many rows of an organization that is being erased, from the tables that the system may not delete from:
-- of its history, and once little is left there of its activity. Answers how many; none where little is left of both.
create function forget_organization_rows(organization uuid, "limit" integer) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  last_at timestamptz;
  last_id uuid;
  removed bigint;
begin
  if organization is distinct from auth.system_organization() then
    raise exception 'rows of the organization % are forgotten in its own system scope alone', organization
      using errcode = 'insufficient_privilege';
  end if;
  -- Up to a key, not by a join: a plan that was kept from when the tables were small would compare each with each.
  select recorded_at, id into last_at, last_id from dashboard_metrics_history where organization_id = organization
    order by recorded_at, id offset "limit" - 1 limit 1;
  if found then
    delete from dashboard_metrics_history
      where organization_id = organization and (recorded_at, id) <= (last_at, last_id);
    get diagnostics removed = row_count;
    return removed;
  end if;
  select created_at, id into last_at, last_id from user_activity_logs where organization_id = organization
    order by created_at, id offset "limit" - 1 limit 1;
  if found then
    delete from user_activity_logs where organization_id = organization and (created_at, id) <= (last_at, last_id);
    get diagnostics removed = row_count;
    return removed;
  end if;
  return 0;
end
$$;
revoke all on function forget_organization_rows(uuid, integer) from public;
grant execute on function forget_organization_rows(uuid, integer) to almanac_system;
