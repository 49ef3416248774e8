-- The event log of each organization. Numbers are given under the organization's head row as the last statement before
-- the commit, so that they grow in commit order without a hole, and a reader that has seen n has seen all below n.
create table feed_heads (
  organization_id uuid primary key references organizations (id) on delete cascade,
  last_id bigint not null
);
comment on table feed_heads is 'requests may: select';

create table feed_events (
  organization_id uuid not null references organizations (id) on delete cascade,
  id bigint not null,
  type text not null,
  -- 'organization', or 'user:<id>' for one member alone
  audience text not null,
  payload jsonb not null,
  created_at timestamptz not null,
  primary key (organization_id, id)
);
comment on table feed_events is 'requests may: select';
create index feed_events_created_at_idx on feed_events (created_at);
create policy audience on feed_events as restrictive to almanac_app
  using (audience in ('organization', 'user:' || (select auth.uid())));

-- State events that come in bursts: when the last one was numbered, and the newest state that waits for its turn. Rows of
-- an organization are written under its head row's lock.
create table feed_states (
  organization_id uuid not null references organizations (id) on delete cascade,
  audience text not null,
  type text not null,
  subject text not null,
  numbered_at timestamptz not null,
  waiting_payload jsonb,
  due_at timestamptz,
  primary key (organization_id, audience, type, subject)
);
comment on table feed_states is 'requests may: select';
create index feed_states_due_idx on feed_states (due_at) where due_at is not null;
create index feed_states_numbered_at_idx on feed_states (numbered_at);
create policy audience on feed_states as restrictive to almanac_app
  using (audience in ('organization', 'user:' || (select auth.uid())));

-- How long a state waits after the last numbered one of its subject: at most four a second.
create function feed_state_interval() returns interval language sql immutable as $$ select interval '250 milliseconds' $$;

-- Takes the drafts [{type, audience, subject, payload}] of one transaction into the feed of its organization, in their
-- order: an event, or a state whose subject has been quiet, gets the next number; another state waits, in place of the one
-- that waited before. Answers the organization's last number, in how many milliseconds the first waiting state is due, and how many
-- events got a number.
create function publish_to_feed(drafts jsonb) returns table (head_id bigint, due_in_ms integer, numbered_count integer)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  organization constant uuid := coalesce(auth.system_organization(), auth.visible_organization());
  head bigint;
  moment timestamptz;
begin
  if organization is null then
    raise exception 'The feed takes events from inside an organization only.' using errcode = 'insufficient_privilege';
  end if;
  select h.last_id into head from feed_heads h where h.organization_id = organization for update;
  if not found then
    insert into feed_heads (organization_id, last_id) values (organization, 0) on conflict do nothing;
    select h.last_id into head from feed_heads h where h.organization_id = organization for update;
  end if;
  moment := clock_timestamp();

  with draft as (
    select d.place, d.type, d.audience, d.subject, d.payload,
      case when s.numbered_at > moment - feed_state_interval() and s.numbered_at <= moment
        then s.numbered_at + feed_state_interval() end as due_at
    from rows from (jsonb_to_recordset(drafts) as (type text, audience text, subject text, payload jsonb))
      with ordinality as d (type, audience, subject, payload, place)
    left join feed_states s on s.organization_id = organization
      and s.audience = d.audience and s.type = d.type and s.subject = d.subject
  ), numbered as (
    insert into feed_events (organization_id, id, type, audience, payload, created_at)
    select organization, head + row_number() over (order by place), type, audience, payload, moment
    from draft where due_at is null
    returning id
  ), stated as (
    insert into feed_states as s (organization_id, audience, type, subject, numbered_at, waiting_payload, due_at)
    select organization, audience, type, subject, moment, case when due_at is not null then payload end, due_at
    from draft where subject is not null
    on conflict (organization_id, audience, type, subject) do update set
      numbered_at = case when excluded.due_at is null then excluded.numbered_at else s.numbered_at end,
      waiting_payload = excluded.waiting_payload,
      due_at = excluded.due_at
    returning s.due_at
  )
  select coalesce((select max(id) from numbered), head),
    (select ceil(extract(epoch from min(due_at) - moment) * 1000)::integer from stated)
  into head_id, due_in_ms;
  numbered_count := head_id - head;

  if head_id > head then
    update feed_heads h set last_id = head_id where h.organization_id = organization;
  end if;
  return next;
end
$$;

-- Numbers the waiting states of an organization that are due. Answers as publish_to_feed does.
create function number_due_feed_states(organization uuid) returns table (head_id bigint, due_in_ms integer, numbered_count integer)
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
  head bigint;
  moment timestamptz;
begin
  select h.last_id into head from feed_heads h where h.organization_id = organization for update;
  if not found then
    return;
  end if;
  moment := clock_timestamp();

  with due as (
    select s.audience, s.type, s.subject, s.waiting_payload, s.due_at from feed_states s
    where s.organization_id = organization
      -- the second: a clock that was set back
      and (s.due_at <= moment or s.due_at > moment + interval '1 second')
  ), numbered as (
    insert into feed_events (organization_id, id, type, audience, payload, created_at)
    select organization, head + row_number() over (order by due_at, type, audience, subject), type, audience,
      waiting_payload, moment
    from due
    returning id
  ), cleared as (
    update feed_states s set numbered_at = moment, waiting_payload = null, due_at = null from due
    where s.organization_id = organization
      and s.audience = due.audience and s.type = due.type and s.subject = due.subject
  )
  select coalesce((select max(id) from numbered), head),
    (select ceil(extract(epoch from min(s.due_at) - moment) * 1000)::integer from feed_states s
      where s.organization_id = organization and s.due_at > moment and s.due_at <= moment + interval '1 second')
  into head_id, due_in_ms;
  numbered_count := head_id - head;

  if head_id > head then
    update feed_heads h set last_id = head_id where h.organization_id = organization;
  end if;
  return next;
end
$$;

-- The backstop of a process, once a second: numbers due states that no process has numbered, whoever stored them, and
-- answers the last number of those organizations and of the ones that are followed here.
create function beat_feed(followed uuid[]) returns table (organization uuid, head_id bigint)
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
  found_id uuid;
  numbered uuid[] := '{}';
begin
  for found_id in
    select h.organization_id from feed_heads h
    where h.organization_id = any (array(
      select distinct s.organization_id from feed_states s
      where s.due_at <= clock_timestamp() or s.due_at > clock_timestamp() + interval '1 second' limit 100))
    for update skip locked
  loop
    perform number_due_feed_states(found_id);
    numbered := numbered || found_id;
  end loop;
  return query select h.organization_id, h.last_id from feed_heads h where h.organization_id = any (followed || numbered);
end
$$;

revoke all on function publish_to_feed(jsonb), number_due_feed_states(uuid), beat_feed(uuid[]) from public;
grant execute on function publish_to_feed(jsonb) to almanac_app, almanac_system;
