import { listMails } from '@almanac/contract/mail.ts';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp, type TestMember } from '#testing/make-app.ts';
import { createCursors } from '../http/cursor.ts';

let it: TestApp;
let admin: TestMember;
let owner: TestMember;

beforeAll(async () => {
  it = await makeTestApp({ ownsDatabase: true });
  const organization = await it.makeOrganization();
  // The first account of the installation administers it.
  admin = await organization.member('viewer');
  owner = await organization.member('owner');
});
afterAll(() => it.close());

beforeEach(() => it.platform.mail.deleteOld(new Date('2100-01-01')));

const read = (query: Record<string, string> = {}, headers: Record<string, string> = admin.headers) =>
  inject(it.app, { method: 'GET', url: listMails.path, query, headers });

async function write(subject: string): Promise<void> {
  const { mail, scopes } = it.platform;
  await scopes.inInstance((tx) => mail.queue(tx, { to: 'ada@example.net', subject, text: 'Hello', html: '<p>Hello' }));
}

test('an administrator of the installation reads the kept mails, with what they say', async () => {
  await write('Confirm your address');
  const answer = await read();
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual({
    items: [
      {
        id: expect.any(String),
        recipient: 'ada@example.net',
        subject: 'Confirm your address',
        status: 'kept',
        body_text: 'Hello',
        created_at: it.clock.now.toISOString(),
        sent_at: null,
        attempts: 0,
        problem: null,
      },
    ],
    next_cursor: null,
  });
});

test('nobody else does, whatever their role', async () => {
  await write('Confirm your address');
  for (const [headers, status] of [
    [owner.headers, 403],
    [{}, 401],
  ] as const) {
    const answer = await read({}, headers);
    expect(answer.statusCode).toBe(status);
    expect(answer.body).not.toContain('ada@');
  }
});

test('the pages hold every mail once, the newest first, also those of one moment', async () => {
  const moments = [0, 0, 0, 0, 1, 1, 1, 1, 1, 2];
  const start = it.clock.now.getTime();
  for (const [index, second] of moments.entries()) {
    it.clock.now = new Date(start + second * 1_000);
    await write(`Number ${index}`);
  }
  const whole = (await read()).json().items as { id: string; created_at: string }[];
  expect(whole).toHaveLength(moments.length);
  const sorted = whole.toSorted((a, b) => (`${a.created_at}${a.id}` < `${b.created_at}${b.id}` ? 1 : -1));
  expect(whole).toEqual(sorted);
  for (const limit of [1, 3, 5, 10]) {
    const paged: unknown[] = [];
    let cursor: string | null | undefined;
    do {
      const page = (await read({ limit: String(limit), ...(cursor ? { cursor } : {}) })).json();
      expect(page.items.length).toBeLessThanOrEqual(limit);
      paged.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor);
    expect(paged).toEqual(whole);
  }
});

test('a cursor that this list did not give is refused', async () => {
  const foreign = createCursors(Buffer.alloc(32)).seal(listMails.id, [0, 'x']);
  const other = it.platform.cursors.seal('audit.list', [0, 'x']);
  for (const cursor of [foreign, other, 'x']) {
    const answer = await read({ cursor });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().error.details.field).toBe('cursor');
  }
});

test('each mail says where it stands', async () => {
  const states = {
    waiting: sql`next_attempt_at = now(), problem = '451 later', attempts = 1`,
    sent: sql`sent_at = '2024-12-18T12:00:01Z', body_text = null, attempts = 2`,
    failed: sql`problem = '550 no such address', attempts = 1`,
  };
  for (const [subject, state] of Object.entries(states)) {
    await write(subject);
    await it.platform.scopes.inInstance(({ db }) =>
      sql`update mails set ${state} where subject = ${subject}`.execute(db),
    );
  }
  const { items } = (await read()).json();
  expect(items).toHaveLength(3);
  for (const { subject, status } of items) expect(status).toBe(subject);
  const sent = { body_text: null, sent_at: '2024-12-18T12:00:01.000Z', attempts: 2, problem: null };
  expect(items).toContainEqual(expect.objectContaining(sent));
  expect(items).toContainEqual(expect.objectContaining({ problem: '550 no such address', body_text: 'Hello' }));
});
