-- What users run and watch. The totals are of all days, kept by the statement that writes a day, so that KPIs of all time
-- cost as much as there are businesses, however many days there are. No index holds a column that numbers change.
create table businesses (
  organization_id uuid not null references organizations (id) on delete cascade,
  id uuid not null,
  user_id uuid not null references users (id) on delete cascade,
  name text not null,
  industry text,
  location text,
  latitude double precision check (latitude between -90 and 90),
  longitude double precision check (longitude between -180 and 180),
  -- ISO 3166-1
  country_code text check (country_code ~ '^[A-Z]{2}$'),
  -- whose days the numbers are counted by
  timezone text not null,
  status text not null check (status in ('active', 'paused', 'archived')),
  views_count bigint not null default 0,
  messages_count bigint not null default 0,
  invites_count bigint not null default 0,
  responses_count bigint not null default 0,
  -- once they are told of: until then messages stand for them
  tracks_responses boolean not null default false,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (organization_id, id),
  check ((latitude is null) = (longitude is null))
) with (fillfactor = 80);
create index businesses_newest_idx on businesses (organization_id, user_id, created_at desc, id desc);
create index businesses_user_idx on businesses (user_id, organization_id, id);
-- A business is its user's, whatever the role of others in the organization.
create policy own on businesses as restrictive to almanac_app using (user_id = (select auth.uid()));

create table business_metrics (
  organization_id uuid not null,
  business_id uuid not null,
  -- of the business's time zone
  day date not null,
  views_count bigint not null,
  messages_count bigint not null,
  invites_count bigint not null,
  responses_count bigint not null,
  primary key (organization_id, business_id, day),
  foreign key (organization_id, business_id) references businesses (organization_id, id) on delete cascade
) with (fillfactor = 80);
comment on table business_metrics is 'requests may: select, insert, update';

-- Since when a business has a status, so that it can be said how many were active a week ago.
create table business_statuses (
  organization_id uuid not null,
  business_id uuid not null,
  since timestamptz not null,
  status text not null,
  primary key (organization_id, business_id, since),
  foreign key (organization_id, business_id) references businesses (organization_id, id) on delete cascade
);
comment on table business_statuses is 'requests may: select, insert, update';

-- How often a user's businesses and their numbers have changed. Raised in the transaction of each change and held to its
-- end, so that versions have no hole and grow in the order of the feed.
create table tenant_versions (
  organization_id uuid not null references organizations (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  version bigint not null,
  changed_at timestamptz not null,
  primary key (organization_id, user_id)
) with (fillfactor = 50);
comment on table tenant_versions is 'requests may: select, insert, update';
create index tenant_versions_user_idx on tenant_versions (user_id, organization_id);
create policy own on tenant_versions as restrictive to almanac_app using (user_id = (select auth.uid()));

-- What is held about a person is handed out, and erased, across organizations.
create policy instance on businesses to almanac_instance using (true) with check (true);
create policy instance on business_metrics to almanac_instance using (true) with check (true);
create policy instance on business_statuses to almanac_instance using (true) with check (true);
create policy instance on tenant_versions to almanac_instance using (true) with check (true);
grant select on businesses, business_metrics, business_statuses, tenant_versions to almanac_instance;
