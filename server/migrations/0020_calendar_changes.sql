-- What is kept by local days is written under this lock, shared, and moved to another calendar under it alone.
create function calendar_lock(organization uuid) returns bigint language sql immutable parallel safe as $$
  select hashtextextended('calendar/' || organization::text, 0)
$$;

-- The organization, whose time zone and first day of the week stand until the transaction's end. Two statements, because one
-- that had to wait would see the calendar of before.
create function hold_calendar(organization uuid) returns setof organizations
language plpgsql volatile rows 1 set search_path = pg_catalog, public, pg_temp as $$
begin
  perform pg_advisory_xact_lock_shared(calendar_lock(organization));
  return query select * from organizations where id = organization;
end
$$;

-- Waits until nobody holds the calendar. Whoever waits for this holds up all who come after, so it is given up soon.
create function lock_calendar(organization uuid) returns void
language plpgsql volatile set search_path = pg_catalog, public, pg_temp set lock_timeout = '1s' as $$
begin
  perform pg_advisory_xact_lock(calendar_lock(organization));
end
$$;

-- Days that begin before it, and their hours, are to be counted anew in the organization's time zone; infinity for all of
-- them, null for none.
alter table metric_catalog add column rebuilt_from timestamptz;
create index metric_catalog_rebuilt_idx on metric_catalog (organization_id, metric_type, metric_name)
  where rebuilt_from is not null;

-- Organizations whose days of activity from before one are to be counted anew in their time zone.
create table activity_recounts (
  organization_id uuid primary key references organizations (id) on delete cascade,
  recounted_from date not null
);
comment on table activity_recounts is 'requests may: select';
grant insert, update, delete on activity_recounts to almanac_system;
grant delete on activity_daily_users to almanac_system;
