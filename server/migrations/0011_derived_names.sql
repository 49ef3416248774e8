alter table organizations
  -- the account whose name the slug was made from, and the first name with it; null where somebody chose them
  add column named_after uuid references users (id) on delete set null,
  -- true until somebody gives another name; the slug stays as it was made
  add column is_name_derived boolean not null default false;
create index organizations_named_after_idx on organizations (named_after);

-- Of what was there before: the organization that was made with an account and ends like a name made from the account's
-- (the account may have another one by now), or whose slug does, or begins as one that was cut to 40 characters would.
update organizations o
set named_after = made.user_id, is_name_derived = made.is_name_derived
from (
  select distinct on (u.own_organization_id) u.own_organization_id as id, u.id as user_id,
    own.name like '%_’s organization' as is_name_derived
  from users u join organizations own on own.id = u.own_organization_id
  cross join lateral (
    select trim(both '-' from regexp_replace(lower(normalize(u.name, nfkd)), '[^a-z0-9]+', '-', 'g')) as plain_name
  ) as spelled
  where own.slug ~ '^.*-[0-9a-f]{10}$' and (
    own.name like '%_’s organization'
    or own.slug ~ '(^|-)s-organization-[0-9a-f]{10}$'
    or left(own.slug, -11) = left(plain_name || '-s-organization', 40))
  order by u.own_organization_id, own.name = u.name || '’s organization' desc, u.created_at, u.id
) made
where o.id = made.id;

comment on column users.deleted_at is
  'Since when the account counts as no more though its row is there. The product itself sets it for nobody: an erasure '
  'deletes the row.';
