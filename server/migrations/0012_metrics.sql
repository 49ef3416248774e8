-- What is measured: learnt from the points that are pushed, unless the code declares it.
create table metric_catalog (
  organization_id uuid not null references organizations (id) on delete cascade,
  metric_type text not null,
  metric_name text not null,
  -- of all its points; null for a bare number
  metric_unit text,
  -- whether more is better; null until somebody says so
  direction text check (direction in ('up', 'down', 'none')),
  -- how several values become one; null until somebody says so
  aggregation text check (aggregation in ('sum', 'average', 'last')),
  created_at timestamptz not null,
  primary key (organization_id, metric_type, metric_name)
);

-- A metric with one set of dimensions, of one business and one source.
create table metric_series (
  organization_id uuid not null,
  id uuid not null,
  metric_type text not null,
  metric_name text not null,
  dimension_1 text,
  dimension_2 text,
  dimension_3 text,
  business_id uuid,
  source_id uuid,
  primary key (organization_id, id),
  foreign key (organization_id, metric_type, metric_name)
    references metric_catalog (organization_id, metric_type, metric_name) on delete cascade
);
create index metric_series_metric_idx on metric_series (organization_id, metric_type, metric_name, id);

-- What tells series apart; names and dimensions hold no control characters.
create function metric_series_id(
  metric_type text, metric_name text, dimension_1 text, dimension_2 text, dimension_3 text, business_id uuid, source_id uuid
) returns uuid language sql immutable parallel safe as $$
  select md5(
    metric_type || e'\x1f' || metric_name
    || coalesce(e'\x1f1' || dimension_1, '') || coalesce(e'\x1f2' || dimension_2, '')
    || coalesce(e'\x1f3' || dimension_3, '') || coalesce(e'\x1f4' || business_id::text, '')
    || coalesce(e'\x1f5' || source_id::text, ''))::uuid
$$;

-- The points themselves, by month. Without references: a check for each of millions of rows costs more than the write.
create table dashboard_metrics (
  organization_id uuid not null,
  id uuid not null,
  metric_type text not null,
  metric_name text not null,
  metric_value numeric not null,
  metric_unit text,
  dimension_1 text,
  dimension_2 text,
  dimension_3 text,
  metadata jsonb,
  business_id uuid,
  source_id uuid,
  recorded_at timestamptz not null,
  series_id uuid not null generated always as (metric_series_id(
    metric_type, metric_name, dimension_1, dimension_2, dimension_3, business_id, source_id)) stored,
  primary key (organization_id, recorded_at, id)
) partition by range (recorded_at);
-- Lists of one metric, the newest first.
create index dashboard_metrics_metric_idx
  on dashboard_metrics (organization_id, metric_type, metric_name, recorded_at desc, id desc);
-- Takes what no month has been made for.
create table dashboard_metrics_default partition of dashboard_metrics default;

-- Months past the retention, moved here whole.
create table dashboard_metrics_history (
  like dashboard_metrics including defaults including generated including constraints,
  primary key (organization_id, recorded_at, id)
) partition by range (recorded_at);
comment on table dashboard_metrics_history is 'requests may: select';
create index dashboard_metrics_history_metric_idx
  on dashboard_metrics_history (organization_id, metric_type, metric_name, recorded_at desc, id desc);
create table dashboard_metrics_history_default partition of dashboard_metrics_history default;

-- Hours and days in the organization's time zone, kept by the statement that inserts the points. Read from the index
-- alone, a series after the other, so it holds every column.
create table metric_rollups (
  organization_id uuid not null,
  series_id uuid not null,
  granularity text not null check (granularity in ('hour', 'day')),
  bucket_start timestamptz not null,
  count bigint not null,
  sum numeric not null,
  min numeric not null,
  max numeric not null,
  last_value numeric not null,
  last_at timestamptz not null,
  -- which of several points of the last moment is the last
  last_id uuid not null,
  primary key (organization_id, series_id, granularity, bucket_start)
    include (count, sum, min, max, last_value, last_at),
  foreign key (organization_id, series_id) references metric_series (organization_id, id) on delete cascade
);

-- Points go with their organization, in the place of a reference that would be checked for each.
create function metrics_leave_with_organization() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  delete from dashboard_metrics where organization_id = old.id;
  delete from dashboard_metrics_history where organization_id = old.id;
  return null;
end
$$;
revoke all on function metrics_leave_with_organization() from public;
create trigger metrics_leave after delete on organizations
  for each row execute function metrics_leave_with_organization();
