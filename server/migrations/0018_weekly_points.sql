-- Publishes what the items that are there come to, as their writers do from here on: a point for each kind and quarter of an hour,
-- zeros at the beginning of each week on record, and what weeks said when they were stored while they ran.
with moments as (
  select organization_id, occurred_at as at,
    case kind when 'upload' then 'uploads' when 'update' then 'updates' when 'decision' then 'decisions'
      when 'completion' then 'completed' else 'reviews_opened' end as metric_name
  from activity_items
  union all
  select organization_id, resolved_at, 'reviews_resolved' from activity_items where resolved_at is not null
),
points as (
  select m.organization_id, m.metric_name, 'items' as what, count(*) as metric_value, min(m.at) as recorded_at
  from moments m
  group by m.organization_id, m.metric_name, date_bin('15 minutes', m.at, timestamptz 'epoch')
  union all
  select w.organization_id, names.metric_name, 'begin', 0, w.week_start_date::timestamp at time zone o.timezone
  from activity_weeks w join organizations o on o.id = w.organization_id
  cross join (values ('uploads'), ('updates'), ('decisions'), ('completed'), ('reviews_opened'), ('reviews_resolved'))
    names (metric_name)
  where exists (select from activity_items i where i.organization_id = w.organization_id)
  union all
  select s.organization_id, said.metric_name, 'said', said.metric_value, s.generated_at
  from weekly_snapshots s join organizations o on o.id = s.organization_id
  cross join lateral (values ('contributors', (s.data -> 'stats' -> 'contributors')::bigint),
    ('pending_reviews', (s.data -> 'stats' -> 'pendingReviews')::bigint)) said (metric_name, metric_value)
  where (s.generated_at at time zone o.timezone)::date between s.week_start_date and s.week_start_date + 6
    and exists (select from activity_items i where i.organization_id = s.organization_id)
),
listed as (
  insert into metric_catalog (organization_id, metric_type, metric_name, metric_unit, created_at)
  select distinct organization_id, 'weekly', metric_name, 'count', now() from points
  on conflict do nothing
),
inserted as (
  insert into dashboard_metrics
    (organization_id, id, metric_type, metric_name, metric_value, metric_unit, recorded_at)
  select p.organization_id,
    md5(concat_ws('/', 'weekly', p.organization_id, p.metric_name, p.what, extract(epoch from p.recorded_at)))::uuid,
    'weekly', p.metric_name, p.metric_value, coalesce(c.metric_unit, 'count'), p.recorded_at
  from points p
  -- One that somebody has pushed by that name keeps its unit.
  left join metric_catalog c on c.organization_id = p.organization_id and c.metric_type = 'weekly'
    and c.metric_name = p.metric_name
  on conflict do nothing
  returning organization_id, series_id, id, metric_type, metric_name, metric_value, recorded_at
),
series as (
  insert into metric_series (organization_id, id, metric_type, metric_name)
  select distinct organization_id, series_id, metric_type, metric_name from inserted
  on conflict do nothing
),
buckets as (
  select i.organization_id, i.series_id, g.granularity, date_trunc(g.granularity, i.recorded_at, o.timezone) as bucket_start,
    count(*) as count, sum(i.metric_value) as sum, min(i.metric_value) as min, max(i.metric_value) as max,
    (array_agg(i.metric_value order by i.recorded_at desc, i.id desc))[1] as last_value, max(i.recorded_at) as last_at,
    (array_agg(i.id order by i.recorded_at desc, i.id desc))[1] as last_id
  from inserted i join organizations o on o.id = i.organization_id
  cross join (values ('hour'), ('day')) g (granularity)
  group by 1, 2, 3, 4
)
insert into metric_rollups as r (organization_id, series_id, granularity, bucket_start, count, sum, min, max, last_value,
  last_at, last_id)
select organization_id, series_id, granularity, bucket_start, count, sum, min, max, last_value, last_at, last_id
from buckets
on conflict (organization_id, series_id, granularity, bucket_start) do update set
  count = r.count + excluded.count, sum = r.sum + excluded.sum,
  min = least(r.min, excluded.min), max = greatest(r.max, excluded.max),
  last_value = case when (excluded.last_at, excluded.last_id) > (r.last_at, r.last_id)
    then excluded.last_value else r.last_value end,
  last_id = case when (excluded.last_at, excluded.last_id) > (r.last_at, r.last_id)
    then excluded.last_id else r.last_id end,
  last_at = greatest(r.last_at, excluded.last_at);
