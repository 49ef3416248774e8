import { sql } from 'kysely';
import { generateSync } from 'otplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { inject } from '#testing/inject.ts';
import { listEndpoints } from '#testing/list-endpoints.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { reportCalls } from '#testing/report-calls.ts';

const endpoints = listEndpoints().filter(({ method }) => method !== 'GET');
const password = 'correct horse battery';
const newPassword = 'staple of another kind';

/** Changes that the log does not hold, and why. */
const notEntered: Record<string, string> = {
  'identity.refresh':
    'renews, every few minutes, the session whose beginning is entered; a token used twice is entered',
  'engagement.addActivity': 'is a log itself, of what members do by the thousand',
  'metrics.addPoints': 'is of programs, with up to a million values a call; each value bears its time',
  'businesses.addMetrics':
    'is of programs, with each view and message; the metric store holds what was added, and when',
  'weekly.refresh': 'counts again what the items say: it changes nothing that anybody put there',
};
/** Changes that the log holds under another name. */
const enteredAs: Record<string, string> = { 'identity.loginWithCode': 'identity.login' };

interface Person {
  userId: string;
  email: string;
  refreshToken: string;
  headers: Record<string, string>;
}

/** An organization of a test's own, with an owner. */
interface Scene {
  organizationId: string;
  owner: Person;
  /** A new member of the organization, or somebody who is in none but their own. */
  person(role?: 'admin' | 'viewer'): Promise<Person>;
}

/** A call that succeeds. */
interface Prepared {
  params?: Record<string, string>;
  body?: object;
  /** Who calls, or whom a call without credentials is about; the owner unless told. */
  caller?: Person;
  isAnonymous?: boolean;
}

let it: TestApp;
beforeAll(async () => {
  it = await makeTestApp({ config: { PUBLIC_URL: 'https://almanac.example' } });
  // The first account administers the installation, and could not be deleted.
  await signUp();
});
afterAll(() => it.close());

const rows = async <Row>(statement: ReturnType<typeof sql<Row>>) =>
  (await statement.execute(it.platform.database.root)).rows;
const send = async (
  method: 'GET' | 'POST',
  url: string,
  { body, headers = {} }: { body?: object; headers?: Record<string, string> },
) => {
  const answer = await inject(it.app, { method, url, headers, ...(body ? { body } : {}) });
  expect(answer.statusCode, `${url}: ${answer.body}`).toBeLessThan(300);
  return answer.body === '' ? undefined : answer.json();
};
const pass = (minutes: number) => {
  it.clock.now = new Date(it.clock.now.getTime() + minutes * 60_000);
};
const codeOf = (secret: string) => generateSync({ secret, epoch: Math.floor(it.clock.now.getTime() / 1000) });

async function signUp(): Promise<Person> {
  const email = `${newId()}@example.org`;
  const made = await send('POST', '/auth/register', { body: { email, password, name: 'Ada' } });
  const headers = { authorization: `Bearer ${made.access_token}` };
  return { userId: made.user.id, email, refreshToken: made.refresh_token, headers };
}

async function makeScene(): Promise<Scene> {
  const { id: organizationId } = await it.makeOrganization();
  await sql`update organizations set subscription_tier = 'enterprise' where id = ${organizationId}`.execute(
    it.platform.database.root,
  );
  const join = async (person: Person, role: string): Promise<Person> => {
    await sql`
      insert into user_organizations (organization_id, user_id, role)
      values (${organizationId}, ${person.userId}, ${role})`.execute(it.platform.database.root);
    return { ...person, headers: { ...person.headers, 'x-organization-id': organizationId } };
  };
  const person: Scene['person'] = async (role) => {
    const made = await signUp();
    return role === undefined ? made : join(made, role);
  };
  return { organizationId, owner: await join(await signUp(), 'owner'), person };
}

/** The token of the newest mail to an address. */
async function readMailedToken(email: string): Promise<string> {
  const [mail] = await rows(sql<{ body_text: string }>`
    select body_text from mails where lower(recipient) = ${email} order by created_at desc, id desc limit 1`);
  return /#[\w-]+=([\w-]{43})/.exec(mail?.body_text ?? '')?.[1] ?? '';
}

const setUpCode = async ({ headers }: Person): Promise<string> =>
  (await send('POST', '/auth/mfa/setup', { headers })).secret;
/** Turns the second factor on; answers its secret, whose next code is unused. */
async function turnCodeOn(person: Person): Promise<string> {
  const secret = await setUpCode(person);
  await send('POST', '/auth/mfa/enable', { headers: person.headers, body: { code: codeOf(secret) } });
  pass(1);
  return secret;
}

const invite = async ({ organizationId, owner: { headers } }: Scene, email: string): Promise<string> => {
  const body = { email, role: 'viewer' };
  return (await send('POST', `/api/organizations/${organizationId}/invitations`, { headers, body })).id;
};
const makeKey = async ({ headers }: Person): Promise<string> =>
  (await send('POST', '/auth/api-keys', { headers, body: { name: 'A key', scopes: ['weekly:read'] } })).id;

const makeBusiness = async ({ owner: { headers } }: Scene): Promise<string> =>
  (await send('POST', '/api/businesses', { headers, body: { name: 'Harbour Lofts' } })).data.id;

const measured = { metric_type: 'checkout', metric_name: 'latency', metric_value: 1 };
async function makeAdministrator(person: Person): Promise<Person> {
  await sql`update users set is_instance_admin = true where id = ${person.userId}`.execute(it.platform.database.root);
  return person;
}

/** How each change is made so that it succeeds, by the id of its endpoint. */
const prepare: Record<string, (scene: Scene) => Prepared | Promise<Prepared>> = {
  'identity.register': () => ({ body: { email: `${newId()}@example.org`, password }, isAnonymous: true }),
  'identity.login': ({ owner }) => ({ body: { email: owner.email, password }, isAnonymous: true }),
  'identity.loginWithCode': async ({ owner }) => {
    const secret = await turnCodeOn(owner);
    const asked = await inject(it.app, { method: 'POST', url: '/auth/login', body: { email: owner.email, password } });
    const { mfa_token } = asked.json().error.details;
    return { body: { mfa_token, code: codeOf(secret) }, isAnonymous: true };
  },
  'identity.refresh': ({ owner }) => ({ body: { refresh_token: owner.refreshToken }, isAnonymous: true }),
  'identity.logout': () => ({ body: {} }),
  'identity.updateProfile': () => ({ body: { name: 'Grace', preferences: { theme: 'dark' } } }),
  'identity.changePassword': () => ({ body: { current_password: password, password: newPassword } }),
  'identity.resetPassword': async ({ owner: { email } }) => {
    await send('POST', '/auth/reset-password', { body: { email } });
    return { body: { token: await readMailedToken(email), password: newPassword }, isAnonymous: true };
  },
  'identity.verifyEmail': async ({ owner }) => ({
    body: { token: await readMailedToken(owner.email) },
    isAnonymous: true,
  }),
  'identity.resendVerification': () => ({}),
  'identity.endSession': async ({ owner: { email, headers } }) => {
    await send('POST', '/auth/login', { body: { email, password } });
    const sessions = await send('GET', '/auth/sessions', { headers });
    return { params: { id: sessions.find((session: { is_current: boolean }) => !session.is_current).id } };
  },
  'mfa.setUp': () => ({}),
  'mfa.enable': async ({ owner }) => ({ body: { code: codeOf(await setUpCode(owner)) } }),
  'mfa.disable': async ({ owner }) => ({ body: { code: codeOf(await turnCodeOn(owner)), password } }),
  'apiKeys.create': () => ({ body: { name: 'A key', scopes: ['weekly:read'] } }),
  'apiKeys.delete': async ({ owner }) => ({ params: { id: await makeKey(owner) } }),
  'organizations.create': () => ({ body: { name: 'Analytical Engines' } }),
  'organizations.update': () => ({ body: { name: 'Analytical Engines' } }),
  'members.add': async ({ person }) => {
    const { email, userId } = await person();
    await sql`update users set email_verified_at = now() where id = ${userId}`.execute(it.platform.database.root);
    return { body: { email, role: 'analyst' } };
  },
  'members.update': async ({ person }) => ({
    params: { user_id: (await person('viewer')).userId },
    body: { role: 'analyst' },
  }),
  'members.remove': async ({ person }) => ({ params: { user_id: (await person('viewer')).userId } }),
  'members.leave': async ({ person }) => ({ caller: await person('viewer') }),
  'members.invite': () => ({ body: { email: `${newId()}@example.org`, role: 'viewer' } }),
  'members.revokeInvitation': async (scene) => ({
    params: { invitation_id: await invite(scene, `${newId()}@example.org`) },
  }),
  'members.acceptInvitation': async (scene) => {
    const caller = await scene.person();
    await invite(scene, caller.email);
    return { caller, body: { token: await readMailedToken(caller.email) } };
  },
  'subscription.change': () => ({ body: { tier: 'pro' } }),
  'privacy.deleteAccount': async ({ person }) => ({ caller: await person('viewer'), body: { password } }),
  'weekly.addItems': () => ({
    body: { items: [{ kind: 'update', title: 'A change', author: 'Ada', occurred_at: '2024-12-17T10:00:00Z' }] },
  }),
  'weekly.refresh': () => ({ body: {} }),
  'engagement.addActivity': () => ({ body: { activity_type: 'login' } }),
  'metrics.addPoints': () => ({ body: measured }),
  'metrics.describe': async ({ owner: { headers } }) => {
    await send('POST', '/api/dashboard/metrics', { headers, body: measured });
    const { metric_type, metric_name } = measured;
    return { params: { metric_type, metric_name }, body: { direction: 'down' } };
  },
  'system.runJob': async ({ person }) => ({
    caller: await makeAdministrator(await person('viewer')),
    body: { job_name: 'monitor_system_performance' },
  }),
  'system.updateJob': async ({ person }) => ({
    caller: await makeAdministrator(await person('viewer')),
    params: { name: 'monitor_system_performance' },
    body: { max_failures: 7 },
  }),
  'businesses.create': () => ({ body: { name: 'Harbour Lofts' } }),
  'businesses.update': async (scene) => ({ params: { id: await makeBusiness(scene) }, body: { name: 'Quay Lofts' } }),
  'businesses.delete': async (scene) => ({ params: { id: await makeBusiness(scene) } }),
  'businesses.addMetrics': async (scene) => ({ params: { id: await makeBusiness(scene) }, body: { views: 1 } }),
  ...reportCalls(send),
  'assessments.create': () => ({ body: { department: 'Research' } }),
  'assessments.update': async ({ owner: { headers } }) => ({
    params: { id: (await send('POST', '/api/assessments', { headers, body: {} })).id },
    body: { status: 'in_progress' },
  }),
};

interface Entry {
  id: string;
  organization_id: string;
  actor_id: string | null;
  at: Date;
}

const listEntries = (action: string) => rows(sql<Entry>`select * from audit_log where action = ${action}`);
const listOrganizations = async (userId: string) =>
  (await rows(sql<{ id: string }>`select organization_id as id from user_organizations where user_id = ${userId}`)).map(
    ({ id }) => id,
  );

/** Makes the call; answers what it entered, and what in it and its answer was nobody else's to know. */
async function change(id: string, scene: Scene) {
  const endpoint = endpoints.find((each) => each.id === id);
  const prepared = await prepare[id]?.(scene);
  if (!endpoint || !prepared) throw new Error(`Teach this file a call of ${id} that succeeds.`);
  const { caller = scene.owner, params = {}, body, isAnonymous } = prepared;
  const organizationId = scene.organizationId;
  const action = enteredAs[id] ?? id;
  const known = new Set((await listEntries(action)).map((entry) => entry.id));
  const before = await listOrganizations(caller.userId);
  const named: Record<string, string> = { id: organizationId, ...params };
  const answer = await inject(it.app, {
    method: endpoint.method,
    url: endpoint.path.replaceAll(/:(\w+)/g, (_match, name: string) => named[name] ?? ''),
    headers: isAnonymous ? {} : caller.headers,
    ...(body ? { body } : {}),
  });
  expect(answer.statusCode, answer.body).toBeLessThan(300);
  const answered = answer.body.startsWith('{') ? answer.json() : {};
  const callerId: string = id === 'identity.register' ? answered.user.id : caller.userId;
  return {
    callerId,
    organizations: new Set([...before, ...(await listOrganizations(callerId))]),
    entries: (await listEntries(action)).filter((entry) => !known.has(entry.id)),
    secrets: [...listSecrets(body), ...listSecrets(answered)],
  };
}

const secretFields = /password|token|code|secret|uri|svg|^key$|^email$/;

function listSecrets(sent: object = {}): string[] {
  return Object.entries(sent)
    .flatMap(([name, value]) => (secretFields.test(name) ? [value].flat() : []))
    .filter((value) => typeof value === 'string');
}

test('a call that succeeds is known for each change of the contract, and no other', () => {
  expect(Object.keys(prepare).sort()).toEqual(endpoints.map(({ id }) => id).sort());
});

describe.each(endpoints.map(({ id }) => id))('%s', (id) => {
  test(id in notEntered ? 'is not entered' : 'is entered once, by whom it was done, with nothing secret', async () => {
    const { callerId, organizations, entries, secrets } = await change(id, await makeScene());
    if (id in notEntered) return expect(entries).toEqual([]);
    expect(entries).toHaveLength(1);
    for (const { organization_id, actor_id, at } of entries) {
      expect([...organizations]).toContain(organization_id);
      // Of who erased the own account the log keeps that somebody did.
      expect(actor_id).toBe(id === 'privacy.deleteAccount' ? null : callerId);
      expect(at).toEqual(it.clock.now);
    }
    for (const secret of secrets) expect(JSON.stringify(entries)).not.toContain(secret);
  });
});
