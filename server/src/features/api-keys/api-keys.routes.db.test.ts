import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp, type TestMember, type TestOrganization } from '#testing/make-app.ts';

interface Made {
  id: string;
  name: string;
  prefix: string;
  key: string;
  scopes: string[];
  expires_at: string | null;
}

let it: TestApp;
let organization: TestOrganization;
let member: TestMember;
beforeAll(async () => {
  it = await makeTestApp();
});
beforeEach(async () => {
  organization = await it.makeOrganization();
  member = await organization.member('member');
});
afterAll(() => it.close());

const wanted = { name: 'Build', scopes: ['weekly:read', 'weekly:write'] };
const create = ({ headers }: TestMember, body: object = wanted) =>
  inject(it.app, { method: 'POST', url: '/auth/api-keys', headers, body });
const make = async (owner: TestMember, body: object = wanted) => (await create(owner, body)).json<Made>();
const list = async ({ headers }: TestMember, query: Record<string, string> = {}) =>
  (await inject(it.app, { url: '/auth/api-keys', headers, query })).json<{
    items: (Made & { user_id: string; created_at: string; last_used_at: string | null })[];
    next_cursor: string | null;
  }>();
const idsOf = async (reader: TestMember) => (await list(reader)).items.map(({ id }) => id);
const end = async ({ headers }: TestMember, id: string) =>
  (await inject(it.app, { method: 'DELETE', url: `/auth/api-keys/${id}`, headers })).statusCode;

describe('Making a key', () => {
  test('answers it once, and for no cache to keep', async () => {
    const answer = await create(member, { ...wanted, name: '  Build ', expires_at: '2025-06-01T02:00:00+02:00' });
    const made = answer.json<Made>();
    expect(answer.statusCode).toBe(201);
    expect(answer.headers['cache-control']).toBe('no-store');
    const { id, key, ...told } = made;
    expect(key).toMatch(/^alm_[0-9A-Za-z]{8}_[\w-]{43}$/);
    expect(told).toEqual({ ...wanted, prefix: key.slice(0, 12), expires_at: '2025-06-01T00:00:00.000Z' });
    const [listed, ...others] = (await list(member)).items;
    expect(others).toEqual([]);
    expect(listed).toEqual({
      ...told,
      id,
      user_id: member.userId,
      created_at: it.clock.now.toISOString(),
      last_used_at: null,
    });
  });

  test('stores it as a hash only: no table holds its secret', async () => {
    const { key, prefix } = await make(member);
    const secret = key.slice(prefix.length + 1);
    expect(await findHolders(prefix)).toEqual(['api_keys']);
    expect(await findHolders(secret)).toEqual([]);
    expect(await findHolders(Buffer.from(secret).toString('hex'))).toEqual([]);
    expect(await findHolders(Buffer.from(secret, 'base64url').toString('hex'))).toEqual([]);
  });

  test('gives no right that its owner lacks, and none that takes a signed-in person', async () => {
    const viewer = await organization.member('viewer');
    const answer = await create(viewer, { name: 'Build', scopes: ['weekly:read', 'weekly:write', 'members:write'] });
    expect([answer.statusCode, answer.json().error.code]).toEqual([400, 'VALIDATION_ERROR']);
    expect(answer.json().error.details.errors).toEqual([
      {
        field: 'scopes[1]',
        issue: "'weekly:write' takes the role member or higher; yours in this organization is viewer",
        index: 1,
      },
      {
        field: 'scopes[2]',
        issue: "'members:write' takes the role admin or higher; yours in this organization is viewer",
        index: 2,
      },
    ]);
    const owner = await organization.member('owner');
    for (const scope of ['account:write', 'api-keys:own', 'api-keys:manage', 'subscription:write', 'system:read']) {
      expect((await create(owner, { name: 'Build', scopes: [scope] })).statusCode).toBe(400);
    }
    expect(await idsOf(owner)).toEqual([]);
  });

  test.each([
    ['name', { ...wanted, name: '   ' }],
    ['name', { ...wanted, name: '' }],
    ['name', { ...wanted, name: 'x'.repeat(101) }],
    ['scopes', { ...wanted, scopes: [] }],
    ['scopes', { ...wanted, scopes: ['weekly:read', 'weekly:read'] }],
    ['scopes[0]', { ...wanted, scopes: ['weekly:*'] }],
    ['expires_at', { ...wanted, expires_at: '2024-12-18T12:00:00Z' }],
    ['expires_at', { ...wanted, expires_at: '2030-01-01T00:00:00Z' }],
    ['expires_at', { ...wanted, expires_at: '2025-13-01T00:00:00Z' }],
    ['expires_at', { ...wanted, expires_at: 1_800_000_000 }],
    ['user_id', { ...wanted, user_id: newId() }],
  ])('refuses a wrong %s: %j', async (field, body) => {
    const answer = await create(member, body);
    expect([answer.statusCode, answer.json().error.details.field]).toEqual([400, field]);
  });

  test('60 times at once leaves 50, and an end makes room for one more', async () => {
    const statuses = await Promise.all(Array.from({ length: 60 }, async () => (await create(member)).statusCode));
    expect(statuses.sort()).toEqual([...Array(50).fill(201), ...Array(10).fill(409)]);
    const ids = await idsOf(member);
    expect(ids).toHaveLength(50);
    expect((await create(await organization.member('viewer'), { ...wanted, scopes: ['weekly:read'] })).statusCode).toBe(
      201,
    );
    expect(await end(member, ids[0] ?? '')).toBe(204);
    expect([(await create(member)).statusCode, (await create(member)).statusCode]).toEqual([201, 409]);
  });
});

describe('The keys of an organization', () => {
  test('are seen and ended by their owner and by admins, and by nobody else', async () => {
    const [other, admin] = [await organization.member('analyst'), await organization.member('admin')];
    const [first, second, third] = [await make(member), await make(member), await make(other)];
    expect(await idsOf(member)).toEqual([second.id, first.id]);
    expect(await idsOf(other)).toEqual([third.id]);
    expect(await idsOf(admin)).toEqual([third.id, second.id, first.id]);
    expect(await end(other, first.id)).toBe(404);
    expect(await end(member, first.id)).toBe(204);
    expect(await end(member, first.id)).toBe(404);
    expect(await end(admin, second.id)).toBe(204);
    expect(await idsOf(admin)).toEqual([third.id]);
  });

  test('are nowhere to be seen or ended from another organization, also not by their owner', async () => {
    const { id } = await make(member);
    const elsewhere = await it.makeOrganization();
    const stranger = await elsewhere.member('owner');
    await join(elsewhere, member);
    const there = { ...member, headers: { ...member.headers, 'x-organization-id': elsewhere.id } };
    for (const reader of [stranger, there]) {
      expect(await idsOf(reader)).toEqual([]);
      expect(await end(reader, id)).toBe(404);
    }
    expect(await idsOf(member)).toEqual([id]);
    expect(await end(member, newId())).toBe(404);
    expect(await end(member, 'x')).toBe(400);
  });

  test('are read in pages, each of which goes on for the one who got it alone', async () => {
    const made: string[] = [];
    for (const name of ['a', 'b', 'c']) made.unshift((await make(member, { ...wanted, name })).id);
    const first = await list(member, { limit: '2' });
    const cursor = first.next_cursor ?? '';
    const last = await list(member, { limit: '2', cursor });
    expect([...first.items, ...last.items].map(({ id }) => id)).toEqual(made);
    expect(last.next_cursor).toBeNull();
    const { headers } = await organization.member('admin');
    const refused = await inject(it.app, { url: '/auth/api-keys', headers, query: { cursor } });
    expect([refused.statusCode, refused.json().error.details.field]).toEqual([400, 'cursor']);
  });

  test('are made and ended on the record, without anything secret', async () => {
    const admin = await organization.member('admin');
    const { id, key } = await make(member, { ...wanted, expires_at: '2025-06-01T00:00:00Z' });
    await end(admin, id);
    await end(admin, id);
    const details = { scopes: wanted.scopes, expires_at: '2025-06-01T00:00:00.000Z' };
    const target = `api_key:${id}`;
    const { rows } = await sql<{ details: object }>`
      select action, actor_id, target, details from audit_log
      where organization_id = ${organization.id} and action like 'apiKeys.%' order by id`.execute(
      it.platform.database.root,
    );
    expect(rows).toEqual([
      { action: 'apiKeys.create', actor_id: member.userId, target, details },
      { action: 'apiKeys.delete', actor_id: admin.userId, target, details },
    ]);
    expect(JSON.stringify(rows)).not.toContain(key.slice(4));
  });
});

async function join({ id }: TestOrganization, { userId }: TestMember): Promise<void> {
  await it.platform.scopes.inInstance(({ db }) =>
    sql`insert into user_organizations (organization_id, user_id, role) values (${id}, ${userId}, 'owner')`.execute(db),
  );
}

/** The tables of which any column of any row holds the text, bytes being written in hexadecimal. */
async function findHolders(text: string): Promise<string[]> {
  const { root } = it.platform.database;
  const { rows: tables } = await sql<{ name: string }>`
    select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')`.execute(root);
  const counts = tables.map(
    ({ name }) => sql<{ name: string }>`
      select ${name} as name from ${sql.raw(name)} t where strpos(lower(t::text), lower(${text})) > 0`,
  );
  const { rows } = await sql<{ name: string }>`${sql.join(counts, sql` union `)}`.execute(root);
  return rows.map(({ name }) => name.replace('public.', ''));
}
