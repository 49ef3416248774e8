-- What an operator may change about a job while the server runs. The code's values stand until changed here.
create table scheduled_job_config (
  name text primary key,
  summary text not null,
  -- five cron fields; null for a job that only runs when asked for
  schedule text,
  timezone text not null,
  has_own_schedule boolean not null default false,
  max_failures integer not null check (max_failures >= 0),
  has_own_max_failures boolean not null default false,
  is_paused boolean not null default false,
  consecutive_failures integer not null default 0,
  -- due times up to here are of no account: the job was new, paused, or had another schedule
  due_after timestamptz not null,
  updated_at timestamptz not null
);

-- Each due time of each job, claimed once by whichever process comes first.
create table job_slots (
  job_name text not null,
  slot timestamptz not null,
  created_at timestamptz not null,
  primary key (job_name, slot)
);
create index job_slots_created_at_idx on job_slots (created_at);

create table scheduled_job_logs (
  id uuid primary key,
  job_name text not null,
  organization_id uuid references organizations (id) on delete cascade,
  slot timestamptz not null,
  status text not null check (status in ('running', 'succeeded', 'failed', 'cancelled', 'skipped')),
  attempt integer not null default 1,
  started_at timestamptz not null,
  finished_at timestamptz,
  duration_ms bigint,
  result jsonb,
  error text,
  -- of a run that fans out: the organizations not yet done, and one for the fan-out itself
  pending integer not null default 0
);
comment on table scheduled_job_logs is 'requests may: select';
create index scheduled_job_logs_job_idx on scheduled_job_logs (job_name, started_at desc, id desc);
create index scheduled_job_logs_started_at_idx on scheduled_job_logs (started_at);

-- Organizations in which a job failed last time. A row goes with the next success.
create table job_organizations (
  organization_id uuid not null references organizations (id) on delete cascade,
  job_name text not null,
  consecutive_failures integer not null,
  is_paused boolean not null default false,
  updated_at timestamptz not null,
  primary key (organization_id, job_name)
);
comment on table job_organizations is 'requests may: select';
create index job_organizations_job_idx on job_organizations (job_name);

create table system_alerts (
  id uuid primary key,
  kind text not null,
  subject text not null,
  message text not null,
  opened_at timestamptz not null,
  resolved_at timestamptz
);
create unique index system_alerts_open_key on system_alerts (kind, subject) where resolved_at is null;
create index system_alerts_opened_at_idx on system_alerts (opened_at desc);
