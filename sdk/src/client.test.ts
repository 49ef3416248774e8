import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { defineEndpoint } from '@almanac/contract/endpoint.ts';
import { login, logout } from '@almanac/contract/identity.ts';
import { addItems, exportWeek, getActivity, refreshWeek } from '@almanac/contract/weekly.ts';
import { Type } from 'typebox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AlmanacError, createClient } from './index.ts';

interface Received {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: string;
}

let received: Received;
let answer: { status: number; body?: string; headers?: Record<string, string> };
const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  void text(request).then((body) => {
    received = { method: request.method, url: request.url, headers: request.headers, body };
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers }).end(answer.body);
  });
});
let baseUrl = '';

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

const item = { kind: 'update' as const, title: 'A change', author: 'Ada', occurred_at: '2024-12-18T10:00:00Z' };

test('sends the query and answers the data without the success envelope', async () => {
  answer = { status: 200, body: '{"success":true,"data":[]}' };
  expect(await createClient({ baseUrl }).call(getActivity, { query: { week: '2024-W51' } })).toEqual([]);
  expect(received).toMatchObject({ method: 'GET', url: '/api/weekly/activity?week=2024-W51', body: '' });
  expect(received.headers).not.toHaveProperty('authorization');
});

test('sends body, token, organization and Idempotency-Key', async () => {
  answer = { status: 200, body: '{"success":true,"data":{"inserted":1,"updated":0,"unchanged":0}}' };
  const client = createClient({ baseUrl: `${baseUrl}/`, token: 'abc', organization: 'local' });
  const counts = await client.call(addItems, { body: { items: [item] }, idempotencyKey: 'k1' });
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
  expect((await createClient({ baseUrl }).call(refreshWeek)).period).toBe('Dec 16 - Dec 22, 2024');
  expect(received).toMatchObject({ method: 'POST', url: '/api/weekly/refresh', body: '' });
});

test('fills path parameters in, encoded', async () => {
  const getThing = defineEndpoint({
    id: 'thing.get',
    method: 'GET',
    path: '/things/:name/parts/:part',
    tag: 'Things',
    summary: 'A thing',
    envelope: 'plain',
    params: Type.Object({ name: Type.String(), part: Type.Integer() }),
    status: 200,
    response: Type.Object({ id: Type.Integer() }),
    errors: [],
    example: { response: { id: 1 } },
  });
  answer = { status: 200, body: '{"id":7}' };
  expect(await createClient({ baseUrl }).call(getThing, { params: { name: 'a/b ü', part: 2 } })).toEqual({ id: 7 });
  expect(received.url).toBe('/things/a%2Fb%20%C3%BC/parts/2');
});

test('answers the text of a file and null where nothing is answered', async () => {
  answer = { status: 200, body: 'id,kind\r\n', headers: { 'content-type': 'text/csv' } };
  expect(await createClient({ baseUrl }).call(exportWeek, { query: { format: 'csv' } })).toBe('id,kind\r\n');
  answer = { status: 204 };
  expect(await createClient({ baseUrl }).call(logout)).toBeNull();
});

test('throws the error of the success envelope with every wrong field', async () => {
  const errors = [{ field: 'items[0].title', issue: 'is missing', index: 0 }];
  const body = { success: false, error: 'items[0].title: is missing', code: 'VALIDATION_ERROR', details: { errors } };
  answer = { status: 400, body: JSON.stringify({ ...body, request_id: 'r-1' }) };
  const thrown = await createClient({ baseUrl })
    .call(getActivity)
    .catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(AlmanacError);
  expect(thrown).toMatchObject({ status: 400, code: 'VALIDATION_ERROR', message: body.error, faults: errors });
  expect(thrown).toMatchObject({ requestId: 'r-1', retryAfterSeconds: undefined });
});

test('throws the error of the plain envelope with when to try again', async () => {
  const error = { code: 'RATE_LIMITED', message: 'Too many attempts.' };
  const body = JSON.stringify({ error: { ...error, request_id: 'r-2' } });
  answer = { status: 429, body, headers: { 'retry-after': '3' } };
  const call = createClient({ baseUrl }).call(login, { body: { email: 'ada@example.org', password: 'x' } });
  await expect(call).rejects.toMatchObject({ ...error, status: 429, requestId: 'r-2', retryAfterSeconds: 3 });
});

test('tells an answer that is not from Almanac', async () => {
  answer = { status: 502, body: '<html>Bad gateway</html>', headers: { 'content-type': 'text/html' } };
  const call = createClient({ baseUrl }).call(getActivity);
  await expect(call).rejects.toMatchObject({ status: 502, code: 'UNEXPECTED_ANSWER', faults: [] });
});
