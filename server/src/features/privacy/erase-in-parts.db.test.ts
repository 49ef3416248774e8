import { type RawBuilder, sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { systemPrincipal } from '#platform/access/principal.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { join, makePerson, password, type ScenePerson, setUpSecondFactor } from '#testing/person-scene.ts';

/** Three parts of 2 000, and some. */
const items = 6_500;

let it: TestApp;
let person: ScenePerson;
let owner: ScenePerson;
beforeAll(async () => {
  it = await makeTestApp();
  await makePerson(it, 'Administrator');
  // Notes how many items each statement changed, and in which transaction.
  await rows(sql`create table noted (organization_id uuid, changed int, transaction bigint)`);
  await rows(
    sql.raw(`create function note_changes() returns trigger language plpgsql security definer as $$ begin
      insert into noted select organization_id, count(*), txid_current() from changed group by 1; return null; end $$`),
  );
  for (const [event, kind] of [
    ['update', 'new'],
    ['delete', 'old'],
  ]) {
    await rows(
      sql.raw(`create trigger note_${event} after ${event} on activity_items referencing ${kind} table as changed
        for each statement execute function note_changes()`),
    );
  }
});
beforeEach(async () => {
  person = await makePerson(it);
  owner = await makePerson(it, 'Owner');
});
afterAll(() => it.close());

const rows = async <Row>(statement: RawBuilder<Row>) => (await statement.execute(it.platform.database.root)).rows;
const erase = (status: number, more: object = {}) =>
  person.ask({ method: 'DELETE', url: '/users/me', body: { password, ...more } }, { status });

/** Fills an organization with items of an author; they lie in two weeks. */
async function fill(organizationId: string, author: string): Promise<void> {
  const sourceId = newId();
  await rows(sql`
    insert into sources (organization_id, id, kind, name) values (${organizationId}, ${sourceId}, 'push', 'Many')`);
  await rows(sql`
    insert into activity_items (organization_id, id, kind, title, author, category, impact, status, source_id, occurred_at)
    select ${organizationId}, gen_random_uuid(), 'update', 'A change', ${author}, 'code', 'low', 'done', ${sourceId},
      timestamptz '2024-12-05T10:00:00Z' + n % 10 * interval '1 day'
    from generate_series(1, ${items}::int) n`);
}

const countBy = async (organizationId: string) =>
  Object.fromEntries(
    (
      await rows(sql<{ author: string; items: number }>`
        select author, count(*)::int as items from activity_items where organization_id = ${organizationId} group by 1`)
    ).map((row) => [row.author, row.items]),
  );

const notedIn = (organizationId: string) =>
  rows(sql<{ changed: number; transaction: number }>`
    select changed, transaction from noted where organization_id = ${organizationId} order by transaction`);

/** Has the database refuse what the condition names, until the answered function is called. */
async function refuse(on: string, condition: string): Promise<() => Promise<void>> {
  const name = `refuse_${newId().replaceAll('-', '')}`;
  await rows(
    sql.raw(`create function ${name}() returns trigger language plpgsql as
    $$ begin if ${condition} then raise exception 'as asked'; end if; return null; end $$`),
  );
  await rows(sql.raw(`create trigger ${name} after ${on} for each statement execute function ${name}()`));
  return async () => void (await rows(sql.raw(`drop function ${name} cascade`)));
}

describe('An erasure of the author of very many items', () => {
  let organizationId: string;
  beforeEach(async () => {
    organizationId = owner.ownOrganizationId;
    await join(it, { owner, person, organizationId, role: 'member' });
    await fill(organizationId, person.name);
  });

  test('goes in parts, none of which is large, and leaves no name', async () => {
    await owner.ask({ url: '/api/weekly/summary?week=2024-W50' }, { organizationId });
    await erase(204);
    expect(await countBy(organizationId)).toEqual({ 'Former member': items });
    const noted = await notedIn(organizationId);
    expect(noted.map(({ changed }) => changed)).toEqual([2_000, 2_000, 2_000, 500]);
    expect(new Set(noted.map(({ transaction }) => transaction)).size).toBe(4);
    const summary = await owner.ask({ url: '/api/weekly/summary?week=2024-W50' }, { organizationId });
    expect(JSON.stringify(summary)).toContain('Former member');
    expect(JSON.stringify(summary)).not.toContain(person.name);
  });

  test('that breaks off says so, leaves the account, and goes on when it is asked for again', async () => {
    const mend = await refuse(
      'update on activity_items',
      `(select count(*) from activity_items where author = 'Former member' and organization_id = '${organizationId}') > 3000`,
    );
    await erase(500);
    expect(await countBy(organizationId)).toEqual({ 'Former member': 2_000, [person.name]: items - 2_000 });
    await person.ask({ url: '/users/profile' });
    const file = await person.ask<{ authored_items: object[]; complete: true }>({ url: '/users/export' });
    expect([file.authored_items.length, file.complete]).toEqual([items - 2_000, true]);
    await mend();
    await erase(204);
    expect(await countBy(organizationId)).toEqual({ 'Former member': items });
    expect((await notedIn(organizationId)).map(({ changed }) => changed)).toEqual([2_000, 2_000, 2_000, 500]);
    await person.ask({ url: '/users/profile' }, { status: 401 });
  });

  test('is refused before its first part, where others would be left without an owner', async () => {
    await join(it, { owner: person, person: owner, organizationId: person.ownOrganizationId, role: 'viewer' });
    await erase(409);
    expect(await countBy(organizationId)).toEqual({ [person.name]: items });
  });

  test('takes one code of the second factor for all of its parts', async () => {
    const code = await setUpSecondFactor(it, person);
    await erase(400);
    expect(await countBy(organizationId)).toEqual({ [person.name]: items });
    await erase(204, { code });
    expect(await countBy(organizationId)).toEqual({ 'Former member': items });
  });
});

describe('An organization of very many items that nobody else is in', () => {
  test('is emptied in parts, and goes with the account', async () => {
    const { ownOrganizationId: id } = person;
    await fill(id, 'Somebody');
    await erase(204);
    const noted = await notedIn(id);
    expect(noted.map(({ changed }) => changed).sort((a, b) => b - a)).toEqual([2_000, 2_000, 2_000, 500]);
    expect(new Set(noted.map(({ transaction }) => transaction)).size).toBe(4);
    expect(await rows(sql`select from organizations where id = ${id}`)).toEqual([]);
  });

  test('loses its measured values in parts too', async () => {
    const { ownOrganizationId: id } = person;
    await rows(sql`
      insert into dashboard_metrics (organization_id, id, metric_type, metric_name, metric_value, recorded_at)
      select ${id}::uuid, gen_random_uuid(), 'a', 'b', n, timestamptz '2024-12-01' + n * interval '1 minute'
      from generate_series(1, 10500) n`);
    const mend = await refuse('delete on organizations', 'true');
    await erase(500);
    expect(await rows(sql`select count(*)::int as left from dashboard_metrics where organization_id = ${id}`)).toEqual([
      { left: 500 },
    ]);
    await mend();
    await erase(204);
    expect(await rows(sql`select from dashboard_metrics where organization_id = ${id}`)).toEqual([]);
  });

  test('loses rollups, archived values and activity in parts too', async () => {
    const { ownOrganizationId: id } = person;
    const parts = ['metric_rollups', 'dashboard_metrics_history', 'user_activity_logs'];
    await rows(sql`insert into metric_catalog values (${id}::uuid, 'a', 'b', null, null, null, '2024-12-01')`);
    await rows(sql`
      insert into metric_series (organization_id, id, metric_type, metric_name) values (${id}::uuid, ${id}::uuid, 'a', 'b')`);
    await rows(sql`
      insert into metric_rollups (organization_id, series_id, granularity, bucket_start, count, sum, min, max, last_value,
        last_at, last_id)
      select ${id}::uuid, ${id}::uuid, 'hour', hour, 1, 1, 1, 1, 1, hour, ${id}::uuid
      from generate_series(1, 5500) n, lateral (select timestamptz '2024-01-01' + n * interval '1 hour' as hour) h`);
    await rows(sql`
      insert into dashboard_metrics_history (organization_id, id, metric_type, metric_name, metric_value, recorded_at)
      select ${id}::uuid, gen_random_uuid(), 'a', 'b', n, timestamptz '2020-12-01' + n * interval '1 minute'
      from generate_series(1, 5500) n`);
    await rows(sql`
      insert into user_activity_logs (organization_id, id, user_id, activity_type, created_at)
      select ${id}::uuid, gen_random_uuid(), user_id, 'login', timestamptz '2024-12-01' + n * interval '1 minute'
      from user_organizations, generate_series(1, 5500) n where organization_id = ${id} and is_active`);
    const countParts = async () =>
      Promise.all(
        parts.map(async (table) => {
          const [found] = await rows(sql<{ left: number }>`
            select count(*)::int as left from ${sql.table(table)} where organization_id = ${id}`);
          return found?.left;
        }),
      );
    expect(await countParts()).toEqual([5_500, 5_500, 5_500]);
    const mend = await refuse('delete on organizations', 'true');
    await erase(500);
    expect(await countParts()).toEqual([500, 500, 500]);
    await mend();
    await erase(204);
    expect(await countParts()).toEqual([0, 0, 0]);
  });

  test('of another scope keeps its rows', async () => {
    const [{ ownOrganizationId: id }, other] = [person, owner.ownOrganizationId];
    const forget = (organization: string) =>
      it.platform.scopes.inOrganization(systemPrincipal(id), ({ db }) =>
        sql`select forget_organization_rows(${organization}::uuid, 1)`.execute(db),
      );
    await expect(forget(other)).rejects.toThrow('in its own system scope alone');
    expect((await forget(id)).rows).toEqual([{ forget_organization_rows: 0 }]);
  });

  test('shows what is left where the erasure broke off', async () => {
    const { ownOrganizationId: id } = person;
    await fill(id, 'Somebody');
    const week = { url: '/api/weekly/summary?week=2024-W50' };
    type Summary = { data: { stats: { updates: number } } };
    const before = await person.ask<Summary>(week);
    const mend = await refuse(
      'delete on activity_items',
      `(select count(*) from activity_items where organization_id = '${id}') < 1000`,
    );
    await erase(500);
    expect(await countBy(id)).toEqual({ Somebody: 2_500 });
    const counted = await rows(sql<{ updates: number }>`
      select count(*)::int as updates from activity_items where organization_id = ${id}
        and occurred_at >= '2024-12-09' and occurred_at < '2024-12-16'`);
    const after = await person.ask<Summary>(week);
    expect(after.data.stats.updates).toBe(counted[0]?.updates);
    expect(after.data.stats.updates).toBeLessThan(before.data.stats.updates);
    await mend();
    await erase(204);
    expect(await countBy(id)).toEqual({});
  });
});
