import { sql } from 'kysely';
import { columnsOf, type PersonalData } from '#platform/privacy/personal-data.ts';
import { makeSlug } from './make-slug.ts';

interface NamedRow {
  id: string;
  name: string;
  slug: string;
  is_name_derived: boolean;
}

const neutralName = 'Organization';

/**
 * Organizations that were made with an account, whose name nobody chose: the slug, and the name until somebody gives
 * another one, are the person's. What either says is not looked at, because the person may have another name by now.
 */
export const organizationsPersonalData: PersonalData<NamedRow> = {
  section: 'organizations_named_after_you',
  covers: columnsOf('organizations', ['named_after', 'name', 'slug']),
  list: ({ db }, { userId }, { after, limit }) =>
    db
      .selectFrom('organizations')
      .select(['id', 'name', 'slug', 'is_name_derived'])
      .where('named_after', '=', userId)
      .$if(after !== undefined, (query) => query.where('id', '>', after?.id ?? ''))
      .orderBy('id')
      .limit(limit)
      .execute(),
  erase: async ({ db }, { userId }) => {
    const named = await db
      .selectFrom('organizations')
      .select('id')
      .where('named_after', '=', userId)
      .orderBy('id')
      .execute();
    const ids = named.map(({ id }) => id);
    await sql`
      update organizations o set name = case when is_name_derived then ${neutralName} else name end, slug = fresh.slug,
        named_after = null, is_name_derived = false
      from unnest(${ids}::uuid[], ${ids.map(() => makeSlug(neutralName))}::text[]) as fresh (id, slug)
      where o.id = fresh.id`.execute(db);
  },
};
