import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';

let it: TestApp;
beforeAll(async () => {
  it = await makeTestApp();
});
afterAll(() => it.close());

test('shows a posted item on the next read', async () => {
  const organization = await it.makeOrganization();
  const { headers } = await organization.member('member');
  const before = await it.app.inject({ url: '/api/weekly/summary', headers });
  expect(before.json().data.stats.updates).toBe(0);
  const posted = await it.app.inject({
    method: 'POST',
    url: '/api/weekly/items',
    headers,
    body: { items: [{ kind: 'update', title: 'A', author: 'Ada', occurred_at: '2024-12-17T10:00:00Z' }] },
  });
  expect(posted.json()).toEqual({ success: true, data: { inserted: 1, updated: 0, unchanged: 0 } });
  const after = await it.app.inject({ url: '/api/weekly/summary', headers });
  expect(after.json().data.stats.updates).toBe(1);
});
