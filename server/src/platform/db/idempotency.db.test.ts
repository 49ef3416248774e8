import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type FeedDatabase, makeFeedDatabase, makeMember } from '#testing/make-feed-database.ts';
import type { UserPrincipal } from '../access/principal.ts';
import type { IdempotentCall } from './idempotency.ts';

let it: FeedDatabase;
let principal: UserPrincipal;
let other: UserPrincipal;
let count = 0;
beforeAll(async () => {
  it = await makeFeedDatabase();
});
beforeEach(async () => {
  const { organizationId, userIds } = await it.makeOrganization(2);
  principal = makeMember({ organizationId, userId: userIds[0] ?? '' });
  other = makeMember({ organizationId, userId: userIds[1] ?? '' });
  count = 0;
});
afterAll(() => it.close());

const once = (change: Partial<IdempotentCall> = {}): IdempotentCall => ({
  caller: principal.userId,
  route: 'test.count',
  key: 'key',
  requestHash: 'a',
  wasReplayed: false,
  ...change,
});
const call = (how: IdempotentCall, work: () => Promise<unknown> = async () => ({ count: ++count }), who = principal) =>
  it.scopes.inOrganization(who, work, { once: how });

test('the same key and body get the stored answer', async () => {
  expect(await call(once())).toEqual({ count: 1 });
  const repeated = once();
  expect(await call(repeated)).toEqual({ count: 1 });
  expect([repeated.wasReplayed, count]).toEqual([true, 1]);
});

test('an answer without content is stored too', async () => {
  const nothing = async () => undefined;
  await call(once(), nothing);
  expect(await call(once(), nothing)).toBeNull();
});

test('the same key with another body is refused', async () => {
  await call(once());
  await expect(call(once({ requestHash: 'b' }))).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED', status: 422 });
});

test('another caller, route or organization has keys of its own', async () => {
  await call(once());
  expect(await call(once({ caller: other.userId }), undefined, other)).toEqual({ count: 2 });
  expect(await call(once({ route: 'test.other' }))).toEqual({ count: 3 });
  const { organizationId, userIds } = await it.makeOrganization(1);
  const elsewhere = makeMember({ organizationId, userId: userIds[0] ?? '' });
  expect(await call(once(), undefined, elsewhere)).toEqual({ count: 4 });
});

test('of many calls at once one does the work; the others get its answer, or 409 while it runs', async () => {
  const answers = await Promise.allSettled(Array.from({ length: 12 }, () => call(once())));
  expect(count).toBe(1);
  for (const answer of answers) {
    if (answer.status === 'fulfilled') expect(answer.value).toEqual({ count: 1 });
    else expect(answer.reason).toMatchObject({ code: 'IN_PROGRESS', status: 409, retryAfterSeconds: 1 });
  }
});

test.skipIf(!process.env.TEST_DATABASE_URL)('a call made while the first still runs gets 409', async () => {
  const [running, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const first = call(once(), async () => {
    running.resolve();
    await goOn.promise;
    return 'first';
  });
  await running.promise;
  await expect(call(once())).rejects.toMatchObject({ code: 'IN_PROGRESS' });
  goOn.resolve();
  expect(await first).toBe('first');
  expect(await call(once())).toBe('first');
});

test('work that fails stores nothing, so the call can be made again', async () => {
  await expect(call(once(), () => Promise.reject(new Error('a crash')))).rejects.toThrow('a crash');
  expect(await call(once({ requestHash: 'b' }))).toEqual({ count: 1 });
});

test('a key is free again after 24 hours, whatever the body', async () => {
  await call(once());
  const age = (interval: string) =>
    sql`update idempotency_keys set created_at = now() - ${interval}::interval where organization_id = ${principal.organizationId}`.execute(
      it.database.root,
    );
  await age('23 hours 59 minutes');
  expect(await call(once())).toEqual({ count: 1 });
  await age('24 hours 1 second');
  expect(await call(once({ requestHash: 'b' }))).toEqual({ count: 2 });
  await expect(call(once())).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
});
