import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import pg from 'pg';
import type { UserPrincipal } from '#platform/access/principal.ts';
import { type Database, openEmbedded, openPostgres } from '#platform/db/database.ts';
import { migrate } from '#platform/db/migrate.ts';
import { createScopes, type Scopes } from '#platform/db/scopes.ts';
import { createLog, type Log } from '#platform/log/log.ts';

/** A migrated database of a test file's own, with a way to make organizations in it. */
export interface FeedDatabase {
  readonly database: Database;
  readonly scopes: Scopes;
  readonly log: Log;
  /** Makes an organization with as many members; answers their ids. */
  makeOrganization(memberCount: number): Promise<{ organizationId: string; userIds: string[] }>;
  close(): Promise<void>;
}

/** Opens an embedded database in memory, or makes one on the PostgreSQL server at the address and drops it at the end. */
export async function makeFeedDatabase(serverUrl?: string): Promise<FeedDatabase> {
  const log = createLog({ level: 'silent' });
  const { database, drop } = serverUrl === undefined ? await openOwnEmbedded() : await openOwnPostgres(serverUrl, log);
  await migrate({ root: database.root, log });
  const scopes = createScopes({ database, log });
  return {
    database,
    scopes,
    log,
    makeOrganization: (memberCount) => makeOrganization(scopes, memberCount),
    async close() {
      await database.close();
      await drop();
    },
  };
}

async function openOwnEmbedded(): Promise<{ database: Database; drop: () => Promise<void> }> {
  return { database: await openEmbedded({}), drop: () => Promise.resolve() };
}

async function openOwnPostgres(
  serverUrl: string,
  log: Log,
): Promise<{ database: Database; drop: () => Promise<void> }> {
  const name = `almanac_feed_${randomBytes(6).toString('hex')}`;
  await runOnServer(serverUrl, `create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const database = openPostgres({ connectionString: url.href, log, maxConnections: 12 });
  return { database, drop: () => runOnServer(serverUrl, `drop database ${name} with (force)`) };
}

async function runOnServer(serverUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
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
