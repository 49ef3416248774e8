import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { answerSql } from './sql.ts';

let it: TestApp;
beforeAll(async () => {
  it = await makeTestApp();
});
afterAll(() => it.close());

const ask = (organization: string, statement: string) => answerSql(it.platform.scopes, { organization, statement });

test('reads the tables of the organization named, by slug or id, and of no other', async () => {
  const [own, other] = [await it.makeOrganization(), await it.makeOrganization()];
  const statement = 'select id from organizations;';
  for (const name of [own.slug, own.id]) {
    const table = await ask(name, statement);
    expect(table).toContain(own.id);
    expect(table).not.toContain(other.id);
    expect(table).toContain('(1 row)');
  }
  expect(await ask(own.slug, 'show transaction_read_only')).toContain('on');
  await expect(ask('nowhere', statement)).rejects.toThrow("There is no organization 'nowhere'.");
});

test.each([
  ['delete from activity_items', 'cannot open DELETE query as cursor'],
  [
    'with gone as (delete from activity_items returning 1) select * from gone',
    'cannot execute SELECT in a read-only transaction',
  ],
  ['select nothing', 'column "nothing" does not exist'],
  ['select 1; commit', 'cannot open multi-query plan as cursor'],
  ['select 1; delete from activity_items', 'cannot open multi-query plan as cursor'],
])('refuses %j in the words of the database', async (statement, words) => {
  const { slug } = await it.makeOrganization();
  await expect(ask(slug, statement)).rejects.toThrow(`The database answered: ${words}`);
});
