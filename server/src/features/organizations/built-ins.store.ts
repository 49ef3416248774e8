import { sql } from 'kysely';
import { newId } from '#kernel/ids.ts';
import type { InstanceTx } from '#platform/db/scopes.ts';

/** Tells the built-in viewer from the accounts of people; nobody receives mail there (RFC 2606). */
const anonymousViewerEmail = 'anonymous@almanac.invalid';

/** Holds for the accounts of people, of `users` as `u`: neither erased nor the built-in anonymous viewer. */
export const isPerson = sql<boolean>`(u.deleted_at is null and u.email <> ${anonymousViewerEmail})`;

/** The active members, as `m` and `u`: to be read from. */
export const activeMembers = sql`user_organizations m join users u on u.id = m.user_id and m.is_active and ${isPerson}`;

interface BuiltInOrganization {
  slug: 'local' | 'demo';
  name: string;
  timezone: string;
  createdAt: Date;
}

/** Makes a built-in organization, with the largest tier, or finds it; answers its id. */
export async function putBuiltIn({ db }: InstanceTx, organization: BuiltInOrganization): Promise<string> {
  const { slug, name, timezone, createdAt } = organization;
  const row = await db
    .insertInto('organizations')
    .values({
      id: newId(),
      slug,
      name,
      timezone,
      is_demo: slug === 'demo',
      subscription_tier: 'enterprise',
      created_at: createdAt,
    })
    .onConflict((conflict) => conflict.column('slug').doUpdateSet({ slug: sql`excluded.slug` }))
    .returning('id')
    .executeTakeFirstOrThrow();
  return row.id;
}

/** Makes the built-in viewer that requests without credentials act as; answers its id. */
export async function putAnonymousViewer(tx: InstanceTx, organizationIds: readonly string[]): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    insert into users (id, email, name) values (${newId()}, ${anonymousViewerEmail}, 'Anonymous viewer')
    on conflict (lower(email)) do update set email = excluded.email
    returning id`.execute(tx.db);
  const userId = rows[0]?.id ?? '';
  await tx.db
    .deleteFrom('user_organizations')
    .where('user_id', '=', userId)
    .where('organization_id', 'not in', [...organizationIds])
    .execute();
  await tx.db
    .insertInto('user_organizations')
    .values(organizationIds.map((organization_id) => ({ organization_id, user_id: userId, role: 'viewer' as const })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return userId;
}
