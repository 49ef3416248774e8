import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openBreakableProxy } from '#testing/breakable-proxy.ts';
import { type FeedDatabase, makeFeedDatabase, makeMember } from '#testing/make-feed-database.ts';
import type { UserPrincipal } from '../access/principal.ts';
import { toAppError } from '../http/error-answers.ts';
import { createLog } from '../log/log.ts';
import { openPostgres } from './database.ts';
import { createScopes, type OrganizationTx } from './scopes.ts';

const serverUrl = process.env.TEST_DATABASE_URL;
let it: FeedDatabase;
let principal: UserPrincipal;
beforeAll(async () => {
  it = await makeFeedDatabase();
  await sql`create table notes (note text primary key)`.execute(it.database.root);
  await sql`grant all on notes to almanac_app, almanac_instance`.execute(it.database.root);
});
beforeEach(async () => {
  const { organizationId, userIds } = await it.makeOrganization(1);
  principal = makeMember({ organizationId, userId: userIds[0] ?? '' });
  await sql`truncate notes`.execute(it.database.root);
});
afterAll(() => it.close());

const write = ({ db }: Pick<OrganizationTx, 'db'>, note: string) => sql`insert into notes values (${note})`.execute(db);
const readNotes = async () =>
  (await sql<{ note: string }>`select note from notes order by 1`.execute(it.database.root)).rows.map(
    ({ note }) => note,
  );
const raise = ({ db }: Pick<OrganizationTx, 'db'>, code: string) =>
  sql.raw(`do $$ begin raise exception 'as asked' using errcode = '${code}'; end $$`).execute(db);

describe('What waits for the commit', () => {
  test('runs once it stands, in order, and a failing effect harms neither the answer nor the next effect', async () => {
    const seen: string[] = [];
    const answer = await it.scopes.inOrganization(principal, async (tx) => {
      tx.afterCommit(() => Promise.reject(new Error('an effect')));
      tx.afterCommit(async () => void seen.push(`after, with ${await readNotes()}`));
      tx.beforeCommit(async () => {
        await write(tx, 'last');
        seen.push('before');
      });
      await write(tx, 'first');
      return 'done';
    });
    expect([answer, ...seen]).toEqual(['done', 'before', 'after, with first,last']);
  });

  test.each([
    ['the work throws', () => Promise.reject(new Error('as asked'))],
    ['a statement fails', (tx: OrganizationTx) => raise(tx, '22012')],
    [
      'the last statement fails',
      async (tx: OrganizationTx) => tx.beforeCommit(() => Promise.reject(new Error('as asked'))),
    ],
    ['a failure was passed over', (tx: OrganizationTx) => raise(tx, '22012').catch(() => undefined)],
  ])('never runs when %s', async (_what, fail: (tx: OrganizationTx) => Promise<unknown>) => {
    let hasRun = false;
    const work = it.scopes.inOrganization(principal, async (tx) => {
      tx.afterCommit(() => {
        hasRun = true;
      });
      await write(tx, 'lost');
      await fail(tx);
    });
    await expect(work).rejects.toThrow();
    expect([hasRun, await readNotes()]).toEqual([false, []]);
  });

  test('stands when a savepoint took the failure back', async () => {
    await it.scopes.inOrganization(principal, async (tx) => {
      await write(tx, 'kept');
      await sql`savepoint here`.execute(tx.db);
      await raise(tx, '22012').catch(() => undefined);
      await sql`rollback to savepoint here`.execute(tx.db);
    });
    expect(await readNotes()).toEqual(['kept']);
  });
});

describe('A transaction that did nothing', () => {
  test.each([
    ['a deadlock', '40P01'],
    ['a serialization failure', '40001'],
  ])('runs again after %s, its effects once', async (_what, code) => {
    let attempts = 0;
    let effects = 0;
    await it.scopes.inOrganization(principal, async (tx) => {
      attempts += 1;
      tx.afterCommit(() => {
        effects += 1;
      });
      await write(tx, 'once');
      if (attempts < 3) await raise(tx, code);
    });
    expect([attempts, effects, await readNotes()]).toEqual([3, 1, ['once']]);
  });

  test('is given up after a few attempts, and other failures are not tried again', async () => {
    const counts = { '40001': 0, '23514': 0 };
    for (const code of ['40001', '23514'] as const) {
      const work = it.scopes.inInstance(async (tx) => {
        counts[code] += 1;
        await raise(tx, code);
      });
      await expect(work).rejects.toThrow('as asked');
    }
    expect(counts).toEqual({ '40001': 4, '23514': 1 });
  });

  test.skipIf(!serverUrl)('runs again after a deadlock of two', async () => {
    await sql`insert into notes values ('a'), ('b')`.execute(it.database.root);
    const both = Promise.withResolvers<void>();
    let holding = 0;
    const lock = (first: string, second: string) =>
      it.scopes.inOrganization(principal, async ({ db }) => {
        await sql`select from notes where note = ${first} for update`.execute(db);
        holding += 1;
        if (holding >= 2) both.resolve();
        await both.promise;
        await sql`select from notes where note = ${second} for update`.execute(db);
      });
    await Promise.all([lock('a', 'b'), lock('b', 'a')]);
    expect(holding).toBe(3);
  });
});

describe('Concurrent callers', () => {
  test('a query beside an open transaction is not inside it', async () => {
    const opened = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const work = it.scopes.inOrganization(principal, async (tx) => {
      await write(tx, 'unseen');
      opened.resolve();
      await goOn.promise;
      throw new Error('as asked');
    });
    await opened.promise;
    const beside = readNotes();
    const role = sql<{ role: string }>`select current_user as role`.execute(it.database.root);
    goOn.resolve();
    await expect(work).rejects.toThrow('as asked');
    expect(await beside).toEqual([]);
    expect((await role).rows[0]?.role).not.toContain('almanac');
  });

  test('many transactions at once, some failing, do not mix', async () => {
    const runs = Array.from({ length: 60 }, (_, n) =>
      it.scopes
        .inOrganization(principal, async (tx) => {
          await write(tx, `${n}`.padStart(2, '0'));
          const { rows } = await sql<{ n: number }>`select count(*) as n from pg_stat_activity where false`.execute(
            tx.db,
          );
          if (n % 3 === 0) await sql`select nonsense`.execute(tx.db);
          return rows[0]?.n;
        })
        .catch(() => 'failed'),
    );
    const answers = await Promise.all(runs);
    expect(answers.filter((answer) => answer === 'failed')).toHaveLength(20);
    expect(await readNotes()).toEqual(
      Array.from({ length: 60 }, (_, n) => n)
        .filter((n) => n % 3 !== 0)
        .map((n) => `${n}`.padStart(2, '0')),
    );
  });

  test('a transaction has the isolation it asks for', async () => {
    const { rows } = await it.database.root
      .transaction()
      .setIsolationLevel('serializable')
      .execute((db) => sql<{ transaction_isolation: string }>`show transaction_isolation`.execute(db));
    expect(rows).toEqual([{ transaction_isolation: 'serializable' }]);
  });
});

describe('A transaction of one moment', () => {
  const isolationOf = async ({ db }: Pick<OrganizationTx, 'db'>) =>
    (await sql<{ transaction_isolation: string }>`show transaction_isolation`.execute(db)).rows[0]
      ?.transaction_isolation;

  test('is one where that was asked for, and only there', async () => {
    const isolation = 'repeatable read';
    expect(await it.scopes.inOrganization(principal, isolationOf, { isolation })).toBe(isolation);
    expect(await it.scopes.inOrganization(principal, isolationOf)).toBe('read committed');
  });
});

describe('Work in an organization inside a transaction on accounts', () => {
  const whoAmI = async ({ db }: Pick<OrganizationTx, 'db'>) => {
    const { rows } = await sql<{ role: string; organization: string | null }>`
      select current_user as role, nullif(split_part(current_setting('almanac.scope', true), '/', 3), '') as organization`.execute(
      db,
    );
    return rows[0];
  };

  test('is the system there, and what follows is not', async () => {
    const { organizationId } = principal;
    const [before, inside, after] = await it.scopes.inInstance(async (tx) => [
      await whoAmI(tx),
      await tx.inOrganization(organizationId, whoAmI),
      await whoAmI(tx),
    ]);
    expect(before).toEqual({ role: 'almanac_instance', organization: null });
    expect(inside).toEqual({ role: 'almanac_system', organization: organizationId });
    expect(after).toEqual(before);
  });

  test('commits with it, has its last statements inside, and its effects after the commit of all', async () => {
    const { organizationId } = principal;
    const seen: string[] = [];
    await it.scopes.inInstance(async (tx) => {
      await tx.inOrganization(organizationId, async (inside) => {
        inside.beforeCommit(async () => void seen.push(`last, as ${(await whoAmI(inside))?.role}`));
        inside.afterCommit(async () => void seen.push(`after, with ${await readNotes()}`));
      });
      seen.push('outside');
      await write(tx, 'all');
    });
    expect(seen).toEqual(['last, as almanac_system', 'outside', 'after, with all']);
  });

  test('is undone with it, and its effects never run', async () => {
    const { organizationId } = principal;
    let hasRun = false;
    const work = it.scopes.inInstance(async (tx) => {
      await write(tx, 'before');
      await tx.inOrganization(organizationId, async (inside) =>
        inside.afterCommit(() => {
          hasRun = true;
        }),
      );
      throw new Error('as asked');
    });
    await expect(work).rejects.toThrow('as asked');
    expect([await readNotes(), hasRun]).toEqual([[], false]);
  });
});

describe('A database that cannot be reached', () => {
  const log = createLog({ level: 'silent' });
  const unavailable = { code: 'DATABASE_UNAVAILABLE', status: 503, retryAfterSeconds: 1 };

  test('is told as 503', async () => {
    const database = openPostgres({ connectionString: 'postgres://nobody@127.0.0.1:1/none', log });
    await expect(createScopes({ database, log }).inInstance(async () => 1)).rejects.toMatchObject(unavailable);
    await expect(
      sql`select 1`.execute(database.root).catch((error) => Promise.reject(toAppError(error))),
    ).rejects.toMatchObject(unavailable);
    await database.close();
  });

  test.skipIf(!serverUrl)('is told as 503 in the middle of a transaction, and is found again by itself', async () => {
    const { hostname, port } = new URL(serverUrl ?? '');
    const proxy = await openBreakableProxy({ host: hostname, port: Number(port) });
    const url = new URL(it.database.connectionString ?? '');
    url.port = String(proxy.port);
    const database = openPostgres({ connectionString: url.href, log });
    const scopes = createScopes({ database, log });
    const work = scopes.inOrganization(principal, async (tx) => {
      await write(tx, 'lost');
      proxy.cut();
      await write(tx, 'never');
    });
    await expect(work).rejects.toMatchObject(unavailable);
    await expect(scopes.inInstance(async () => 1)).rejects.toMatchObject(unavailable);
    proxy.heal();
    await scopes.inOrganization(principal, (tx) => write(tx, 'found'));
    const ended = scopes.inOrganization(principal, ({ db }) =>
      sql`select pg_terminate_backend(pg_backend_pid())`.execute(db),
    );
    await expect(ended).rejects.toThrow();
    await scopes.inOrganization(principal, (tx) => write(tx, 'again'));
    expect(await readNotes()).toEqual(['again', 'found']);
    await database.close();
    await proxy.close();
  });

  test('is not what a missing file or a foreign service is taken for', () => {
    const missing = Object.assign(new Error('no such file'), { code: 'ENOENT', syscall: 'open' });
    expect(toAppError(missing).code).toBe('INTERNAL_ERROR');
    expect(toAppError(undefined).code).toBe('INTERNAL_ERROR');
    expect(toAppError(Object.assign(new Error('no socket'), { code: 'ENOENT', syscall: 'connect' })).code).toBe(
      'DATABASE_UNAVAILABLE',
    );
  });
});
