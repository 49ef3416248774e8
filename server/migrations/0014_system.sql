-- What each process measured since it last told; taken in, and deleted, by the next check.
create table process_readings (
  id uuid primary key,
  -- one for each start of a process
  process_id uuid not null,
  at timestamptz not null,
  reading jsonb not null
);
create index process_readings_at_idx on process_readings (at);

-- What was measured of the installation, summed over processes, in buckets of three lengths that begin at UTC.
create table system_performance_metrics (
  granularity text not null check (granularity in ('five_minutes', 'hour', 'day')),
  bucket_start timestamptz not null,
  metric_type text not null,
  service_name text not null,
  -- method and route, or the name of a cache; null for the service as a whole
  endpoint text,
  sample_count bigint not null check (sample_count > 0),
  total double precision not null,
  -- the mean of the samples
  metric_value numeric not null generated always as ((total / sample_count)::numeric) stored,
  peak double precision not null,
  -- samples by upper bound, for percentiles
  histogram bigint[],
  recorded_at timestamptz not null,
  unique nulls not distinct (granularity, bucket_start, metric_type, service_name, endpoint)
);
create index system_performance_metrics_bucket_idx on system_performance_metrics (bucket_start);

-- One row for each check.
create table performance_monitoring (
  id uuid primary key,
  check_time timestamptz not null,
  -- percent of the blocks read since the check before; null where none was
  cache_hit_ratio numeric generated always as (trunc(100.0 * window_hits / nullif(window_blocks, 0), 2)) stored,
  active_connections integer not null,
  -- queries that take or took more than 5 s
  slow_query_count integer not null,
  -- the rules that were broken: [{kind, value, threshold}]
  alerts jsonb not null default '[]',
  max_connections integer not null,
  -- the server's counters at the check, and what they grew by since the one before
  block_hits bigint not null,
  block_reads bigint not null,
  stats_reset timestamptz,
  window_hits bigint not null,
  window_blocks bigint not null,
  requests bigint not null,
  failed_requests bigint not null,
  -- the mean of what 99 % of a second's waits stayed under; null where no process told
  event_loop_delay_ms double precision,
  sockets integer,
  jobs_waiting integer not null,
  jobs_running integer not null
);
create index performance_monitoring_check_time_idx on performance_monitoring (check_time desc, id desc);

-- Statements that took long, as this application saw them, without their literals.
create table slow_statements (
  day date not null,
  fingerprint uuid not null,
  statement text not null,
  calls bigint not null,
  total_ms double precision not null,
  max_ms double precision not null,
  last_at timestamptz not null,
  primary key (day, fingerprint)
);

-- Since when each health check stands as it does.
create table health_checks (
  name text primary key,
  status text not null check (status in ('healthy', 'warning', 'critical', 'unknown')),
  since timestamptz not null
);

-- Administrators are told of the beginning and of the end of an alert, once each.
alter table system_alerts
  add column is_opening_told boolean not null default false,
  add column is_end_told boolean not null default false;
update system_alerts set is_opening_told = true, is_end_told = true where resolved_at is not null;
create index system_alerts_untold_idx on system_alerts (id)
  where not is_opening_told or (resolved_at is not null and not is_end_told);

alter table process_readings enable row level security;
alter table system_performance_metrics enable row level security;
alter table performance_monitoring enable row level security;
alter table slow_statements enable row level security;
alter table health_checks enable row level security;
alter table system_alerts enable row level security;
create policy instance on process_readings to almanac_instance using (true) with check (true);
create policy instance on system_performance_metrics to almanac_instance using (true) with check (true);
create policy instance on performance_monitoring to almanac_instance using (true) with check (true);
create policy instance on slow_statements to almanac_instance using (true) with check (true);
create policy instance on health_checks to almanac_instance using (true) with check (true);
create policy instance on system_alerts to almanac_instance using (true) with check (true);
grant select, insert, update, delete on process_readings, system_performance_metrics, performance_monitoring,
  slow_statements, health_checks to almanac_instance;
grant select, insert, update on system_alerts to almanac_instance;

-- A statement without literals, comments and parameter numbers, at most 2,000 characters; lists of any length read alike.
create function normalise_statement(statement text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select left(regexp_replace(regexp_replace(trim(regexp_replace(regexp_replace(statement,
      -- comments, literals with and without escapes, dollar quotes, parameters, numbers; what is left open ends with the text
      '--[^\n]*|/\*([^*]|\*+[^*/])*(\*+/|\**$)'
      || '|\m[eE]''([^''\\]|''''|\\.)*(''|$)|''([^'']|'''')*(''|$)'
      || '|\$\$([^$]|\$[^$])*(\$\$|$)|\$[[:alpha:]_][[:alnum:]_]*\$.*'
      || '|\$[[:digit:]]+|\m[[:digit:]][[:digit:].]*([eE][+-]?[[:digit:]]+)?\M', '?', 'g'),
      '\s+', ' ', 'g')),
    '\?( ?, ?\?)+', '?, …', 'g'),
    '\(\?(, …)?\)( ?, ?\(\?(, …)?\))+', '(?, …), …', 'g'), 2000)
$$;

-- The part of the blocks that this database found in PostgreSQL's own cache since its counters began, in percent.
create function get_cache_hit_ratio() returns numeric
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select round(100.0 * blks_hit / nullif(blks_hit + blks_read, 0), 2)
  from pg_stat_database where datname = current_database()
$$;

-- The slowest statements by their mean: from pg_stat_statements where it is there, may be read and has any, else from this
-- application's own record of the last seven days.
create function get_slow_queries(most integer default 20)
returns table (query text, calls bigint, mean_ms numeric, max_ms numeric, total_ms numeric, source text)
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  place text;
begin
  select quote_ident(n.nspname) || '.pg_stat_statements' into place
  from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_stat_statements';
  if found then
    begin
      return query execute format(
        'select normalise_statement(s.query), s.calls::bigint, round(s.mean_exec_time::numeric, 1),
           round(s.max_exec_time::numeric, 1), round(s.total_exec_time::numeric, 1), ''pg_stat_statements''::text
         from %s s join pg_database d on d.oid = s.dbid
         where d.datname = current_database() and s.max_exec_time >= 500 and s.query <> ''<insufficient privilege>''
         order by s.mean_exec_time desc limit $1', place) using most;
      if found then return; end if;
    exception when others then
      -- Not loaded by the server, or not ours to read.
      null;
    end;
  end if;
  return query
    select min(s.statement), sum(s.calls)::bigint, round((sum(s.total_ms) / sum(s.calls))::numeric, 1),
      round(max(s.max_ms)::numeric, 1), round(sum(s.total_ms)::numeric, 1), 'almanac'::text
    from slow_statements s where s.day > (select max(l.day) from slow_statements l) - 7
    group by s.fingerprint order by 3 desc limit most;
end
$$;

-- What a check reads of the server. The counts of other databases and users need no rights; what other users run is not
-- shown to us, and is not counted.
create function read_database_vitals() returns table (
  block_hits bigint, block_reads bigint, stats_reset timestamptz, connections integer, max_connections integer,
  running_slow integer, overdue_events integer)
language sql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
  select d.blks_hit, d.blks_read, d.stats_reset,
    (select coalesce(sum(a.numbackends), 0)::integer from pg_stat_database a),
    current_setting('max_connections')::integer,
    (select count(*)::integer from pg_stat_activity q
     where q.datname = current_database() and q.state = 'active' and q.backend_type = 'client backend'
       and q.pid <> pg_backend_pid() and clock_timestamp() - q.query_start > interval '5 seconds'),
    (select count(*)::integer from feed_states f where f.due_at < clock_timestamp() - interval '10 seconds')
  from pg_stat_database d where d.datname = current_database()
$$;

-- The rules of the alerts on the newest check: broken, kept, or unknown where too little was measured. What `job_failures`
-- counts are the jobs that have failed as often in a row as they may.
create function check_performance_alerts()
returns table (kind text, subject text, status text, value numeric, threshold numeric, samples bigint, checked_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select r.kind, r.subject,
    case when not coalesce(r.is_known, false) then 'unknown' when r.is_broken then 'broken' else 'kept' end,
    case when r.is_known then r.value end, r.threshold, r.samples, l.check_time
  from (select) as always
  left join lateral (select * from performance_monitoring order by check_time desc, id desc limit 1) l on true
  cross join lateral (select count(*) as failing from system_alerts a
    where a.kind = 'job_failures' and a.resolved_at is null) j
  cross join lateral (values
    ('cache_hit_ratio', 'database', l.window_blocks >= 1000, l.window_hits * 100 < l.window_blocks * 90,
      l.cache_hit_ratio, 90::numeric, l.window_blocks),
    ('connections', 'database', l.max_connections > 0, l.active_connections * 100 > l.max_connections * 80,
      round(100.0 * l.active_connections / nullif(l.max_connections, 0), 1), 80, l.active_connections),
    ('slow_queries', 'database', l.slow_query_count is not null, l.slow_query_count > 0,
      l.slow_query_count, 0, l.slow_query_count),
    ('error_rate', 'api', l.requests >= 20, l.failed_requests * 100 > l.requests * 5,
      round(100.0 * l.failed_requests / nullif(l.requests, 0), 2), 5, l.requests),
    ('job_failures', 'jobs', true, j.failing > 0, j.failing, 0, j.failing)
  ) as r (kind, subject, is_known, is_broken, value, threshold, samples)
$$;

revoke all on function get_cache_hit_ratio(), get_slow_queries(integer), read_database_vitals(),
  check_performance_alerts() from public;
grant execute on function get_cache_hit_ratio(), get_slow_queries(integer), read_database_vitals(),
  check_performance_alerts() to almanac_instance;
