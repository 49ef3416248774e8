import { isPermitted, type Role } from '@almanac/contract/permissions.ts';
import { sql } from 'kysely';
import { type AuthoredItem, listItemsBy } from '#features/activity/index.ts';
import { isPerson } from '#features/organizations/index.ts';
import type { InstanceTx, OrganizationTx } from '#platform/db/scopes.ts';
import { columnsOf, type Person, type PersonalData } from '#platform/privacy/personal-data.ts';

/** What takes the names of authors out of an organization's items, and of all that is computed from them. */
export interface AuthorErasure {
  forgetAuthors(tx: OrganizationTx, authors: readonly string[]): Promise<void>;
  /** The same for the first items past an id, where there are very many; answers the last, undefined where they are few. */
  forgetSomeAuthors(
    tx: OrganizationTx,
    page: { authors: readonly string[]; after: string | undefined },
  ): Promise<string | undefined>;
}

/** Where an erasure in parts has stopped. */
interface Stop {
  organizationId: string;
  id: string;
}

/** How the person may stand as an author in one organization. */
interface Authorship {
  organizationId: string;
  authors: string[];
}

/**
 * Items of organizations, as far as they name the person as their author. Authors are plain text, and anybody can call
 * themselves anything: what could be somebody else's is left alone (see `authorsOf`).
 */
export function declareAuthoredItems(erasure: AuthorErasure): PersonalData<AuthoredItem> {
  return {
    section: 'authored_items',
    covers: [...columnsOf('activity_items', ['author']), ...columnsOf('weekly_snapshots', ['data'])],
    list: async (tx, person, { after, limit }) => {
      const found: AuthoredItem[] = [];
      for (const { organizationId, authors } of await listAuthorships(tx, person)) {
        if (after && organizationId < after.organization_id) continue;
        const afterId = after?.organization_id === organizationId ? after.id : undefined;
        const page = { authors, after: afterId, limit: limit - found.length };
        found.push(...(await tx.inOrganization(organizationId, (inside) => listItemsBy(inside, page))));
        if (found.length === limit) break;
      }
      return found;
    },
    eraseSome: async (tx, person, after: Stop | undefined) => {
      for (const { organizationId, authors } of await listAuthorships(tx, person)) {
        if (after && organizationId < after.organizationId) continue;
        const page = { authors, after: after?.organizationId === organizationId ? after.id : undefined };
        const id = await tx.inOrganization(organizationId, (inside) => erasure.forgetSomeAuthors(inside, page));
        if (id !== undefined) return { organizationId, id };
      }
      return undefined;
    },
    erase: async (tx, person) => {
      for (const { organizationId, authors } of await listAuthorships(tx, person)) {
        await tx.inOrganization(organizationId, (inside) => erasure.forgetAuthors(inside, authors));
      }
    },
  };
}

interface Standing {
  organization_id: string;
  role: Role;
  is_active: boolean;
  has_namesake: boolean;
}

async function listAuthorships({ db }: InstanceTx, person: Person): Promise<Authorship[]> {
  const { rows } = await sql<Standing>`
    select m.organization_id, m.role, m.is_active, exists (
      select from user_organizations n join users u on u.id = n.user_id
      where n.organization_id = m.organization_id and n.user_id <> m.user_id and n.is_active and ${isPerson}
        and lower(u.name) = lower(${person.name})) as has_namesake
    from user_organizations m
    where m.user_id = ${person.userId} order by m.organization_id`.execute(db);
  return rows
    .map((standing) => ({ organizationId: standing.organization_id, authors: authorsOf(person, standing) }))
    .filter(({ authors }) => authors.length > 0);
}

/**
 * A confirmed address is the person's own wherever it stands. A name, and an address that nobody has confirmed, are what
 * the person says: they count where the person may write items anyway, and the name where no other member has it.
 */
export function authorsOf(
  { email, isEmailVerified, name }: Pick<Person, 'email' | 'isEmailVerified' | 'name'>,
  { role, is_active, has_namesake }: Omit<Standing, 'organization_id'>,
): string[] {
  const mayWrite = is_active && isPermitted(role, 'weekly:write');
  return [...(isEmailVerified || mayWrite ? [email] : []), ...(mayWrite && !has_namesake ? [name] : [])];
}
