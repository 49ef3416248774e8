-- Averages of fewer than five people are theirs, and are not stored.
alter table assessment_aggregations alter column ocean_scores drop not null;
delete from assessment_aggregations where people < 5;
update assessment_aggregations a set facet_scores = (
  select jsonb_object_agg(facet, case when (score ->> 'people')::int < 5 then score || '{"average": null}' else score end)
  from jsonb_each(a.facet_scores) as f (facet, score))
where exists (
  select from jsonb_each(a.facet_scores) as f (facet, score) where (score ->> 'people')::int < 5);

-- When the aggregations were computed last, also where there was nothing to compute them from.
create table assessment_computations (
  organization_id uuid primary key references organizations (id) on delete cascade,
  -- the organization's day
  computed_on date not null,
  computed_at timestamptz not null
);

-- With an account go the aggregations that rest on its scores.
create policy instance on assessment_aggregations to almanac_instance using (true) with check (true);
create policy instance on assessment_computations to almanac_instance using (true) with check (true);
grant select, delete on assessment_aggregations, assessment_computations to almanac_instance;

drop view scoped.ocean_metrics_summary;
drop materialized view mv_ocean_metrics_summary;
-- Of the newest completed assessment of each person in 90 days, where these are five people at least.
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
group by r.organization_id
having count(*) >= 5;
create unique index mv_ocean_metrics_summary_key on mv_ocean_metrics_summary (organization_id);

create view scoped.ocean_metrics_summary with (security_barrier = true) as
select * from mv_ocean_metrics_summary
where organization_id = (select coalesce(auth.system_organization(), auth.visible_organization()));
grant select on scoped.ocean_metrics_summary to almanac_app, almanac_system;
