import type { listAuditEntries } from '@almanac/contract/audit.ts';
import type { EndpointAnswer } from '@almanac/contract/endpoint.ts';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp, type TestMember } from '#testing/make-app.ts';

type AuditPage = EndpointAnswer<typeof listAuditEntries>;

let it: TestApp;
let someone: TestMember;
beforeAll(async () => {
  it = await makeTestApp();
  someone = await (await it.makeOrganization()).member('admin');
});
afterAll(() => it.close());

const ask = (member: TestMember, query: Record<string, string> = {}) =>
  inject(it.app, { method: 'GET', url: '/api/audit', query, headers: member.headers });
const read = async (member: TestMember, query: Record<string, string> = {}) => {
  const answer = await ask(member, query);
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json<AuditPage>();
};
/** An organization with an admin, whose log holds one entry of that action at each time. */
const makeLog = async (times: readonly string[], entry: { actor?: string; action?: string } = {}) => {
  const organization = await it.makeOrganization();
  const admin = await organization.member('admin');
  const add = async (at: readonly string[], { actor = admin.userId, action = 'test.did' } = entry) =>
    sql`
      insert into audit_log (organization_id, at, id, actor_kind, actor_id, action)
      select ${organization.id}, at, gen_random_uuid(), 'user', ${actor}, ${action}
      from unnest(${at}::timestamptz[]) at`.execute(it.platform.database.root);
  await add(times);
  return { organization, admin, add };
};
const idsOf = ({ items }: AuditPage) => items.map(({ id }) => id);

describe('The log', () => {
  test('shows what was done, by whom and from where, with the name that they have now', async () => {
    const organization = await it.makeOrganization();
    const admin = await organization.member('admin');
    const request = { method: 'POST', url: '/api/weekly/items', headers: admin.headers } as const;
    const item = { kind: 'update', title: 'Secret plan', author: 'Ada', occurred_at: '2024-12-17T10:00:00Z' };
    await inject(it.app, { ...request, body: { items: [item, item] }, remoteAddress: '203.0.113.7' });
    await sql`update users set name = 'Grace' where id = ${admin.userId}`.execute(it.platform.database.root);
    const answer = await ask(admin, { action: 'weekly.addItems' });
    expect(answer.json()).toEqual({
      items: [
        {
          id: expect.any(String),
          at: it.clock.now.toISOString(),
          actor: { kind: 'user', id: admin.userId, name: 'Grace', api_key_id: null },
          action: 'weekly.addItems',
          target: expect.stringMatching(/^source:/),
          details: { inserted: 2, updated: 0, unchanged: 0 },
          address: '203.0.113.7',
          request_id: expect.any(String),
        },
      ],
      next_cursor: null,
    });
    expect(answer.body).not.toContain('Secret plan');
  });

  test('is of one organization alone, and for its owners and admins', async () => {
    const { organization } = await makeLog(['2024-12-17T10:00:00Z']);
    const { admin: stranger } = await makeLog([]);
    expect(idsOf(await read(stranger))).toEqual([]);
    expect((await ask(await organization.member('analyst'))).statusCode).toBe(403);
    expect(idsOf(await read(await organization.member('owner')))).toHaveLength(1);
  });

  test('tells who read it, each time, and whom they asked about', async () => {
    const { admin } = await makeLog([]);
    const about = newId();
    await read(admin);
    await read(admin, { actor: about, from: '2024-12-16T00:00:00Z', limit: '1' });
    const { items } = await read(admin, { action: 'audit.list' });
    expect(items.map(({ target, details, actor }) => ({ target, details, id: actor.id }))).toEqual([
      { target: `user:${about}`, details: { from: '2024-12-16T00:00:00.000Z' }, id: admin.userId },
      { target: null, details: {}, id: admin.userId },
    ]);
  });

  test('names no one who has no account any more', async () => {
    const { admin } = await makeLog(['2024-12-17T10:00:00Z'], { actor: newId() });
    const { items } = await read(admin, { action: 'test.did' });
    expect(items[0]?.actor).toMatchObject({ name: null });
  });
});

describe('A page', () => {
  test('of any size leads to the next, the newest first, with no entry twice or missing among those of one moment', async () => {
    const moments = [
      '2024-12-17T10:00:00Z',
      '2024-12-17T10:00:00.001Z',
      '2024-12-17T10:00:00.001500Z',
      '2024-11-30T23:59:59Z',
    ];
    const { admin, organization } = await makeLog(moments.flatMap((moment) => Array.from({ length: 6 }, () => moment)));
    const { rows } = await sql<{ id: string }>`
      select id from audit_log where organization_id = ${organization.id} and action = 'test.did'
      order by at desc, id desc`.execute(it.platform.database.root);
    for (const limit of [1, 4, 5, 23, 24, 25]) {
      const query = { action: 'test.did', limit: String(limit) };
      const pages = [await read(admin, query)];
      for (let last = pages[0]; last?.next_cursor; last = pages.at(-1)) {
        pages.push(await read(admin, { ...query, cursor: last.next_cursor }));
      }
      expect(pages.flatMap(idsOf)).toEqual(rows.map(({ id }) => id));
      expect(pages).toHaveLength(Math.ceil(24 / limit));
    }
  });

  test('is not moved by entries that come in between', async () => {
    const { admin, add } = await makeLog(['2024-12-17T10:00:00Z', '2024-12-17T11:00:00Z', '2024-12-17T12:00:00Z']);
    const query = { action: 'test.did', limit: '2' };
    const first = await read(admin, query);
    await add(['2024-12-17T13:00:00Z']);
    const second = await read(admin, { ...query, cursor: first.next_cursor ?? '' });
    expect(second.items.map(({ at }) => at)).toEqual(['2024-12-17T10:00:00.000Z']);
    expect(second.next_cursor).toBeNull();
  });

  test('of another organization or another filter is refused', async () => {
    const times = ['2024-12-17T10:00:00Z', '2024-12-17T11:00:00Z'];
    const [ours, theirs] = [await makeLog(times), await makeLog(times)];
    const query = { limit: '1', action: 'test.did' };
    const { next_cursor: cursor } = await read(ours.admin, query);
    const wrong: [TestMember, Record<string, string>][] = [
      [theirs.admin, query],
      [ours.admin, { limit: '1' }],
      [ours.admin, { ...query, from: '2024-12-17T10:00:00Z' }],
      [ours.admin, { ...query, actor: newId() }],
    ];
    for (const [member, asked] of wrong) {
      const answer = await ask(member, { ...asked, cursor: cursor ?? '' });
      expect(answer.statusCode).toBe(400);
      expect(answer.json().error.details).toMatchObject({
        field: 'cursor',
        issue: 'is not one of this list; begin without',
      });
    }
    expect((await read(ours.admin, { ...query, limit: '2', cursor: cursor ?? '' })).items).toHaveLength(1);
  });
});

describe('A filter', () => {
  test('takes a time from its first moment on and before its last', async () => {
    const { admin } = await makeLog(['2024-12-17T10:00:00Z', '2024-12-17T11:00:00Z', '2024-12-17T12:00:00Z']);
    const hours = async (query: Record<string, string>) =>
      (await read(admin, { action: 'test.did', ...query })).items.map(({ at }) => at.slice(11, 13));
    expect(await hours({ from: '2024-12-17T11:00:00Z' })).toEqual(['12', '11']);
    expect(await hours({ to: '2024-12-17T11:00:00Z' })).toEqual(['10']);
    expect(await hours({ from: '2024-12-17T11:00:00+01:00', to: '2024-12-17T12:00:00Z' })).toEqual(['11', '10']);
    expect(await hours({ from: '2024-12-17T11:00:00Z', to: '2024-12-17T11:00:00Z' })).toEqual([]);
    expect(await hours({ from: '2024-12-17T11:00:00.0001Z' })).toEqual(['12']);
    expect(await hours({ from: '0000-01-01T00:00:00Z', to: '9999-12-31T23:59:59-23:59' })).toEqual(['12', '11', '10']);
  });

  test('takes one actor, one action, to the letter', async () => {
    const [ada, grace] = [newId(), newId()];
    const { admin, add } = await makeLog(['2024-12-17T10:00:00Z'], { actor: ada });
    await add(['2024-12-17T11:00:00Z'], { actor: grace });
    await add(['2024-12-17T12:00:00Z'], { actor: ada, action: 'test.did_more' });
    const found = async (query: Record<string, string>) =>
      (await read(admin, query)).items
        .filter(({ action }) => action.startsWith('test.'))
        .map(({ at }) => at.slice(11, 13));
    expect(await found({ actor: ada })).toEqual(['12', '10']);
    expect(await found({ actor: ada.toUpperCase() })).toEqual(['12', '10']);
    expect(await found({ action: 'test.did' })).toEqual(['11', '10']);
    expect(await found({ actor: grace, action: 'test.did_more' })).toEqual([]);
    expect(await found({ action: 'test%' })).toEqual([]);
  });

  test.each([
    [{ from: '2024-12-17T11:00:00Z', to: '2024-12-17T10:59:59Z' }, 'from', '2024-12-17T11:00:00Z'],
    [{ from: 'yesterday' }, 'from', 'yesterday'],
    [{ to: '2024-12-17' }, 'to', '2024-12-17'],
    [{ actor: 'Ada' }, 'actor', 'Ada'],
    [{ action: '' }, 'action', ''],
    [{ limit: '501' }, 'limit', '501'],
    [{ limit: '0' }, 'limit', '0'],
    [{ colour: 'red' }, 'colour', ''],
    [{ cursor: 'AAAA' }, 'cursor', ''],
  ])('is refused as %j', async (query, field, quoted) => {
    const answer = await ask(someone, query as Record<string, string>);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().error).toMatchObject({ code: 'VALIDATION_ERROR', details: { field } });
    expect(answer.json().error.details.issue).toContain(quoted);
  });
});
