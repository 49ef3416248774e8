import { randomInt } from 'node:crypto';
import type { InjectOptions } from 'fastify';
import { sql } from 'kysely';
import { generate } from 'otplib';
import { newId } from '#kernel/ids.ts';
import { systemPrincipal } from '#platform/access/principal.ts';
import { inject } from './inject.ts';
import type { TestApp } from './make-app.ts';

/** A person with an account, and the requests that come from their machine. */
export interface ScenePerson {
  readonly userId: string;
  readonly email: string;
  readonly name: string;
  readonly address: string;
  readonly userAgent: string;
  /** The organization made with the account. */
  readonly ownOrganizationId: string;
  readonly headers: { authorization: string };
  /** Sends a request in an organization; fails unless it is answered with that status. */
  ask<T>(request: Omit<InjectOptions, 'headers'> & { url: string }, options?: AskOptions): Promise<T>;
}

interface AskOptions {
  organizationId?: string;
  status?: number;
  headers?: Record<string, string>;
}

export const password = 'correct horse battery';

/** Registers somebody whose name, address, network address and browser nobody else has. */
export async function makePerson(it: Pick<TestApp, 'app'>, begin = 'Zelda'): Promise<ScenePerson> {
  const mark = newId().slice(-12);
  const name = `${begin} Quux ${mark}`;
  const email = `${begin}.${mark}@example.org`;
  const userAgent = `Browser of ${mark}`;
  const address = `10.${randomInt(256)}.${randomInt(256)}.${randomInt(1, 255)}`;
  const registered = await inject(it.app, {
    method: 'POST',
    url: '/auth/register',
    body: { email, password, name },
    headers: { 'user-agent': userAgent },
    remoteAddress: address,
  });
  if (registered.statusCode !== 201) throw new Error(registered.body);
  const { user, access_token } = registered.json<{
    user: { id: string; own_organization_id?: string };
    access_token: string;
  }>();
  const headers = { authorization: `Bearer ${access_token}` };
  const ask = async <T>(request: InjectOptions & { url: string }, options: AskOptions = {}): Promise<T> => {
    const { organizationId, status = 200 } = options;
    const answer = await inject(it.app, {
      ...request,
      remoteAddress: address,
      headers: {
        ...headers,
        'user-agent': userAgent,
        ...(organizationId ? { 'x-organization-id': organizationId } : {}),
        ...options.headers,
      },
    });
    if (answer.statusCode !== status) {
      throw new Error(`${request.method ?? 'GET'} ${request.url} answered ${answer.statusCode}: ${answer.body}`);
    }
    return (answer.body === '' ? undefined : answer.json()) as T;
  };
  const organizations = await ask<{ id: string; role: string; slug: string }[]>({ url: '/api/organizations' });
  const own = organizations.find(({ slug }) => slug !== 'local');
  return { userId: user.id, email, name, address, userAgent, ownOrganizationId: own?.id ?? '', headers, ask };
}

/** The token in the newest mail to an address with such a link. */
async function mailedToken({ platform }: Pick<TestApp, 'platform'>, email: string, link: string): Promise<string> {
  const { rows: mails } = await sql<{ text: string | null }>`
    select body_text as text from mails where recipient = ${email} order by created_at desc, id desc`.execute(
    platform.database.root,
  );
  const [token] = mails.flatMap(({ text }) => new RegExp(`#${link}=([\\w-]+)`).exec(text ?? '')?.[1] ?? []);
  if (token === undefined) throw new Error(`No mail to ${email} has a link ${link}.`);
  return token;
}

/** Invites somebody into an organization and has them accept. */
export async function join(
  it: Pick<TestApp, 'platform'>,
  {
    owner,
    person,
    organizationId,
    role,
  }: Record<'owner' | 'person', ScenePerson> & { organizationId: string; role: string },
): Promise<void> {
  const invitation = { email: person.email, role };
  await owner.ask(
    { method: 'POST', url: `/api/organizations/${organizationId}/invitations`, body: invitation },
    { status: 201 },
  );
  const token = await mailedToken(it, person.email, 'accept-invitation');
  await person.ask({ method: 'POST', url: '/invitations/accept', body: { token } });
}

/**
 * Leaves something of the person in every table, through the product's own requests where it has one; answers a recovery
 * code of their second factor, which is on then.
 */
export async function leaveTraces(
  it: TestApp,
  { person, colleague }: Record<'person' | 'colleague', ScenePerson>,
): Promise<string> {
  const shared = colleague.ownOrganizationId;
  const { userId, email, name } = person;
  await join(it, { owner: colleague, person, organizationId: shared, role: 'member' });
  const role = {
    method: 'PUT',
    url: `/api/organizations/${shared}/members/${userId}`,
    body: { role: 'admin' },
  } as const;
  await colleague.ask(role);
  const elsewhere = await colleague.ask<{ id: string }>(
    { method: 'POST', url: '/api/organizations', body: { name: 'Elsewhere' } },
    { status: 201 },
  );
  const invite = (to: string) => ({ method: 'POST', body: { email: to, role: 'viewer' } }) as const;
  await colleague.ask(
    { ...invite(email.toUpperCase()), url: `/api/organizations/${elsewhere.id}/invitations` },
    { status: 201, headers: { 'idempotency-key': newId() } },
  );
  await person.ask(
    { ...invite('guest@example.org'), url: `/api/organizations/${shared}/invitations` },
    { status: 201, headers: { 'idempotency-key': newId() } },
  );
  const recoveryCode = await setUpSecondFactor(it, person);
  const key = { name: `Key of ${name}`, scopes: ['weekly:read'] };
  await person.ask({ method: 'POST', url: '/auth/api-keys', body: key }, { organizationId: shared, status: 201 });
  await person.ask({ method: 'PUT', url: '/users/profile', body: { preferences: { motto: name } } });
  await postItems(person, shared);
  await leaveReport(person, shared);
  const activity = { activity_type: 'login', session_id: `session of ${name}`, metadata: { email } };
  await person.ask({ method: 'POST', url: '/api/activity', body: activity }, { organizationId: shared, status: 202 });
  const assessment = { department: `Department of ${name}` };
  await person.ask(
    { method: 'POST', url: '/api/assessments', body: assessment },
    { organizationId: shared, status: 201, headers: { 'idempotency-key': newId() } },
  );
  await leaveBusiness(person, shared);
  for (const week of ['2024-W50', '2024-W51']) {
    await person.ask({ url: `/api/weekly/summary?week=${week}` }, { organizationId: shared });
  }
  const tried = { email, password: 'wrong horse battery' };
  await person.ask({ method: 'POST', url: '/auth/login', body: tried }, { status: 401 });
  await person.ask({ method: 'POST', url: '/auth/reset-password', body: { email } }, { status: 202 });
  await leaveInnerTraces(it, person, shared);
  await it.features.audit.enterReads();
  return recoveryCode;
}

/** Turns the second factor on; answers a recovery code. */
export async function setUpSecondFactor(it: TestApp, person: ScenePerson): Promise<string> {
  const { secret } = await person.ask<{ secret: string }>({ method: 'POST', url: '/auth/mfa/setup' });
  const code = await generate({ secret, epoch: Math.floor(it.clock.now.getTime() / 1_000) });
  const enable = { method: 'POST', url: '/auth/mfa/enable', body: { code } } as const;
  const { recovery_codes: codes } = await person.ask<{ recovery_codes: string[] }>(enable);
  return codes[0] ?? '';
}

/** A report and its template, made by the person. */
async function leaveReport({ ask }: ScenePerson, organizationId: string): Promise<void> {
  const sections_config = { sections: [{ type: 'activity' }] };
  const template = { name: 'Ours', sections_config };
  const make = <T>(url: string, body: object) => ask<T>({ method: 'POST', url, body }, { organizationId, status: 201 });
  const { id: template_id } = await make<{ id: string }>('/api/report-templates', template);
  const days = { report_period_start: '2024-12-09', report_period_end: '2024-12-15' };
  const { id } = await make<{ id: string }>('/api/reports', { title: 'The week', ...days, template_id });
  await ask({ method: 'POST', url: `/api/reports/${id}/generate?wait=true`, body: {} }, { organizationId });
}

async function postItems({ ask, name, email }: ScenePerson, organizationId: string): Promise<void> {
  const item = { kind: 'update', title: 'A change', occurred_at: '2024-12-17T10:00:00Z', impact: 'high' };
  const items = [
    { ...item, author: name },
    { ...item, author: name.toUpperCase(), occurred_at: '2024-12-10T10:00:00Z' },
    { ...item, author: email, kind: 'review', occurred_at: '2024-12-09T10:00:00Z' },
  ];
  await ask(
    { method: 'POST', url: '/api/weekly/items', body: { items } },
    { organizationId, headers: { 'idempotency-key': newId() } },
  );
}

async function leaveBusiness({ ask, name }: ScenePerson, organizationId: string): Promise<void> {
  const { data } = await ask<{ data: { id: string } }>(
    { method: 'POST', url: '/api/businesses', body: { name: `Business of ${name}`, location: `Street of ${name}` } },
    { organizationId, status: 201, headers: { 'idempotency-key': newId() } },
  );
  const url = `/api/businesses/${data.id}/metrics`;
  await ask({ method: 'POST', url, body: { views: 1, messages: 1, invites: 1 } }, { organizationId });
}

/** What no request of today leaves behind, but what the platform can hold. */
async function leaveInnerTraces(
  it: TestApp,
  { userId, email, name }: ScenePerson,
  organizationId: string,
): Promise<void> {
  const { platform } = it;
  const payload = { week: '2024-W51', week_start: '2024-12-16', version: 1 };
  await platform.scopes.inOrganization(systemPrincipal(organizationId), async (tx) => {
    platform.feed.publish(tx, { type: 'weekly.changed', audience: { userId }, payload: { ...payload, week: name } });
    platform.feed.publish(tx, { type: 'weekly.changed', audience: { userId }, subject: name, payload });
    platform.jobs.enqueue(tx, 'recompute_weeks', { key: `user:${userId}` });
  });
  await sql`
    insert into user_identities (issuer, subject, user_id)
    values ('https://issuer.example', ${`subject of ${userId}`}, ${userId})`.execute(platform.database.root);
  const told = `no mailbox ${email} of ${userId}`;
  await sql`
    insert into scheduled_job_logs (id, job_name, slot, status, started_at, result, error)
    values (${newId()}, 'deliver_mail', now(), 'failed', now(), ${JSON.stringify({ told })}, ${told})`.execute(
    platform.database.root,
  );
  await sql`
    insert into system_alerts (id, kind, subject, message, opened_at)
    values (${newId()}, 'test', ${email.toUpperCase()}, 'told', now()), (${newId()}, 'test', ${newId()}, ${told}, now())`.execute(
    platform.database.root,
  );
}
