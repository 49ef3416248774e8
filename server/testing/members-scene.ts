import type { Role } from '@almanac/contract/permissions.ts';
import type { Tier } from '@almanac/contract/tiers.ts';
import type { LightMyRequestResponse } from 'fastify';
import { type RawBuilder, sql } from 'kysely';
import { newId } from '#kernel/ids.ts';
import { inject } from './inject.ts';
import { makeTestApp, type TestApp, type TestOrganization } from './make-app.ts';

/** Somebody with an account, who belongs to an organization or not. */
export interface Person {
  readonly userId: string;
  readonly email: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the organization's own address, such as `members`. */
  path: string;
  body?: object;
  headers?: Record<string, string>;
}

/** The product, and an organization of the test's own whose members change. */
export interface MembersScene {
  readonly it: TestApp;
  /** An organization of that tier; free unless told. */
  makeOrganization(tier?: Tier): Promise<TestOrganization>;
  /** Makes an account with a verified address, unless told. */
  makePerson(options?: { isVerified?: boolean }): Promise<Person>;
  /** Sends a request about an organization. */
  ask(who: Who, organization: Pick<TestOrganization, 'id'>, call: Call): Promise<Answer>;
  rows<Row>(statement: RawBuilder<Row>): Promise<Row[]>;
  setTier(organization: TestOrganization, tier: Tier): Promise<void>;
  /** The roles of the active members, by user. */
  rolesIn(organization: Pick<TestOrganization, 'id'>): Promise<Map<string, Role>>;
  /** What the log of an organization says was done, the oldest first. */
  actionsIn(organizationId: string): Promise<{ action: string; actor_id: string; target: string; details: object }[]>;
  /** The token of the newest invitation that was mailed to the address. */
  mailedToken(email: string): Promise<string>;
  accept(who: Who, token: string): Promise<Answer>;
  pass(seconds: number): void;
}

/** An answer: its status and what it says. */
export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape.
  body: any;
  headers: LightMyRequestResponse['headers'];
}

/** Sends a request; its answer may be empty. */
export async function send(app: TestApp['app'], request: Parameters<typeof inject>[1]): Promise<Answer> {
  const answer = await inject(app, request);
  const body = answer.body === '' ? undefined : answer.json();
  return { status: answer.statusCode, body, headers: answer.headers };
}

/** The requests that change who is in an organization. */
export interface MemberCalls {
  list(who: Who, query?: string): Promise<Answer>;
  add(who: Who, body: object, headers?: Record<string, string>): Promise<Answer>;
  change(who: Who, userId: string, role: string): Promise<Answer>;
  remove(who: Who, userId: string): Promise<Answer>;
  leave(who: Who): Promise<Answer>;
  listInvited(who: Who, query?: string): Promise<Answer>;
  /** The ids of the open invitations, the newest first. */
  openIds(who: Who): Promise<string[]>;
  invite(who: Who, body: object, headers?: Record<string, string>): Promise<Answer>;
  revoke(who: Who, invitationId: string): Promise<Answer>;
  /** Changes a membership past all rules. */
  setMembership(member: Pick<Person, 'userId'>, set: RawBuilder<unknown>): Promise<unknown>;
  /** Has an address invited; answers the token that was mailed. */
  mailInvitation(who: Who, email: string, role?: string): Promise<string>;
}

type Who = Pick<Person, 'headers'>;

/** Prepares the requests about one organization. */
export function callMembers({ ask, rows, mailedToken }: MembersScene, organization: TestOrganization): MemberCalls {
  const invite: MemberCalls['invite'] = (who, body, headers = {}) =>
    ask(who, organization, { method: 'POST', path: 'invitations', body, headers });
  const listInvited: MemberCalls['listInvited'] = (who, query = '') =>
    ask(who, organization, { path: `invitations${query}` });
  return {
    invite,
    listInvited,
    openIds: async (who) => (await listInvited(who)).body.items.map(({ id }: { id: string }) => id),
    setMembership: ({ userId }, set) =>
      rows(sql`
        update user_organizations set ${set} where organization_id = ${organization.id} and user_id = ${userId}`),
    mailInvitation: async (who, email, role = 'viewer') => {
      const { status, body } = await invite(who, { email, role });
      if (status !== 201) throw new Error(`Inviting ${email} answered ${status}: ${JSON.stringify(body)}`);
      return mailedToken(email);
    },
    list: (who, query = '') => ask(who, organization, { path: `members${query}` }),
    add: (who, body, headers = {}) => ask(who, organization, { method: 'POST', path: 'members', body, headers }),
    change: (who, userId, role) => ask(who, organization, { method: 'PUT', path: `members/${userId}`, body: { role } }),
    remove: (who, userId) => ask(who, organization, { method: 'DELETE', path: `members/${userId}` }),
    leave: (who) => ask(who, organization, { method: 'POST', path: 'leave' }),
    revoke: (who, invitationId) => ask(who, organization, { method: 'DELETE', path: `invitations/${invitationId}` }),
  };
}

/** An address that nobody has been invited by yet. */
export function guestAddress(): string {
  return `guest-${newId()}@example.org`;
}

/** The status of an answer and the code of its error. */
export function codeOf({ status, body }: Answer): [number, string | undefined] {
  return [status, body?.error?.code];
}

/** Makes the scene. */
export async function makeMembersScene(options: Parameters<typeof makeTestApp>[0] = {}): Promise<MembersScene> {
  const it = await makeTestApp(options);
  const rows = <Row>(statement: RawBuilder<Row>) =>
    it.platform.scopes.inInstance(async ({ db }) => (await statement.execute(db)).rows);
  const setTier: MembersScene['setTier'] = async ({ id }, tier) => {
    await rows(sql`update organizations set subscription_tier = ${tier} where id = ${id}`);
  };
  let addresses = 0;
  return {
    it,
    rows,
    setTier,
    makeOrganization: async (tier = 'free') => {
      const organization = await it.makeOrganization();
      if (tier !== 'free') await setTier(organization, tier);
      return organization;
    },
    makePerson: async ({ isVerified = true } = {}) => {
      const email = `Person-${newId()}@example.org`;
      addresses += 1;
      const { body } = await send(it.app, {
        method: 'POST',
        url: '/auth/register',
        body: { email, password: 'correct horse battery' },
        remoteAddress: `10.9.${addresses >> 8}.${addresses & 255}`,
      });
      const userId = body.user.id as string;
      if (isVerified) await rows(sql`update users set email_verified_at = ${it.clock.now} where id = ${userId}`);
      return { userId, email, headers: { authorization: `Bearer ${body.access_token}` } };
    },
    ask: ({ headers: own }, { id }, { method = 'GET', path, body, headers = {} }) =>
      send(it.app, {
        method,
        url: `/api/organizations/${id}${path === '' ? '' : `/${path}`}`,
        headers: { ...own, ...headers },
        ...(body === undefined ? {} : { body }),
      }),
    rolesIn: async ({ id }) => {
      const members = await rows(sql<{ user_id: string; role: Role }>`
        select user_id, role from user_organizations where organization_id = ${id} and is_active`);
      return new Map(members.map(({ user_id, role }) => [user_id, role]));
    },
    actionsIn: (organizationId) =>
      rows(sql`
        select action, actor_id, target, details from audit_log
        where organization_id = ${organizationId} and actor_kind = 'user' order by at, id`),
    mailedToken: async (email) => {
      const [mail] = await rows(sql<{ body_text: string }>`
        select body_text from mails where lower(recipient) = lower(${email}) and body_text like '%accept-invitation=%'
        order by created_at desc, id desc limit 1`);
      return /#accept-invitation=([\w-]{43})\s/.exec(mail?.body_text ?? '')?.[1] ?? '';
    },
    accept: ({ headers }, token) =>
      send(it.app, { method: 'POST', url: '/invitations/accept', headers, body: { token } }),
    pass: (seconds) => {
      it.clock.now = new Date(it.clock.now.getTime() + seconds * 1_000);
    },
  };
}
