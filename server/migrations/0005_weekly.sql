-- Where items come from: the built-in push source, the demo generator, a repository.
create table sources (
  organization_id uuid not null references organizations (id) on delete cascade,
  id uuid not null,
  kind text not null,
  name text not null,
  settings jsonb not null default '{}',
  -- where reading goes on; null before the first read
  cursor jsonb,
  read_at timestamptz,
  -- why the last read failed; null when it did not
  problem text,
  -- raised when a read begins the source anew; what that read does not meet is removed at its end
  read_number integer not null default 0,
  created_at timestamptz not null default now(),
  primary key (organization_id, id),
  unique (organization_id, kind, name)
);

create table activity_items (
  organization_id uuid not null,
  id uuid not null,
  kind text not null check (kind in ('upload', 'update', 'decision', 'completion', 'review')),
  title text not null,
  author text not null,
  category text not null,
  impact text not null check (impact in ('high', 'medium', 'low')),
  status text not null,
  url text,
  source_id uuid not null,
  external_id text,
  occurred_at timestamptz not null,
  -- reviews: null while pending
  resolved_at timestamptz,
  -- the source's read in which it was last met
  read_number integer not null default 0,
  primary key (organization_id, id),
  unique (organization_id, source_id, external_id),
  foreign key (organization_id, source_id) references sources (organization_id, id) on delete cascade
);
-- A week's numbers are read from this index alone.
create index activity_items_time_idx on activity_items (organization_id, occurred_at)
  include (kind, category, impact, author);
create index activity_items_newest_idx on activity_items (organization_id, kind, occurred_at desc, id desc);
create index activity_items_open_reviews_idx on activity_items (organization_id, occurred_at desc, id desc)
  where kind = 'review' and resolved_at is null;
create index activity_items_resolved_idx on activity_items (organization_id, resolved_at)
  where kind = 'review' and resolved_at is not null;

-- A week's version: raised in the transaction that changes anything its numbers rest on.
create table activity_weeks (
  organization_id uuid not null references organizations (id) on delete cascade,
  week_start_date date not null,
  version bigint not null,
  changed_at timestamptz,
  primary key (organization_id, week_start_date)
);

-- Weeks as computed; a row counts while its version is the week's.
create table weekly_snapshots (
  organization_id uuid not null references organizations (id) on delete cascade,
  week_start_date date not null,
  version bigint not null,
  data jsonb not null,
  generated_at timestamptz not null,
  primary key (organization_id, week_start_date)
);

create view weekly_activity as
select w.organization_id, w.week_start_date, to_char(d.day_date, 'Dy') as day_name, d.day_date,
  c.uploads, c.updates, c.decisions, c.completed
from activity_weeks w
join organizations o on o.id = w.organization_id
cross join lateral (select w.week_start_date + n as day_date from generate_series(0, 6) n) d
cross join lateral (
  select count(*) filter (where i.kind = 'upload') as uploads,
    count(*) filter (where i.kind = 'update') as updates,
    count(*) filter (where i.kind = 'decision') as decisions,
    count(*) filter (where i.kind = 'completion') as completed
  from activity_items i
  -- The range serves the index; the local day decides, also at days that begin twice or not at midnight.
  where i.organization_id = w.organization_id
    and i.occurred_at >= (d.day_date::timestamp - interval '1 day') at time zone o.timezone
    and i.occurred_at < (d.day_date::timestamp + interval '2 days') at time zone o.timezone
    and (i.occurred_at at time zone o.timezone)::date = d.day_date
) c;

create view weekly_stats as
select w.organization_id, w.week_start_date, v.stat_name, v.stat_value
from activity_weeks w
join organizations o on o.id = w.organization_id
cross join lateral (
  select count(*) filter (where i.kind = 'upload') as uploads,
    count(*) filter (where i.kind = 'update') as updates,
    count(*) filter (where i.kind = 'decision') as decisions,
    count(*) filter (where i.kind = 'completion') as completed,
    count(distinct i.author) as contributors
  from activity_items i
  where i.organization_id = w.organization_id
    and i.occurred_at >= (w.week_start_date::timestamp - interval '1 day') at time zone o.timezone
    and i.occurred_at < (w.week_start_date::timestamp + interval '8 days') at time zone o.timezone
    and (i.occurred_at at time zone o.timezone)::date between w.week_start_date and w.week_start_date + 6
) c
cross join lateral (
  select count(*) as open_reviews
  from activity_items i
  where i.organization_id = w.organization_id and i.kind = 'review'
    and (i.occurred_at at time zone o.timezone)::date <= w.week_start_date + 6
    and (i.resolved_at is null or (i.resolved_at at time zone o.timezone)::date > w.week_start_date + 6)
) r
cross join lateral (
  values ('newUploads', c.uploads), ('updates', c.updates), ('decisions', c.decisions),
    ('completedTasks', c.completed), ('contributors', c.contributors), ('pendingReviews', r.open_reviews)
) v (stat_name, stat_value);

-- What is current today is last next week, so the words are derived when read.
create view weekly_data as
select s.organization_id,
  case c.week_start_date - s.week_start_date
    when 0 then 'current' when 7 then 'last' when 14 then 'two_weeks_ago' else 'past'
  end as week_type,
  s.week_start_date, s.week_start_date + 6 as week_end_date, s.data, s.generated_at
from weekly_snapshots s
-- A week that has changed since it was stored is absent until the job has stored it again, never shown as it was.
join activity_weeks w on w.organization_id = s.organization_id and w.week_start_date = s.week_start_date
  and w.version = s.version
join organizations o on o.id = s.organization_id
cross join lateral (
  select today - (extract(isodow from today)::int - o.first_day_of_week + 7) % 7 as week_start_date
  from (select (now() at time zone o.timezone)::date as today) t
) c;
