-- What members do, by month, kept 90 days. Its counters below are kept by the statement that inserts the events, so that no
-- screen reads this table.
create table user_activity_logs (
  organization_id uuid not null references organizations (id) on delete cascade,
  id uuid not null,
  user_id uuid not null references users (id) on delete cascade,
  activity_type text not null,
  session_id text,
  duration_seconds integer,
  metadata jsonb,
  created_at timestamptz not null,
  primary key (organization_id, created_at, id)
) partition by range (created_at);
comment on table user_activity_logs is 'requests may: select, insert';
create index user_activity_logs_user_idx on user_activity_logs (user_id, organization_id, created_at, id);
-- Takes what no month has been made for.
create table user_activity_logs_default partition of user_activity_logs default;

-- Who was active on which day of the organization's zone: one row however many events. No index holds the columns that
-- change, so that an update stays in its page. Who was active lately stands in the rows of today and yesterday.
create table activity_daily_users (
  organization_id uuid not null references organizations (id) on delete cascade,
  day date not null,
  user_id uuid not null references users (id) on delete cascade,
  events bigint not null,
  -- so that a part of a day can be told from the whole
  first_at timestamptz not null,
  last_at timestamptz not null,
  primary key (organization_id, day, user_id)
) with (fillfactor = 80);
comment on table activity_daily_users is 'requests may: select, insert, update';
create index activity_daily_users_user_idx on activity_daily_users (user_id, organization_id, day);

-- Events by minute, of the last hours alone: sixty rows tell of an hour.
create table activity_minutes (
  organization_id uuid not null references organizations (id) on delete cascade,
  minute timestamptz not null,
  events bigint not null,
  primary key (organization_id, minute)
) with (fillfactor = 80);
comment on table activity_minutes is 'requests may: select, insert, update';

-- The members of the scope's organization, without the anonymous viewer. Requests cannot read accounts.
create function current_members() returns table (user_id uuid, joined_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select m.user_id, m.created_at from user_organizations m join users u on u.id = m.user_id
  where m.organization_id = (select coalesce(auth.system_organization(), auth.visible_organization()))
    and m.is_active and u.deleted_at is null and u.email <> 'anonymous@almanac.invalid'
$$;
revoke all on function current_members() from public;
grant execute on function current_members() to almanac_app, almanac_system;

create table assessments (
  organization_id uuid not null references organizations (id) on delete cascade,
  id uuid not null,
  user_id uuid not null references users (id) on delete cascade,
  department text,
  role text,
  status text not null check (status in ('draft', 'in_progress', 'completed', 'archived')),
  -- trait → 0 to 100; all five once it is completed
  ocean_scores jsonb not null default '{}',
  -- facet → 0 to 100
  facet_scores jsonb not null default '{}',
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- stays when it is archived
  completed_at timestamptz,
  primary key (organization_id, id)
);
create index assessments_newest_idx on assessments (organization_id, created_at desc, id desc)
  include (status, completed_at);
create index assessments_status_idx on assessments (organization_id, status, created_at desc, id desc)
  include (user_id, updated_at);
create index assessments_completed_idx on assessments (organization_id, user_id, completed_at desc)
  where completed_at is not null;
create index assessments_user_idx on assessments (user_id, organization_id, id);

-- What the assessments of 90 days came to, a day's computation beside the other; 90 days are kept.
create table assessment_aggregations (
  organization_id uuid not null references organizations (id) on delete cascade,
  aggregation_type text not null check (aggregation_type in ('ocean_department', 'ocean_role')),
  -- the organization's day
  computed_on date not null,
  -- the department or role; empty for those without one
  aggregation_key text not null,
  people integer not null,
  -- trait → average
  ocean_scores jsonb not null,
  -- facet → {average, people}
  facet_scores jsonb not null,
  computed_at timestamptz not null,
  primary key (organization_id, aggregation_type, computed_on, aggregation_key)
);

create materialized view mv_organization_summary as
select o.id as organization_id,
  (select count(*) from user_organizations m join users u on u.id = m.user_id
    where m.organization_id = o.id and m.is_active and u.deleted_at is null
      and u.email <> 'anonymous@almanac.invalid') as total_users,
  (select count(distinct d.user_id) from activity_daily_users d
    where d.organization_id = o.id and d.day > (now() at time zone o.timezone)::date - 30) as active_users_30d,
  a.total_assessments, a.completed_assessments, now() as refreshed_at
from organizations o
cross join lateral (
  select count(*) as total_assessments, count(a.completed_at) as completed_assessments
  from assessments a where a.organization_id = o.id) a;
create unique index mv_organization_summary_key on mv_organization_summary (organization_id);

-- Of the newest completed assessment of each person in 90 days.
create materialized view mv_ocean_metrics_summary as
select r.organization_id, count(*) as people,
  avg((r.ocean_scores ->> 'openness')::numeric) as openness,
  avg((r.ocean_scores ->> 'conscientiousness')::numeric) as conscientiousness,
  avg((r.ocean_scores ->> 'extraversion')::numeric) as extraversion,
  avg((r.ocean_scores ->> 'agreeableness')::numeric) as agreeableness,
  avg((r.ocean_scores ->> 'neuroticism')::numeric) as neuroticism,
  now() as refreshed_at
from (
  select distinct on (a.organization_id, a.user_id) a.organization_id, a.ocean_scores from assessments a
  where a.completed_at > now() - interval '90 days'
  order by a.organization_id, a.user_id, a.completed_at desc, a.id desc
) r
group by r.organization_id;
create unique index mv_ocean_metrics_summary_key on mv_ocean_metrics_summary (organization_id);

-- A materialized view knows no row security, so requests are given views with the owner's rights that show the scope's
-- organization alone. They stand in a schema of their own: each view of the other one runs with its reader's rights.
create schema scoped;
grant usage on schema scoped to almanac_app, almanac_system;
create view scoped.organization_summary with (security_barrier = true) as
select * from mv_organization_summary
where organization_id = (select coalesce(auth.system_organization(), auth.visible_organization()));
-- Averages of fewer than five people are theirs.
create view scoped.ocean_metrics_summary with (security_barrier = true) as
select * from mv_ocean_metrics_summary
where organization_id = (select coalesce(auth.system_organization(), auth.visible_organization())) and people >= 5;
grant select on scoped.organization_summary, scoped.ocean_metrics_summary to almanac_app, almanac_system;

-- Readers go on with the old rows meanwhile.
create function refresh_summaries() returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  refresh materialized view concurrently mv_organization_summary;
  refresh materialized view concurrently mv_ocean_metrics_summary;
end
$$;
revoke all on function refresh_summaries() from public;
grant execute on function refresh_summaries() to almanac_instance;

-- What is held about a person is handed out, and erased, across organizations.
create policy instance on user_activity_logs to almanac_instance using (true) with check (true);
create policy instance on activity_daily_users to almanac_instance using (true) with check (true);
create policy instance on assessments to almanac_instance using (true) with check (true);
grant select, delete on user_activity_logs, activity_daily_users, assessments to almanac_instance;
