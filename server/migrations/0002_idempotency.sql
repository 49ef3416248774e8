-- Answers to calls that carried an Idempotency-Key, kept 24 hours.
create table idempotency_keys (
  organization_id uuid not null references organizations (id) on delete cascade,
  caller text not null,
  route text not null,
  key text not null,
  request_hash text not null,
  answer jsonb not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, caller, route, key)
);
create index idempotency_keys_created_at_idx on idempotency_keys (created_at);
