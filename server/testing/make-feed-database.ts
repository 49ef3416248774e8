import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { Database } from '#platform/db/database.ts';
import { createScopes, type Scopes } from '#platform/db/scopes.ts';
import { createLog, type Log } from '#platform/log/log.ts';
import { openTestDatabase } from './test-database.ts';

/** A migrated database of a test file's own, with a way to make organizations in it. */
export interface FeedDatabase {
  readonly database: Database;
  readonly scopes: Scopes;
  readonly log: Log;
  /** Makes an organization with as many members; answers their ids. */
  makeOrganization(memberCount: number): Promise<{ organizationId: string; userIds: string[] }>;
  close(): Promise<void>;
}

/** Prepares a migrated database, one of the file's own unless given, for tests of the platform. */
export async function makeFeedDatabase(given?: Database): Promise<FeedDatabase> {
  const log = createLog({ level: 'silent' });
  const database = given ?? (await openTestDatabase());
  const scopes = createScopes({ database, log });
  return {
    database,
    scopes,
    log,
    makeOrganization: (memberCount) => makeOrganization(scopes, memberCount),
    close: () => database.close(),
  };
}

function makeOrganization(scopes: Scopes, memberCount: number): Promise<{ organizationId: string; userIds: string[] }> {
  const organizationId = randomUUID();
  const userIds = Array.from({ length: memberCount }, () => randomUUID());
  return scopes.inInstance(async ({ db }) => {
    await sql`insert into organizations (id, slug, name) values (${organizationId}, ${organizationId}, 'Test')`.execute(
      db,
    );
    await sql`
      insert into users (id, email, name)
      select id, id || '@example.test', 'Test' from unnest(${userIds}::uuid[]) id`.execute(db);
    await sql`
      insert into user_organizations (organization_id, user_id, role)
      select ${organizationId}, id, 'member' from unnest(${userIds}::uuid[]) id`.execute(db);
    return { organizationId, userIds };
  });
}

/** A member's principal in an organization. */
export function makeMember(ids: { userId: string; organizationId: string; sessionId?: string }): UserPrincipal {
  const { userId, organizationId, sessionId } = ids;
  return {
    kind: 'user',
    userId,
    organizationId,
    organization: {
      id: organizationId,
      slug: organizationId,
      isDemo: false,
      timezone: 'UTC',
      firstDayOfWeek: 1,
      tier: 'free',
    },
    role: 'member',
    isInstanceAdmin: false,
    accountType: 'standard',
    sessionId,
    apiKey: undefined,
    isMfaMissing: false,
    expiresAt: undefined,
  };
}
