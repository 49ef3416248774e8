import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { AlmanacError, createClient, type Timing } from './index.ts';

interface Received {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: string;
}

interface Answer {
  status: number;
  body?: string;
  headers?: Record<string, string>;
}

let received: Received;
let requests = 0;
let answer: Answer;
/** Come before `answer`, one a request. */
let firstAnswers: Answer[] = [];
const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  const refuse = () => response.destroy();
  text(request).then((body) => {
    received = { method: request.method, url: request.url, headers: request.headers, body };
    requests += 1;
    const { status, headers, body: sent } = firstAnswers.shift() ?? answer;
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(sent);
  }, refuse);
});
let baseUrl = '';

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  requests = 0;
  firstAnswers = [];
});
afterAll(() => server.close());

const item = { kind: 'update' as const, title: 'A change', author: 'Ada', occurred_at: '2024-12-18T10:00:00Z' };

test('sends the query and answers the data without the success envelope', async () => {
  answer = { status: 200, body: '{"success":true,"data":[]}' };
  expect(await createClient({ baseUrl }).weekly.getActivity({ query: { week: '2024-W51' } })).toEqual([]);
  expect(received).toMatchObject({ method: 'GET', url: '/api/weekly/activity?week=2024-W51', body: '' });
  expect(received.headers).not.toHaveProperty('authorization');
});

test('sends body, token, organization and Idempotency-Key', async () => {
  answer = { status: 200, body: '{"success":true,"data":{"inserted":1,"updated":0,"unchanged":0}}' };
  const client = createClient({ baseUrl: `${baseUrl}/`, token: 'abc', organization: 'local' });
  const counts = await client.weekly.addItems({ body: { items: [item] }, idempotencyKey: 'k1' });
  expect(counts.inserted).toBe(1);
  expect(received.headers).toMatchObject({
    authorization: 'Bearer abc',
    'x-organization-id': 'local',
    'idempotency-key': 'k1',
    'content-type': 'application/json',
  });
  expect(JSON.parse(received.body)).toEqual({ items: [item] });
});

test('calls without input where every field is optional', async () => {
  answer = { status: 200, body: '{"success":true,"data":{"period":"Dec 16 - Dec 22, 2024"}}' };
  expect((await createClient({ baseUrl }).weekly.refresh()).period).toBe('Dec 16 - Dec 22, 2024');
  expect(received).toMatchObject({ method: 'POST', url: '/api/weekly/refresh', body: '' });
});

test('fills path parameters in, encoded, behind the path of the server', async () => {
  answer = { status: 200, body: '{"metric_type":"a"}' };
  const { metrics } = createClient({ baseUrl: `${baseUrl}/almanac/` });
  await metrics.describe({ params: { metric_type: 'a/b ü', metric_name: '?#' }, body: { direction: 'up' } });
  expect(received.url).toBe('/almanac/api/dashboard/catalog/a%2Fb%20%C3%BC/%3F%23');
});

test('acts in the organization of a call, and hands its headers over', async () => {
  answer = { status: 200, body: '{"success":true,"data":[]}', headers: { 'x-total-count': '7' } };
  const client = createClient({ baseUrl, organization: 'one' });
  let total: string | null = null;
  const onHeaders = (headers: Headers) => {
    total = headers.get('x-total-count');
  };
  await client.weekly.listPending({ organization: 'other', onHeaders });
  expect([total, received.headers['x-organization-id']]).toEqual(['7', 'other']);
});

const csv = {
  status: 200,
  body: 'id,kind\r\n',
  headers: { 'content-type': 'text/csv', 'content-disposition': 'attachment; filename="week.csv"' },
};

test('answers a file unread, with its name and type', async () => {
  answer = csv;
  const read = () => createClient({ baseUrl }).weekly.export({ query: { format: 'csv' } });
  const file = await read();
  expect([file.name, file.mediaType, await file.text()]).toEqual(['week.csv', 'text/csv', 'id,kind\r\n']);
  expect((await (await read()).blob()).size).toBe(9);
  expect(await new Response((await read()).stream).text()).toBe('id,kind\r\n');
});

test('answers null where nothing is answered', async () => {
  answer = { status: 204 };
  expect(await createClient({ baseUrl }).identity.logout()).toBeNull();
});

test('sends lines as they come from any iterable', async () => {
  answer = { status: 202, body: '{"accepted":2,"duplicates":0}' };
  async function* measure() {
    for (const metric_value of [1, 2]) yield { metric_type: 'a', metric_name: 'b', metric_value };
  }
  const { metrics } = createClient({ baseUrl });
  expect(await metrics.addPoints({ lines: measure() })).toEqual({ accepted: 2, duplicates: 0 });
  expect(received.headers['content-type']).toBe('application/x-ndjson');
  expect(
    received.body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).metric_value),
  ).toEqual([1, 2]);
  await metrics.addPoints({ lines: [{ metric_type: 'a', metric_name: 'b', metric_value: 3 }] });
  expect(JSON.parse(received.body).metric_value).toBe(3);
});

test('hands what the source of the lines throws to the caller, and ends the source when the call is aborted', async () => {
  answer = { status: 202, body: '{"accepted":0,"duplicates":0}' };
  const fault = new Error('the meter broke');
  async function* breaking() {
    yield { metric_type: 'a', metric_name: 'b', metric_value: 1 };
    throw fault;
  }
  const { metrics } = createClient({ baseUrl });
  const broken = await metrics.addPoints({ lines: breaking() }).catch((error: unknown) => error);
  expect([broken, (broken as Error).cause]).toContain(fault);
  const ended = Promise.withResolvers<void>();
  const abort = new AbortController();
  async function* endless() {
    try {
      for (let count = 0; ; count += 1) {
        if (count === 2_000) abort.abort(fault);
        yield { metric_type: 'a', metric_name: 'x'.repeat(100), metric_value: count };
        await new Promise(setImmediate);
      }
    } finally {
      ended.resolve();
    }
  }
  const call = metrics.addPoints({ lines: endless(), signal: abort.signal });
  await expect(call).rejects.toBe(fault);
  await ended.promise;
});

test('throws the error of the success envelope with every wrong field', async () => {
  const errors = [{ field: 'items[0].title', issue: 'is missing', index: 0 }];
  const body = { success: false, error: 'items[0].title: is missing', code: 'VALIDATION_ERROR', details: { errors } };
  answer = { status: 400, body: JSON.stringify({ ...body, request_id: 'r-1' }) };
  const thrown = await createClient({ baseUrl })
    .weekly.getActivity()
    .catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(AlmanacError);
  expect(thrown).toMatchObject({ status: 400, code: 'VALIDATION_ERROR', message: body.error, faults: errors });
  expect(thrown).toMatchObject({ requestId: 'r-1', retryAfterSeconds: undefined });
});

test('throws the error of the plain envelope with when to try again', async () => {
  const error = { code: 'RATE_LIMITED', message: 'Too many attempts.' };
  const body = JSON.stringify({ error: { ...error, request_id: 'r-2' } });
  answer = { status: 429, body, headers: { 'retry-after': '3' } };
  const call = createClient({ baseUrl }).identity.login({ body: { email: 'ada@example.org', password: 'x' } });
  await expect(call).rejects.toMatchObject({ ...error, status: 429, requestId: 'r-2', retryAfterSeconds: 3 });
});

test('tells an answer that is not from Almanac', async () => {
  answer = { status: 502, body: '<html>Bad gateway</html>', headers: { 'content-type': 'text/html' } };
  const call = createClient({ baseUrl }).weekly.getActivity();
  await expect(call).rejects.toMatchObject({ status: 502, code: 'UNEXPECTED_ANSWER', faults: [] });
});

test('refuses a server that is no URL where there is no page', () => {
  expect(() => createClient({})).toThrow("baseUrl: '/' is not the URL of a server");
});

test('shows a key, and never a key and a token', async () => {
  answer = { status: 200, body: '[]' };
  await createClient({ baseUrl, apiKey: 'alm_1' }).organizations.list();
  expect(received.headers).toMatchObject({ 'x-api-key': 'alm_1' });
  expect(received.headers).not.toHaveProperty('authorization');
});

const busy = (seconds: string): Answer => ({
  status: 503,
  headers: { 'retry-after': seconds },
  body: '{"error":{"code":"OVERLOADED","message":"Busy."}}',
});

/** Time that passes at once, and the waits that were asked for. */
function passAtOnce(): Timing & { waits: number[] } {
  const waits: number[] = [];
  const after = (milliseconds: number, run: () => void) => {
    waits.push(milliseconds);
    const timer = setImmediate(run);
    return () => clearImmediate(timer);
  };
  return { waits, now: () => 0, random: () => 0, after };
}

test('repeats a GET, and a call with an Idempotency-Key, after the time that the server asks for', async () => {
  const timing = passAtOnce();
  const client = createClient({ baseUrl, timing });
  answer = { status: 200, body: '{"success":true,"data":[]}' };
  firstAnswers = [busy('1'), { ...busy('7'), status: 429 }];
  expect(await client.weekly.getActivity()).toEqual([]);
  firstAnswers = [busy('3')];
  await client.weekly.addItems({ body: { items: [item] }, idempotencyKey: 'k1' });
  expect(received.headers['idempotency-key']).toBe('k1');
  expect(timing.waits).toEqual([1_000, 7_000, 3_000]);
});

test('repeats nothing else, no more often than twice, and waits no longer than a minute', async () => {
  const timing = passAtOnce();
  const client = createClient({ baseUrl, timing });
  const calls = {
    'without a key': () => client.weekly.addItems({ body: { items: [item] } }),
    'of a PUT': () => client.identity.updateProfile({ body: { name: 'Ada' } }),
    'with lines': () => client.metrics.addPoints({ lines: [], idempotencyKey: 'k' } as never),
  };
  answer = busy('1');
  for (const [kind, call] of Object.entries(calls)) {
    requests = 0;
    await expect(call(), kind).rejects.toMatchObject({ code: 'OVERLOADED' });
    expect(requests, kind).toBe(1);
  }
  requests = 0;
  await expect(client.weekly.getStats()).rejects.toMatchObject({ code: 'OVERLOADED' });
  expect(requests).toBe(3);
  requests = 0;
  await expect(client.weekly.getStats({ retries: 0 })).rejects.toMatchObject({ code: 'OVERLOADED' });
  expect(requests).toBe(1);
  for (const seconds of ['61', 'Wed, 21 Oct 2026 07:28:00 GMT']) {
    answer = busy(seconds);
    requests = 0;
    await expect(client.weekly.getStats()).rejects.toMatchObject({ code: 'OVERLOADED' });
    expect(requests, seconds).toBe(1);
  }
});

test('stops waiting when the call is aborted', async () => {
  answer = busy('30');
  const abort = new AbortController();
  const reason = new Error('closed');
  const timing: Timing = {
    ...passAtOnce(),
    after: () => {
      queueMicrotask(() => abort.abort(reason));
      return () => undefined;
    },
  };
  const call = createClient({ baseUrl, timing }).weekly.getStats({ signal: abort.signal });
  await expect(call).rejects.toBe(reason);
  expect(requests).toBe(1);
});
