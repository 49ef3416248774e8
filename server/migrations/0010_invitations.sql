-- Open and expired invitations: one that is accepted or taken back is deleted.
create table invitations (
  organization_id uuid not null references organizations (id) on delete cascade,
  id uuid not null,
  email text not null,
  role text not null check (role in ('owner', 'admin', 'analyst', 'member', 'viewer')),
  token_hash bytea not null,
  invited_by uuid references users (id) on delete set null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (organization_id, id)
);
create unique index invitations_token_key on invitations (token_hash);
-- One for an address: inviting again replaces it.
create unique index invitations_address_key on invitations (organization_id, lower(email));
create index invitations_email_idx on invitations (lower(email));
create index invitations_invited_by_idx on invitations (invited_by);
create index invitations_expires_at_idx on invitations (expires_at);
comment on table invitations is 'requests may: select';
create policy instance on invitations to almanac_instance using (true) with check (true);
grant select, insert, update, delete on invitations to almanac_instance;

-- Members are listed in the order in which they came.
create index user_organizations_joined_idx on user_organizations (organization_id, created_at, user_id);

-- Work on accounts and organizations keeps answers for its Idempotency-Keys too, and counts the sources of a tier.
create policy instance on idempotency_keys to almanac_instance using (true) with check (true);
grant select, insert, update on idempotency_keys to almanac_instance;
create policy instance_counts on sources for select to almanac_instance using (true);
grant select (organization_id) on sources to almanac_instance;
