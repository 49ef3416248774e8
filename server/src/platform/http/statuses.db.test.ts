import { Writable } from 'node:stream';
import type { LightMyRequestResponse } from 'fastify';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLog } from '#platform/log/log.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp, type TestMember } from '#testing/make-app.ts';

let it: TestApp;
let member: TestMember;
let viewer: TestMember;
let isDraining = false;
const lines: string[] = [];
const destination = new Writable({
  write(chunk, _encoding, done) {
    lines.push(String(chunk));
    done();
  },
});

beforeAll(async () => {
  const log = createLog({ level: 'info', destination });
  it = await makeTestApp({ log, isDraining: () => isDraining });
  const organization = await it.makeOrganization();
  member = await organization.member('member');
  viewer = await organization.member('viewer');
});
afterAll(() => it.close());

const item = { kind: 'update', title: 'A', author: 'Ada', occurred_at: '2024-12-17T10:00:00Z' };
const post = async (payload: unknown, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> =>
  inject(it.app, {
    method: 'POST',
    url: '/api/weekly/items',
    headers: { 'content-type': 'application/json', ...member.headers, ...headers },
    payload: typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
  });

const issue = (field: string, text: string, index?: number) => ({
  field,
  issue: expect.stringContaining(text),
  ...(index === undefined ? {} : { index }),
});

describe('400', () => {
  test('names every wrong field of a batch, with the index of its item', async () => {
    const items = [item, { ...item, kind: 'deploy', impact: 3 }, { title: 'B' }, { ...item, colour: 'red' }];
    const answer = await post({ items });
    expect(answer.statusCode).toBe(400);
    const { details, ...rest } = answer.json();
    expect(rest).toMatchObject({ success: false, code: 'VALIDATION_ERROR', request_id: expect.any(String) });
    expect(details.errors).toEqual(
      expect.arrayContaining([
        issue('items[1].kind', "'deploy' is not one of upload, update", 1),
        issue('items[1].impact', 'is not one of high, medium, low', 1),
        issue('items[2].kind', 'is missing', 2),
        issue('items[2].author', 'is missing', 2),
        issue('items[2].occurred_at', 'is missing', 2),
        issue('items[3].colour', 'is not taken here; taken are kind, title', 3),
      ]),
    );
    expect(details).toMatchObject({ field: details.errors[0].field, issue: details.errors[0].issue });
  });

  test.each([
    ['a number where a text or null belongs', { ...item, url: 5 }, "'5' is not of type string or null"],
    ['a text that is no web address', { ...item, url: 'ftp://x' }, "'ftp://x' is not a web address"],
  ])('says in one fault what is wrong with %s', async (_what, wrong, text) => {
    const answer = await post({ items: [wrong] });
    expect(answer.json().details.errors).toEqual([issue('items[0].url', text, 0)]);
  });

  test.each([
    ['a number as a text', { items: [{ ...item, title: 5 }] }, "'5' is not of type string"],
    ['a list in place of the object', [item], 'is not of type object'],
    ['null in place of the object', null, 'body: is missing'],
    ['an object in place of the list', { items: item }, 'is not of type array'],
    ['an empty batch', { items: [] }, 'at least 1 are needed'],
    ['a day that is none', { items: [{ ...item, occurred_at: '2024-02-30T10:00:00Z' }] }, 'is not a time such as'],
    ['U+0000', '{"items":[{"kind":"update","title":"a\\u0000b"}]}', 'U+0000'],
    ['half of a surrogate pair', '{"items":[{"title":"\\ud800"}]}', 'surrogate'],
    ['a __proto__ key', '{"items":[],"__proto__":{"a":1}}', 'is not taken as the name of a field'],
    ['a hidden __proto__ key', '{"items":[{"\\u005f_proto__":1}]}', 'is not taken as the name of a field'],
  ])('refuses %s', async (_what, body, text) => {
    const answer = await post(body);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: 'VALIDATION_ERROR', error: expect.stringContaining(text) });
  });

  test('refuses a call without the body it needs', async () => {
    const answer = await inject(it.app, { method: 'POST', url: '/api/weekly/items', headers: member.headers });
    expect(answer.json()).toMatchObject({ code: 'VALIDATION_ERROR', error: 'body: is missing; an object is needed' });
  });

  test.each([
    ['text that is no JSON', '{"items": [NaN]}', 'not valid JSON'],
    ['a body cut off', '{"items": [', 'not valid JSON'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'not valid UTF-8'],
  ])('refuses %s as malformed', async (_what, body, text) => {
    const answer = await post(body);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: 'MALFORMED_BODY', error: expect.stringContaining(text) });
  });

  test.each([
    ['/api/weekly/summary?week=2024-W51&week=2024-W50', 'week'],
    ['/api/weekly/summary?wek=current', 'wek'],
    ['/api/weekly/summary?week=soon', 'week'],
    ['/api/weekly/summary?week=%00', 'week'],
    ['/api/weekly/pending?limit=0', 'limit'],
    ['/api/weekly/pending?limit=ten', 'limit'],
    ['/api/weekly/pending?limit=1.5', 'limit'],
    ['/api/weekly/export?format=pdf', 'format'],
    ['/api/feed?after=1e400', 'after'],
    ['/api/feed?after=99999999999999999999', 'after'],
    ['/api/feed?after=-1', 'after'],
    ['/api/feed?after=0&types=nothing', 'types'],
    ['/api/feed?__proto__=1', '__proto__'],
  ])('names the wrong parameter of %s', async (url, field) => {
    const answer = await inject(it.app, { url, headers: member.headers });
    expect(answer.statusCode).toBe(400);
    const body = answer.json();
    expect((body.details ?? body.error.details).errors).toEqual([expect.objectContaining({ field })]);
  });

  test('refuses an Idempotency-Key that is none', async () => {
    for (const key of ['', 'with a space', 'x'.repeat(256), 'ümlaut']) {
      const answer = await post({ items: [item] }, { 'idempotency-key': key });
      expect(answer.json()).toMatchObject({ code: 'VALIDATION_ERROR', details: { field: 'Idempotency-Key' } });
    }
  });
});

describe('401 and 403', () => {
  test.each([
    ['no credentials where anonymous access may not do this', {}, 'UNAUTHENTICATED'],
    ['a token that is none', { authorization: 'Bearer nonsense' }, 'INVALID_TOKEN'],
    ['another scheme', { authorization: 'Basic YTpi' }, 'INVALID_TOKEN'],
  ])('answers 401 to %s, and says how to sign in', async (_what, headers, code) => {
    const answer = await inject(it.app, { method: 'POST', url: '/api/weekly/items', headers, body: { items: [item] } });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toContain('Bearer');
    expect(answer.json()).toMatchObject({ success: false, code });
  });

  test('answers 403 to a role that is too low, before it reads the body', async () => {
    const answer = await post('{broken', viewer.headers);
    expect(answer.statusCode).toBe(403);
    expect(answer.json()).toMatchObject({ code: 'FORBIDDEN', error: expect.stringContaining('member') });
  });
});

describe('404, 405, 406, 413, 415', () => {
  test.each([
    ['/api/weekly', true],
    ['/api/weekly/nothing', true],
    ['/api/weekly-nothing', false],
    ['/nothing', false],
    ['/api/weekly/%00', true],
    ['/%', false],
    [`/${'a/'.repeat(2_000)}`, false],
    [`/api/weekly/${'a'.repeat(3_000)}`, true],
    ['/..%2f..%2fetc%2fpasswd', false],
    ['/assets/..%2f..%2fpackage.json', false],
  ])('answers 404 in the envelope of the place: %#', async (url, wearsSuccess) => {
    const answer = await inject(it.app, { url });
    expect(answer.statusCode).toBe(404);
    const body = answer.json();
    expect(wearsSuccess ? body.code : body.error.code).toBe('NOT_FOUND');
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.body.length).toBeLessThan(600);
  });

  test('answers 405 with what the path takes', async () => {
    const answer = await inject(it.app, { method: 'DELETE', url: '/api/weekly/items' });
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'POST']);
    expect(answer.json()).toMatchObject({ success: false, code: 'METHOD_NOT_ALLOWED' });
    const read = await inject(it.app, { method: 'POST', url: '/users/profile?a=1' });
    expect([read.statusCode, read.headers.allow]).toEqual([405, 'GET, HEAD, PUT']);
  });

  test('answers 406 where JSON is not wanted', async () => {
    const answer = await inject(it.app, {
      url: '/api/weekly/summary',
      headers: { ...member.headers, accept: 'text/xml' },
    });
    expect([answer.statusCode, answer.json().code]).toEqual([406, 'NOT_ACCEPTABLE']);
  });

  test('answers 413 past the limit of the route', async () => {
    const large = await inject(it.app, {
      method: 'POST',
      url: '/auth/login',
      payload: { email: 'a'.repeat(1_100_000) },
    });
    expect([large.statusCode, large.json().error.code]).toEqual([413, 'BODY_TOO_LARGE']);
    const allowed = await post(`{"items":[],"x":"${'a'.repeat(2_000_000)}"}`);
    expect(allowed.statusCode).toBe(400);
    expect((await post(Buffer.alloc(9_000_000, 0x20))).statusCode).toBe(413);
  });

  test('answers 415 to a body of another type or encoding, and takes an empty one of any', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const answer = await post('a=1', { 'content-type': type });
      expect([answer.statusCode, answer.json().code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
      const empty = await inject(it.app, {
        method: 'POST',
        url: '/api/weekly/refresh',
        headers: { 'content-type': type },
      });
      expect(empty.statusCode).toBe(401);
      const refreshed = await inject(it.app, {
        method: 'POST',
        url: '/api/weekly/refresh',
        headers: { ...member.headers, 'content-type': type },
      });
      expect([type, refreshed.json()]).toEqual([type, expect.objectContaining({ success: true })]);
    }
    expect((await post('a=1', { 'content-type': 'nonsense' })).statusCode).toBe(415);
    expect((await post('{}', { 'content-encoding': 'gzip' })).statusCode).toBe(415);
  });
});

describe('500 and 503', () => {
  test('says nothing of the inside, and the log line is found by its request_id', async () => {
    await sql`alter table activity_weeks rename to moved_away`.execute(it.platform.database.root);
    const answer = await inject(it.app, { url: '/api/weekly/summary', headers: member.headers });
    await sql`alter table moved_away rename to activity_weeks`.execute(it.platform.database.root);
    expect(answer.statusCode).toBe(500);
    const { request_id, ...body } = answer.json();
    expect(body).toEqual({ success: false, code: 'INTERNAL_ERROR', error: 'Something went wrong on our side.' });
    const line = lines.find((text) => text.includes(request_id) && text.includes('activity_weeks'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ code: 'INTERNAL_ERROR', request_id });
  });

  test('refuses work while it stops, says when to come back, and stays alive', async () => {
    isDraining = true;
    const [work, alive, ready] = await Promise.all(
      ['/api/weekly/summary', '/healthz', '/readyz'].map((url) => inject(it.app, { url, headers: member.headers })),
    );
    isDraining = false;
    expect([work?.statusCode, work?.json().code, work?.headers['retry-after']]).toEqual([503, 'SHUTTING_DOWN', '1']);
    expect([alive?.statusCode, ready?.statusCode]).toEqual([200, 503]);
    expect(ready?.json()).toEqual({ status: 'draining' });
  });
});

test('a process whose event loop is late refuses requests for a moment, and stays alive', async () => {
  const late = await makeTestApp({ limits: { maxEventLoopDelayMs: -1 } });
  const answer = await inject(late.app, { url: '/api/weekly/summary' });
  expect([answer.statusCode, answer.json().code, answer.headers['retry-after']]).toEqual([503, 'OVERLOADED', '2']);
  expect((await inject(late.app, { url: '/healthz' })).statusCode).toBe(200);
  await late.close();
});
