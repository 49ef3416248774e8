-- A scope has four parts: of one with fewer, the signature that is compared would be null on both sides.
create or replace function auth.scope() returns text[]
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  parts text[] := string_to_array(nullif(current_setting('almanac.scope', true), ''), '/');
begin
  if cardinality(parts) is distinct from 4 or parts[4] is null
    or parts[4] is distinct from auth.scope_signature(parts[1], parts[2], parts[3]) then
    return null;
  end if;
  return parts[1:3];
end
$$;
