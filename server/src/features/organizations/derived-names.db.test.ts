import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { migrate, migrationsFolder } from '#platform/db/migrate.ts';
import { createLog } from '#platform/log/log.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { join, makePerson, password, type ScenePerson } from '#testing/person-scene.ts';
import { openBlankDatabase } from '#testing/test-database.ts';
import { makeSlug } from './make-slug.ts';

describe('An organization that stays when the person goes whose name it was made from', () => {
  let it: TestApp;
  let person: ScenePerson;
  let colleague: ScenePerson;
  let id: string;
  beforeAll(async () => {
    it = await makeTestApp();
    await makePerson(it, 'Administrator');
  });
  beforeEach(async () => {
    person = await makePerson(it);
    colleague = await makePerson(it, 'Colleague');
    id = person.ownOrganizationId;
    await join(it, { owner: person, person: colleague, organizationId: id, role: 'owner' });
  });
  afterAll(() => it.close());

  interface Named {
    name: string;
    slug: string;
    named_after: string | null;
    is_name_derived: boolean;
  }
  const find = async (organizationId = id): Promise<Named | undefined> => {
    const { rows } = await sql<Named>`
      select name, slug, named_after, is_name_derived from organizations where id = ${organizationId}`.execute(
      it.platform.database.root,
    );
    return rows[0];
  };
  const rename = (name: string) => person.ask({ method: 'PUT', url: `/api/organizations/${id}`, body: { name } });
  const erase = () => person.ask({ method: 'DELETE', url: '/users/me', body: { password } }, { status: 204 });
  const freshSlug = expect.stringMatching(/^organization-[0-9a-f]{10}$/);
  const neutral = { name: 'Organization', slug: freshSlug, named_after: null, is_name_derived: false };

  test('keeps neither in its name nor in its slug what they were called before', async () => {
    const made = await find();
    expect(made).toEqual({
      name: `${person.name}’s organization`,
      slug: expect.stringMatching(/^zelda-quux-/),
      named_after: person.userId,
      is_name_derived: true,
    });
    await person.ask({ method: 'PUT', url: '/users/profile', body: { name: 'Another' } });
    await erase();
    const after = await find();
    expect(after).toEqual(neutral);
    expect(after?.slug.slice(-10)).not.toBe(made?.slug.slice(-10));
    await colleague.ask({ url: '/api/weekly/summary' }, { organizationId: after?.slug ?? '' });
  });

  test('keeps the name that somebody gave it, under another slug', async () => {
    const made = await find();
    await rename('Difference Engines');
    expect(await find()).toEqual({ ...made, name: 'Difference Engines', is_name_derived: false });
    await erase();
    expect(await find()).toEqual({ ...neutral, name: 'Difference Engines' });
  });

  test('is not renamed by a change that leaves the name', async () => {
    const made = await find();
    await rename(` ${made?.name} `);
    expect(await find()).toEqual(made);
  });

  test('is told of in the export', async () => {
    const file = await person.ask<Record<string, object[]>>({ url: '/users/export' });
    const { named_after: _, ...named } = (await find()) ?? {};
    expect(file.organizations_named_after_you).toEqual([{ id, ...named }]);
    const other = await colleague.ask<Record<string, object[]>>({ url: '/users/export' });
    expect(other.organizations_named_after_you).toMatchObject([{ id: colleague.ownOrganizationId }]);
  });

  test('loses the name also where they were put out of it and have another one by now', async () => {
    const url = `/api/organizations/${id}/members/${person.userId}`;
    await colleague.ask({ method: 'DELETE', url }, { status: 204 });
    const { email, userId } = person;
    const answer = await inject(it.app, { method: 'POST', url: '/auth/login', body: { email, password } });
    const headers = { authorization: `Bearer ${answer.json<{ access_token: string }>().access_token}` };
    const organizations = await inject(it.app, { url: '/api/organizations', headers });
    const [second] = organizations.json<{ id: string }[]>();
    expect(await find(second?.id)).toMatchObject({ named_after: userId, is_name_derived: true });
    const gone = await inject(it.app, { method: 'DELETE', url: '/users/me', body: { password }, headers });
    expect(gone.statusCode).toBe(204);
    expect(await find()).toEqual(neutral);
    expect(await find(second?.id)).toBeUndefined();
  });

  test('keeps both where they chose the name themselves', async () => {
    const chosen = await inject(it.app, {
      method: 'POST',
      url: '/auth/register',
      body: { email: `${newId()}@example.org`, password, name: 'Ada', organization_name: 'Difference Engines' },
    });
    const headers = { authorization: `Bearer ${chosen.json<{ access_token: string }>().access_token}` };
    const [made] = (await inject(it.app, { url: '/api/organizations', headers })).json<{ id: string }[]>();
    expect(await find(made?.id)).toEqual({
      name: 'Difference Engines',
      slug: expect.stringMatching(/^difference-engines-/),
      named_after: null,
      is_name_derived: false,
    });
  });
});

describe('The migration that fills in whose name an organization bears', () => {
  const long = 'Augusta Ada King-Noel, Countess of Lovelace';
  const [whole, slugAlone, nothing] = [
    { is_named: true, is_name_derived: true },
    { is_named: true, is_name_derived: false },
    { is_named: false, is_name_derived: false },
  ];
  /** Who owns it, its first name, that of today where it was renamed, and what can be told of it. */
  const cases = [
    { user: 'Ada', first: 'Ada’s organization', known: whole },
    { user: 'Ada', first: 'Byron’s organization', known: whole },
    { user: 'Ada', first: 'Ada’s organization', now: 'Engines', known: slugAlone },
    { user: 'Ada', first: 'Byron’s organization', now: 'Engines', known: slugAlone },
    { user: long, first: `${long}’s organization`, now: 'Engines', known: slugAlone },
    { user: 'Zoë', first: 'Zoë’s organization', now: 'Engines', known: slugAlone },
    { user: 'Ada', first: 'Difference Engines', known: nothing },
    { user: 'Ada', first: 'A very long name of an organization that makes engines', known: nothing },
  ].map((made) => ({ ...made, id: newId(), userId: newId() }));

  test('tells what was made with an account from what somebody chose', async () => {
    const folder = await mkdtemp(joinPath(tmpdir(), 'migrations-'));
    const database = await openBlankDatabase();
    try {
      const before = (await readdir(migrationsFolder)).filter((name) => name < '0011');
      await Promise.all(before.map((name) => cp(joinPath(migrationsFolder, name), joinPath(folder, name))));
      const options = { root: database.root, log: createLog({ level: 'silent' }) };
      await migrate({ ...options, folder });
      for (const { id, userId, user, first, now = first } of cases) {
        const insertOrganization = sql`
          insert into organizations (id, slug, name) values (${id}, ${makeSlug(first)}, ${now})`;
        await insertOrganization.execute(database.root);
        await sql`
          insert into users (id, email, name, own_organization_id)
          values (${userId}, ${`${userId}@example.org`}, ${user}, ${id})`.execute(database.root);
      }
      await migrate(options);
      const { rows } = await sql<{ id: string; named_after: string | null; is_name_derived: boolean }>`
        select id, named_after, is_name_derived from organizations
        order by array_position(${cases.map(({ id }) => id)}::uuid[], id)`.execute(database.root);
      expect(rows).toEqual(
        cases.map(({ id, userId, known }) => ({
          id,
          named_after: known.is_named ? userId : null,
          is_name_derived: known.is_name_derived,
        })),
      );
    } finally {
      await database.close();
      await rm(folder, { recursive: true });
    }
  });
});
