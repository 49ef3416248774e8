create table api_keys (
  organization_id uuid not null references organizations (id) on delete cascade,
  id uuid not null,
  -- whose key it is: it may do what its scopes and this member's role both allow
  user_id uuid not null,
  name text not null,
  -- the beginning of the key, to tell keys apart by
  prefix text not null,
  key_hash bytea not null,
  scopes text[] not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  primary key (organization_id, id),
  -- a key ends with the membership of its owner, and does not come back with it
  foreign key (organization_id, user_id) references user_organizations (organization_id, user_id) on delete cascade
);
-- Not unique: a table that is distributed by organization is unique only within one, and 256 random bits are so anyway.
create index api_keys_hash_idx on api_keys (key_hash);
create index api_keys_owner_idx on api_keys (user_id, organization_id);
create policy instance on api_keys to almanac_instance using (true) with check (true);
grant select, update, delete on api_keys to almanac_instance;
