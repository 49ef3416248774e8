-- Mails on their way, and those of the last 30 days. What a mail says is dropped once it is delivered.
create table mails (
  id uuid primary key,
  recipient text not null,
  subject text not null,
  body_text text,
  body_html text,
  created_at timestamptz not null,
  attempts integer not null default 0,
  -- when it is tried next; null once it is sent or given up
  next_attempt_at timestamptz,
  sent_at timestamptz,
  problem text
);
create index mails_next_attempt_idx on mails (next_attempt_at) where next_attempt_at is not null;
create index mails_created_at_idx on mails (created_at, id);
create index mails_recipient_idx on mails (lower(recipient));
alter table mails enable row level security;
create policy instance on mails to almanac_instance using (true) with check (true);
grant select, insert, update, delete on mails to almanac_instance;
