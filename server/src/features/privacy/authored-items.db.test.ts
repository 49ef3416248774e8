import type { WeeklyData } from '@almanac/contract/weekly.ts';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { join, makePerson, password, type ScenePerson } from '#testing/person-scene.ts';
import { authorsOf } from './declare-authored-items.ts';

describe('Whom a text names as an author', () => {
  const person = { email: 'ada@example.org', name: 'Ada', isEmailVerified: false };
  const standing = { role: 'member', is_active: true, has_namesake: false } as const;

  test.each([
    ['a member, by both', {}, ['ada@example.org', 'Ada']],
    ['a member with a namesake, by the address', { has_namesake: true }, ['ada@example.org']],
    ['a viewer, who could be anybody, by neither', { role: 'viewer' }, []],
    ['a viewer, by a confirmed address', { role: 'viewer', isEmailVerified: true }, ['ada@example.org']],
    ['whoever left, by neither', { is_active: false }, []],
    ['whoever left, by a confirmed address', { is_active: false, isEmailVerified: true }, ['ada@example.org']],
  ] as const)('%s', (_what, but, authors) => {
    expect(authorsOf({ ...person, ...but }, { ...standing, ...but })).toEqual(authors);
  });
});

describe('Items of an erased author', () => {
  let it: TestApp;
  let person: ScenePerson;
  let owner: ScenePerson;
  let organizationId: string;
  beforeAll(async () => {
    it = await makeTestApp({ runsJobs: true });
    await makePerson(it, 'Administrator');
  });
  beforeEach(async () => {
    person = await makePerson(it);
    owner = await makePerson(it, 'Owner');
    organizationId = owner.ownOrganizationId;
    await join(it, { owner, person, organizationId, role: 'member' });
  });
  afterAll(() => it.close());

  const post = (items: object[]) =>
    person.ask({ method: 'POST', url: '/api/weekly/items', body: { items } }, { organizationId });
  const item = (author: string, occurred_at = '2024-12-17T10:00:00Z') => ({
    kind: 'update',
    title: 'A change',
    impact: 'high',
    author,
    occurred_at,
  });
  const summary = (week: string) =>
    owner.ask<{ data: WeeklyData }>({ url: `/api/weekly/summary?week=${week}` }, { organizationId });
  const authorsIn = async (week: string) => (await summary(week)).data.updates.map(({ author }) => author);
  const erase = () => person.ask({ method: 'DELETE', url: '/users/me', body: { password } }, { status: 204 });
  const authorsKept = async () => {
    const { rows } = await sql<{ author: string }>`
      select author from activity_items where organization_id = ${organizationId} order by author`.execute(
      it.platform.database.root,
    );
    return rows.map(({ author }) => author);
  };

  test('are those of a former member, in the running week and in past ones, though both were cached and stored', async () => {
    const weeks = ['2024-W51', '2024-W45'];
    await post([item(person.name), item(person.email, '2024-11-05T10:00:00Z')]);
    await it.platform.jobs.whenIdle();
    const before = await Promise.all(weeks.map(summary));
    expect(JSON.stringify(before)).toContain(person.name);
    await erase();
    expect(await Promise.all(weeks.map(authorsIn))).toEqual([['Former member'], ['Former member']]);
    const after = await Promise.all(weeks.map(summary));
    expect(JSON.stringify(after)).not.toMatch(new RegExp(`${person.name}|${person.email}`, 'i'));
    for (const [index, { data }] of after.entries()) {
      expect(data.version).toBeGreaterThan(before[index]?.data.version ?? 0);
      expect(data.stats).toEqual(before[index]?.data.stats);
    }
    await it.platform.jobs.whenIdle();
    const { rows } = await sql<{ stale: number }>`
      select count(*)::int as stale from activity_weeks w left join weekly_snapshots s using (organization_id, week_start_date)
      where w.organization_id = ${organizationId} and w.version is distinct from s.version`.execute(
      it.platform.database.root,
    );
    expect(rows[0]?.stale).toBe(0);
  });

  test('stay as they are where another member has the name', async () => {
    await owner.ask({ method: 'PUT', url: '/users/profile', body: { name: person.name.toLowerCase() } });
    await post([item(person.name), item(person.email), item('Somebody else')]);
    await erase();
    expect(await authorsKept()).toEqual(['Former member', 'Somebody else', person.name]);
  });

  test('are told of on the organization’s feed', async () => {
    await post([item(person.name)]);
    await erase();
    const { data } = await summary('2024-W51');
    // The newest state of a week waits where one was told just before.
    const { rows } = await sql<{ version: number }>`
      select max((payload ->> 'version')::int) as version from (
        select organization_id, payload from feed_events
        union all select organization_id, waiting_payload from feed_states) told
      where organization_id = ${organizationId} and payload ->> 'week' = '2024-W51'`.execute(it.platform.database.root);
    expect(rows[0]?.version).toBe(data.version);
  });

  test('do not change for what is no author of them', async () => {
    await post([item('Somebody else')]);
    const before = await summary('2024-W51');
    await erase();
    expect((await summary('2024-W51')).data.version).toBe(before.data.version);
  });
});
