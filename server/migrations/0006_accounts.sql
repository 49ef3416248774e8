alter table organizations
  add column subscription_tier text not null default 'free' check (subscription_tier in ('free', 'pro', 'enterprise')),
  -- an enterprise organization may ask its members for a second factor
  add column requires_mfa boolean not null default false;
update organizations set subscription_tier = 'enterprise' where slug in ('local', 'demo');

alter table users
  -- the organization made with the account; its tier is mirrored in subscription_tier
  add column own_organization_id uuid references organizations (id) on delete set null,
  add column password_changed_at timestamptz,
  -- sealed with the ENCRYPTION_KEY; it counts from mfa_enabled_at on
  add column mfa_secret text,
  add column mfa_enabled_at timestamptz,
  -- the time step of the last code taken: a code works once
  add column mfa_last_step bigint,
  add column preferences jsonb not null default '{}';
create index users_own_organization_idx on users (own_organization_id);
update users u set own_organization_id = (
  select m.organization_id from user_organizations m
  where m.user_id = u.id and m.is_active and m.role = 'owner'
  order by m.created_at, m.organization_id desc limit 1)
where u.password_hash is not null;

-- A session is a family of refresh tokens, each the successor of the one before; the hash is that of the newest.
alter table user_sessions
  -- how many tokens the family has had before the newest
  add column refresh_count integer not null default 0,
  -- when the newest took the place of the one before
  add column rotated_at timestamptz,
  add column address text,
  add column user_agent text,
  add column end_reason text check (end_reason in ('logout', 'reuse', 'password', 'revoked', 'erased'));

-- What is mailed to prove that a mailbox is one's own.
create table mailed_tokens (
  id uuid primary key,
  user_id uuid not null references users (id) on delete cascade,
  purpose text not null check (purpose in ('reset_password', 'verify_email')),
  token_hash bytea not null unique,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);
create index mailed_tokens_user_idx on mailed_tokens (user_id);
create index mailed_tokens_expires_at_idx on mailed_tokens (expires_at);

-- Tries of passwords and codes that failed, or are under way; those that succeed are taken out again.
create table sign_in_attempts (
  id uuid primary key,
  kind text not null check (kind in ('password', 'code')),
  -- of the address that was typed, whether or not it has an account
  account_hash bytea not null,
  address text not null,
  at timestamptz not null
);
create index sign_in_attempts_account_idx on sign_in_attempts (account_hash, at);
create index sign_in_attempts_address_idx on sign_in_attempts (address, at);
create index sign_in_attempts_at_idx on sign_in_attempts (at);

create table mfa_recovery_codes (
  user_id uuid not null references users (id) on delete cascade,
  code_hash bytea not null,
  used_at timestamptz,
  primary key (user_id, code_hash)
);

-- People as outside issuers name them.
create table user_identities (
  issuer text not null,
  subject text not null,
  user_id uuid not null references users (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (issuer, subject)
);
create index user_identities_user_idx on user_identities (user_id);

alter table mailed_tokens enable row level security;
alter table sign_in_attempts enable row level security;
alter table mfa_recovery_codes enable row level security;
alter table user_identities enable row level security;
create policy instance on mailed_tokens to almanac_instance using (true) with check (true);
create policy instance on sign_in_attempts to almanac_instance using (true) with check (true);
create policy instance on mfa_recovery_codes to almanac_instance using (true) with check (true);
create policy instance on user_identities to almanac_instance using (true) with check (true);
grant select, insert, update, delete on mailed_tokens, sign_in_attempts, mfa_recovery_codes, user_identities
  to almanac_instance;
