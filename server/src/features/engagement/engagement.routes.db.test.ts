import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { dropOldActivityMonths } from '#app/drop-old-activity.ts';
import { makeMonths } from '#app/make-months.ts';
import { newId } from '#kernel/ids.ts';
import { listMonthPartitions } from '#platform/db/month-partitions.ts';
import { type AnalyticsScene, makeAnalyticsScene } from '#testing/analytics-scene.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { activityPersonalData } from './declare-personal-data.ts';

// The night in which clocks go back in Berlin: this day has 25 hours.
const start = new Date('2025-10-26T12:00:00Z');
const minuteMs = 60_000;
const dayMs = 86_400_000;

let it: TestApp;
let scene: AnalyticsScene;
beforeAll(async () => {
  it = await makeTestApp({ now: start });
});
afterAll(() => it.close());
beforeEach(async () => {
  scene = await makeAnalyticsScene(it, { timezone: 'Europe/Berlin' });
});

const ago = (ms: number) => new Date(it.clock.now.getTime() - ms).toISOString();
const post = (body: object, as?: Parameters<AnalyticsScene['ask']>[1], headers: Record<string, string> = {}) =>
  scene.ask({ method: 'POST', url: '/api/activity', body, headers }, as);
const stored = () =>
  scene.rows(sql<{ user_id: string; activity_type: string; created_at: Date; metadata: unknown }>`
    select user_id, activity_type, created_at, metadata from user_activity_logs
    where organization_id = ${scene.organization.id} order by created_at, id`);

describe('POST /api/activity', () => {
  test('takes one event by itself, of the caller and of now unless told', async () => {
    const member = await scene.join();
    const answer = await post({ activity_type: 'login', metadata: { page: 'home' } }, member);
    expect([answer.statusCode, answer.json()]).toEqual([202, { accepted: 1, duplicates: 0 }]);
    expect(await stored()).toEqual([
      { user_id: member.userId, activity_type: 'login', created_at: start, metadata: { page: 'home' } },
    ]);
  });

  test('takes a list, and what has the same id and time but once', async () => {
    const [id, other] = [newId(), newId()];
    const event = { id, activity_type: 'login', created_at: ago(minuteMs) };
    expect(await scene.act([event, event, { ...event, id: other }])).toEqual({ accepted: 2, duplicates: 1 });
    expect(await scene.act([event, { ...event, id: id.toUpperCase() }])).toEqual({ accepted: 0, duplicates: 2 });
    expect(await scene.act([{ ...event, created_at: ago(0) }])).toEqual({ accepted: 1, duplicates: 0 });
    expect(await stored()).toHaveLength(3);
  });

  test('answers a call that is repeated with its Idempotency-Key as before', async () => {
    const headers = { 'idempotency-key': newId() };
    const [first, second] = [
      await post({ activity_type: 'login' }, undefined, headers),
      await post({ activity_type: 'login' }, undefined, headers),
    ];
    expect(second.json()).toEqual(first.json());
    expect(await stored()).toHaveLength(1);
    expect((await post({ activity_type: 'logout' }, undefined, headers)).statusCode).toBe(422);
  });

  test.each([
    [-5 * minuteMs, true],
    [-5 * minuteMs - 1, false],
    [90 * dayMs, true],
    [90 * dayMs + 1, false],
  ])('of %d ms ago: taken is %s', async (age, isTaken) => {
    const answer = await post({ events: [{ activity_type: 'a' }, { activity_type: 'a', created_at: ago(age) }] });
    expect(answer.statusCode).toBe(isTaken ? 202 : 400);
    if (isTaken) return;
    expect(answer.json().error.details.errors).toEqual([
      { field: 'events[1].created_at', issue: `'${ago(age)}' is not a time from 90 days ago to now`, index: 1 },
    ]);
    expect(await stored()).toEqual([]);
  });

  test.each([
    [{ activity_type: '' }, 'events[0].activity_type'],
    [{}, 'events[0].activity_type'],
    [{ activity_type: 'a', duration_seconds: -1 }, 'events[0].duration_seconds'],
    [{ activity_type: 'a', duration_seconds: 1.5 }, 'events[0].duration_seconds'],
    [{ activity_type: 'a', user_id: 'me' }, 'events[0].user_id'],
    [{ activity_type: 'a', metadata: { text: 'x'.repeat(10_000) } }, 'events[0].metadata'],
    [{ activity_type: 'a', colour: 'red' }, 'events[0].colour'],
    [{ events: [] }, 'events'],
  ])('refuses what is wrong, naming the field: case %#', async (body, field) => {
    const answer = await post(body);
    expect([answer.statusCode, answer.json().error.details.field]).toEqual([400, field]);
  });

  test('takes 10,000 events and no more', async () => {
    const events = Array.from({ length: 10_001 }, (_, n) => ({ activity_type: 'a', created_at: ago(n * 1_000) }));
    expect((await post({ events })).statusCode).toBe(400);
    expect(await scene.act(events.slice(1))).toEqual({ accepted: 10_000, duplicates: 0 });
  });

  test('is for others by an admin, an owner or an API key, and for members alone', async () => {
    const [member, admin, analyst] = [await scene.join(), await scene.join('admin'), await scene.join('analyst')];
    const body = { activity_type: 'a', user_id: member.userId };
    expect((await post(body, analyst)).statusCode).toBe(403);
    expect((await post(body, member)).statusCode).toBe(202);
    expect((await post(body, admin)).statusCode).toBe(202);
    const made = await scene.ask(
      { method: 'POST', url: '/auth/api-keys', body: { name: 'k', scopes: ['activity:write'] } },
      analyst,
    );
    const byKey = await inject(it.app, {
      method: 'POST',
      url: '/api/activity',
      headers: { 'x-api-key': made.json().key },
      body,
    });
    expect([byKey.statusCode, byKey.body]).toEqual([202, '{"accepted":1,"duplicates":0}']);
    const stranger = await (await it.makeOrganization()).member('member');
    const answer = await post({ events: [body, { activity_type: 'a', user_id: stranger.userId }] }, admin);
    expect([answer.statusCode, answer.json().error.details.errors]).toEqual([
      400,
      [{ field: 'events[1].user_id', issue: `'${stranger.userId}' is not a member of the organization`, index: 1 }],
    ]);
    expect(await stored()).toHaveLength(3);
  });
});

describe('The counters', () => {
  /** Events as they are stored, counted in the ways in which the counters say they are. */
  const recount = () =>
    scene.rows(sql`
      select 'day' as kind, (created_at at time zone 'Europe/Berlin')::date::text as at, user_id::text as user_id,
        count(*) as events, min(created_at) as first_at, max(created_at) as last_at
      from user_activity_logs where organization_id = ${scene.organization.id} group by 2, 3
      union all
      select 'minute', date_bin('1 minute', created_at, timestamptz '2000-01-01Z')::text, null, count(*), null, null
      from user_activity_logs
      where organization_id = ${scene.organization.id} and created_at >= ${new Date(start.getTime() - 120 * minuteMs)}
      group by 2 order by 1, 2, 3`);
  const counters = () =>
    scene.rows(sql`
      select 'day' as kind, day::text as at, user_id::text as user_id, events, first_at, last_at
      from activity_daily_users where organization_id = ${scene.organization.id}
      union all
      select 'minute', minute::text, null, events, null, null
      from activity_minutes where organization_id = ${scene.organization.id} order by 1, 2, 3`);

  test('equal a recount, however posts overlap, repeat and come at once', async () => {
    const members = [scene.owner, await scene.join(), await scene.join()];
    const event = fc.record({
      member: fc.nat(2),
      // Over the 25-hour day and the days beside it, and close together in the last hours.
      age: fc.oneof(fc.integer({ min: 0, max: 3 * 86_400 }), fc.integer({ min: -299, max: 9_000 })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 10, maxLength: 30 }), fc.nat(), async (drawn, cut) => {
        const events = drawn.map(({ member, age }) => ({
          id: newId(),
          user_id: members[member]?.userId,
          activity_type: 'a',
          created_at: ago(age * 1_000),
        }));
        const first = events.slice(0, 1 + (cut % events.length));
        const answers = await Promise.all([first, events, [...events].reverse(), events].map(scene.act));
        expect(answers.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(events.length);
        expect(await counters()).toEqual(await recount());
      }),
      { numRuns: 8 },
    );
    expect((await recount()).length).toBeGreaterThan(20);
  });

  test('tell what goes on, and need no stored event for it', async () => {
    const members = [scene.owner, await scene.join(), await scene.join(), await scene.join()];
    const at = (member: number, ms: number) => ({
      user_id: members[member]?.userId,
      activity_type: 'a',
      created_at: ago(ms),
    });
    // Midnight in Berlin, after which 14 hours have passed on this day: clocks went back at three.
    const sinceMidnight = 14 * 60 * minuteMs;
    await scene.act([
      at(0, 14 * minuteMs),
      at(0, 59 * minuteMs),
      at(0, 60 * minuteMs),
      at(1, 15 * minuteMs),
      at(1, -4 * minuteMs),
      at(2, sinceMidnight),
      at(3, sinceMidnight + 1),
    ]);
    await scene.rows(sql`delete from user_activity_logs where organization_id = ${scene.organization.id}`);
    const events = await scene.ask({ url: '/api/feed' });
    expect(await scene.realtime()).toEqual({
      active_users_15min: 2,
      active_users_today: 3,
      activities_last_hour: 3,
      system_status: expect.stringMatching(/^(healthy|warning|critical)$/),
      last_event_id: events.json().cursor,
      as_of: ago(-4 * minuteMs),
    });
  });

  test('are announced once for a burst, in words that name nobody, and not for what was known', async () => {
    const event = { id: newId(), activity_type: 'a', created_at: ago(0) };
    await scene.act([event, { activity_type: 'a', created_at: ago(minuteMs) }]);
    await scene.act([event]);
    const { events } = (await scene.ask({ url: '/api/feed?after=0&types=user_activity' })).json();
    expect(events.map(({ payload }: { payload: unknown }) => payload)).toEqual([{ last_at: ago(0) }]);
  });

  test('are another organization’s matter, and go with the account', async () => {
    const member = await scene.join();
    const elsewhere = await makeAnalyticsScene(it);
    await elsewhere.act([{ activity_type: 'a' }]);
    await scene.act([{ activity_type: 'a', user_id: member.userId }]);
    expect(await scene.realtime()).toMatchObject({ active_users_today: 1, activities_last_hour: 1 });
    const many = sql`
      insert into user_activity_logs (organization_id, id, user_id, activity_type, created_at)
      select ${scene.organization.id}, gen_random_uuid(), ${member.userId}, 'a', ${start}::timestamptz - n * interval '1 minute'
      from generate_series(1, 5200) n`;
    await scene.rows(many);
    const exported = await scene.ask({ url: '/users/export' }, member);
    const { activity_log, active_days } = exported.json();
    expect([activity_log.length, active_days.length]).toEqual([5_201, 1]);
    expect(activity_log[0]).toMatchObject({ activity_type: 'a', organization_id: scene.organization.id });
    // More than one transaction should take goes in a part of its own; the rest is left to the account's end.
    const person = { userId: member.userId, email: 'a@example.org', isEmailVerified: false, name: 'A' };
    const erasePart = () =>
      it.platform.scopes.inInstance(async (tx) => activityPersonalData[0].eraseSome?.(tx, person, undefined));
    expect([await erasePart(), (await stored()).length]).toEqual([{}, 200]);
    expect([await erasePart(), (await stored()).length]).toEqual([undefined, 200]);
    const body = { password: 'correct horse battery' };
    expect((await scene.ask({ method: 'DELETE', url: '/users/me', body }, member)).statusCode).toBeLessThan(300);
    const left = await scene.rows(sql`
      select user_id from user_activity_logs where user_id = ${member.userId}
      union all select user_id from activity_daily_users where user_id = ${member.userId}`);
    expect(left).toEqual([]);
    expect(await elsewhere.realtime()).toMatchObject({ active_users_today: 1 });
  });
});

test('months that ended 90 days ago are dropped whole, and so are counters that nothing reads', async () => {
  const { root } = it.platform.database;
  await makeMonths(it.platform);
  const names = async () => (await listMonthPartitions(root, 'user_activity_logs')).map(({ name }) => name.slice(-7));
  expect(await names()).toEqual(['2025_07', '2025_08', '2025_09', '2025_10', '2025_11', '2025_12', '2026_01']);
  await scene.act([{ activity_type: 'a' }, { activity_type: 'a', created_at: ago(30 * dayMs) }]);
  expect(await dropOldActivityMonths(root, it.clock.now)).toMatchObject({ months: 0 });
  expect(await stored()).toHaveLength(2);
  expect((await dropOldActivityMonths(root, new Date('2026-01-29T23:59:59.999Z'))).months).toBe(3);
  expect(await names()).toEqual(['2025_10', '2025_11', '2025_12', '2026_01']);
  expect(await stored()).toHaveLength(1);
  expect((await dropOldActivityMonths(root, new Date('2026-01-30T00:00:00Z'))).months).toBe(1);
  expect(await names()).toEqual(['2025_11', '2025_12', '2026_01']);
  expect(await stored()).toEqual([]);
  const left = () =>
    scene.rows(sql`select day from activity_daily_users where organization_id = ${scene.organization.id}`);
  expect(await left()).toHaveLength(2);
  await dropOldActivityMonths(root, new Date('2027-10-15T00:00:00Z'));
  expect(await left()).toHaveLength(1);
});

// The last one, because time only moves on.
test('what was is no longer what goes on, once an hour and midnight have passed', async () => {
  await scene.act([{ activity_type: 'a' }]);
  it.clock.now = new Date('2025-10-26T22:59:59Z');
  expect(await scene.realtime()).toMatchObject({
    active_users_15min: 0,
    active_users_today: 1,
    activities_last_hour: 0,
  });
  it.clock.now = new Date('2025-10-26T23:00:00Z');
  expect(await scene.realtime()).toMatchObject({
    active_users_15min: 0,
    active_users_today: 0,
    activities_last_hour: 0,
  });
});
