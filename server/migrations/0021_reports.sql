-- What reports are made of: sections in their order, each a type with its title and options.
create table report_templates (
  organization_id uuid not null references organizations (id) on delete cascade,
  id uuid not null,
  version integer not null check (version >= 1),
  is_default boolean not null default false,
  created_by uuid references users (id) on delete set null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- its versions stay for the reports that were made with them
  deleted_at timestamptz,
  primary key (organization_id, id)
);
create unique index report_templates_default_idx on report_templates (organization_id)
  where is_default and deleted_at is null;
create index report_templates_creator_idx on report_templates (created_by) where created_by is not null;

-- A change makes a new version: a report keeps the one that it was made with.
create table report_template_versions (
  organization_id uuid not null,
  template_id uuid not null,
  version integer not null,
  name text not null,
  sections_config jsonb not null,
  created_at timestamptz not null,
  primary key (organization_id, template_id, version),
  foreign key (organization_id, template_id) references report_templates (organization_id, id) on delete cascade
);
comment on table report_template_versions is 'requests may: select, insert';

create table weekly_reports (
  organization_id uuid not null references organizations (id) on delete cascade,
  id uuid not null,
  report_period_start date not null,
  report_period_end date not null check (report_period_end >= report_period_start),
  title text not null,
  status text not null
    check (status in ('draft', 'generating', 'generated', 'published', 'archived', 'failed')),
  failure_reason text,
  executive_summary text,
  template_id uuid not null,
  template_version integer not null,
  -- asked for by somebody, or made by the weekly job
  origin text not null check (origin in ('request', 'schedule')),
  created_by uuid references users (id) on delete set null,
  -- whose days the period is of, and what it was compared with
  timezone text,
  comparison jsonb,
  -- SHA-256 of the content in its canonical form
  content_hash text check (content_hash ~ '^[0-9a-f]{64}$'),
  as_of timestamptz,
  complete boolean not null default false,
  stale_inputs text[] not null default '{}',
  -- who makes it at the moment; past the time it has failed, whatever became of its maker
  generation_id uuid,
  generation_expires_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  generated_at timestamptz,
  published_at timestamptz,
  archived_at timestamptz,
  primary key (organization_id, id),
  foreign key (organization_id, template_id, template_version)
    references report_template_versions (organization_id, template_id, version),
  check ((status = 'generating') = (generation_expires_at is not null)),
  check (status not in ('generated', 'published') or content_hash is not null)
) with (fillfactor = 80);
create index weekly_reports_newest_idx on weekly_reports (organization_id, created_at desc, id desc);
create index weekly_reports_template_idx on weekly_reports (organization_id, template_id, template_version);
create index weekly_reports_creator_idx on weekly_reports (created_by) where created_by is not null;
create index weekly_reports_lost_idx on weekly_reports (generation_expires_at) where status = 'generating';
-- However often the weekly job runs, one report of a week.
create unique index weekly_reports_scheduled_idx
  on weekly_reports (organization_id, template_id, report_period_start, report_period_end) where origin = 'schedule';

-- Which due times of the weekly job an organization has had its report of, so that one that was deleted stays so.
create table report_slots (
  organization_id uuid not null references organizations (id) on delete cascade,
  slot timestamptz not null,
  report_id uuid not null,
  primary key (organization_id, slot)
);
comment on table report_slots is 'requests may: select';
grant insert on report_slots to almanac_system;

create table report_sections (
  organization_id uuid not null,
  id uuid not null,
  report_id uuid not null,
  position integer not null,
  section_type text not null,
  section_title text not null,
  status text not null check (status in ('ok', 'empty', 'failed')),
  -- why it is empty or failed
  reason text,
  content text not null,
  charts_data jsonb not null,
  tables_data jsonb not null,
  insights jsonb not null,
  -- the figures and series that charts, tables and sentences show
  numbers jsonb not null,
  primary key (organization_id, id),
  unique (organization_id, report_id, position),
  foreign key (organization_id, report_id) references weekly_reports (organization_id, id) on delete cascade
);

-- What a person has made is handed out to them across organizations.
create policy instance on weekly_reports to almanac_instance using (true) with check (true);
create policy instance on report_templates to almanac_instance using (true) with check (true);
create policy instance on report_template_versions to almanac_instance using (true) with check (true);
grant select on weekly_reports, report_templates, report_template_versions to almanac_instance;
-- Those whose makers were lost are written down as failed, whichever organization's they are.
grant update (status, failure_reason, generation_expires_at, updated_at) on weekly_reports to almanac_instance;
