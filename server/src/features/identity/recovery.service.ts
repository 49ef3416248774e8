import { recordAccountEvent } from '#features/audit/index.ts';
import { hashPassword, refuseWeakPassword } from '#features/passwords/index.ts';
import { newId } from '#kernel/ids.ts';
import { type ActingRequest, type UserPrincipal, unauthenticated } from '#platform/access/principal.ts';
import { hashOpaqueToken, makeOpaqueToken } from '#platform/crypto/opaque-token.ts';
import type { InstanceTx, Scopes } from '#platform/db/scopes.ts';
import type { Mail } from '#platform/mail/mail.ts';
import { renderMail } from '#platform/mail/render-mail.ts';
import {
  findHome,
  findMailedToken,
  findUser,
  findUserByEmail,
  insertMailedToken,
  setPassword,
  useMailedToken,
  verifyEmailOf,
} from './accounts.store.ts';
import type { ForgettingAuthenticator } from './authenticator.ts';
import { alreadyVerified, invalidMailedToken, noAddressToVerify, tooManyMails } from './identity.errors.ts';
import type { MailedPurpose } from './identity.tables.ts';
import { endSessions } from './sessions.store.ts';

const resetMs = 30 * 60_000;
const verifyMs = 7 * 86_400_000;
/** Within which three mails of a purpose go to an account. */
const mailedWindowSeconds = 15 * 60;
/** Of the stand-ins for addresses that outside issuers do not vouch for. */
const outsideDomain = '@outside.almanac.invalid';
/** What asking for a link takes at least, so that its time does not tell whether there is an account. */
const leastAskingMs = 60;

interface Addressee {
  id: string;
  email: string;
  name: string;
}

/** The use cases that go through a mailbox. */
export interface RecoveryService {
  /** Mails a link to set a new password, where the address has an account with one; says nothing either way. */
  askForReset(email: string): Promise<void>;
  /** Sets a new password and ends all sessions. Throws VALIDATION_ERROR for a token that is not good, or a weak password. */
  resetPassword(input: { token: string; password: string }, request: ActingRequest): Promise<void>;
  verifyEmail(token: string, request: ActingRequest): Promise<{ email: string; email_verified_at: string }>;
  /**
   * Mails the link that confirms the address again; answers the address. Throws CONFLICT where it is confirmed, or none
   * that mail reaches, and RATE_LIMITED where enough of them are on their way.
   */
  resendVerification(principal: UserPrincipal): Promise<string>;
  /** False where enough of them are on their way already. */
  mailVerification(tx: InstanceTx, user: Addressee): Promise<boolean>;
  mailPasswordChanged(tx: InstanceTx, user: Addressee): Promise<void>;
  /** To be called after the commit of what was mailed. */
  deliverSoon(): void;
}

export interface RecoveryOptions {
  scopes: Pick<Scopes, 'inInstance'>;
  mail: Pick<Mail, 'queue' | 'deliverSoon' | 'linkTo'>;
  forget: ForgettingAuthenticator['forget'];
  /** Ends the API keys of an account in its own organization and turns its second factor off. */
  disown: (tx: InstanceTx, account: { user_id: string; own_organization_id: string | null }) => Promise<void>;
  now: () => Date;
  pause: (ms: number) => Promise<void>;
}

export function createRecoveryService(options: RecoveryOptions): RecoveryService {
  const { scopes, mail, now, pause } = options;
  return {
    askForReset: async (email) => {
      const ask = scopes.inInstance(async (tx) => {
        const user = await findUserByEmail(tx, email);
        if (user?.password_hash) await mailReset(tx, user, options);
      });
      await Promise.all([ask, pause(leastAskingMs)]);
      mail.deliverSoon();
    },
    resetPassword: async ({ token, password }, request) => {
      const found = await scopes.inInstance((tx) => findToken(tx, { purpose: 'reset_password', token }, now()));
      await refuseWeakPassword(password, { field: 'password', email: found.email });
      const passwordHash = await hashPassword(password);
      const { user_id: userId } = found;
      await scopes.inInstance(async (tx) => {
        const at = now();
        if (!(await useMailedToken(tx, found.id, at))) throw invalidMailedToken('reset_password');
        await setPassword(tx, { userId, passwordHash, now: at });
        // Until now anybody could have made the account: what they may have left to come back by goes.
        if (!found.email_verified_at) await options.disown(tx, found);
        await verifyEmailOf(tx, userId, at);
        const ended = await endSessions(tx, { userId, reason: 'password', now: at });
        await record(tx, {
          action: 'identity.resetPassword',
          at,
          userId,
          request,
          details: { sessions: ended.length },
        });
        await mail.queue(tx, passwordChangedMail(found.email));
      });
      options.forget({ userId });
      mail.deliverSoon();
    },
    verifyEmail: (token, request) =>
      scopes.inInstance(async (tx) => {
        const at = now();
        const found = await findToken(tx, { purpose: 'verify_email', token }, at);
        if (!(await useMailedToken(tx, found.id, at))) throw invalidMailedToken('verify_email');
        const since = await verifyEmailOf(tx, found.user_id, at);
        await record(tx, { action: 'identity.verifyEmail', at, userId: found.user_id, request });
        return { email: found.email, email_verified_at: since.toISOString() };
      }),
    resendVerification: async (principal) => {
      const email = await scopes.inInstance((tx) => resendVerification(tx, principal, options));
      mail.deliverSoon();
      return email;
    },
    mailVerification: (tx, user) => mailVerification(tx, user, options),
    mailPasswordChanged: (tx, { email }) => mail.queue(tx, passwordChangedMail(email)),
    deliverSoon: () => mail.deliverSoon(),
  };
}

async function mailReset(tx: InstanceTx, user: Addressee, { mail, now }: RecoveryOptions): Promise<void> {
  const token = await putToken(tx, { userId: user.id, purpose: 'reset_password', lastsMs: resetMs }, now());
  if (token) await mail.queue(tx, resetMail(user, mail.linkTo(`reset-password=${token}`)));
}

async function mailVerification(tx: InstanceTx, user: Addressee, { mail, now }: RecoveryOptions): Promise<boolean> {
  const token = await putToken(tx, { userId: user.id, purpose: 'verify_email', lastsMs: verifyMs }, now());
  if (token) await mail.queue(tx, verificationMail(user, mail.linkTo(`verify-email=${token}`)));
  return token !== undefined;
}

async function resendVerification(tx: InstanceTx, principal: UserPrincipal, options: RecoveryOptions): Promise<string> {
  const { userId, organizationId, request } = principal;
  const user = await findUser(tx, userId);
  if (!user) throw unauthenticated();
  if (user.email_verified_at) throw alreadyVerified(user.email);
  if (user.email.endsWith(outsideDomain)) throw noAddressToVerify();
  if (!(await mailVerification(tx, user, options))) throw tooManyMails(mailedWindowSeconds);
  const event = { action: 'identity.resendVerification', at: options.now(), target: `user:${userId}` };
  await recordAccountEvent(tx, { ...event, userId, organizationId, request });
  return user.email;
}

/** A token to be mailed; undefined where enough of them are on their way already. */
async function putToken(
  tx: InstanceTx,
  { userId, purpose, lastsMs }: { userId: string; purpose: MailedPurpose; lastsMs: number },
  now: Date,
): Promise<string | undefined> {
  const token = makeOpaqueToken();
  const expiresAt = new Date(now.getTime() + lastsMs);
  const isKept = await insertMailedToken(tx, {
    id: newId(),
    userId,
    purpose,
    tokenHash: hashOpaqueToken(token),
    now,
    expiresAt,
  });
  return isKept ? token : undefined;
}

async function findToken(tx: InstanceTx, { purpose, token }: { purpose: MailedPurpose; token: string }, now: Date) {
  const found = await findMailedToken(tx, { purpose, tokenHash: hashOpaqueToken(token), now });
  if (!found) throw invalidMailedToken(purpose);
  return found;
}

interface RecoveryEvent {
  action: string;
  at: Date;
  userId: string;
  request: ActingRequest;
  details?: Record<string, unknown>;
}

async function record(tx: InstanceTx, event: RecoveryEvent): Promise<void> {
  const home = await findHome(tx, event.userId);
  if (!home) return;
  await recordAccountEvent(tx, { ...event, target: `user:${event.userId}`, organizationId: home.organizationId });
}

function resetMail({ email, name }: Addressee, url: string) {
  return {
    to: email,
    subject: 'Set a new password',
    ...renderMail({
      title: 'Set a new password',
      paragraphs: [
        `Hello ${name},`,
        'somebody, most likely you, asked for a new password for your Almanac account. The link works once, for 30 minutes.',
      ],
      action: { label: 'Set a new password', url },
      footer: 'If it was not you, do nothing: your password stays as it is.',
    }),
  };
}

function verificationMail({ email, name }: Addressee, url: string) {
  return {
    to: email,
    subject: 'Confirm your address',
    ...renderMail({
      title: 'Confirm your address',
      paragraphs: [`Hello ${name},`, 'welcome to Almanac. Please confirm that this address is yours.'],
      action: { label: 'Confirm the address', url },
      footer: 'If you did not make this account, do nothing.',
    }),
  };
}

function passwordChangedMail(email: string) {
  return {
    to: email,
    subject: 'Your password was changed',
    ...renderMail({
      title: 'Your password was changed',
      paragraphs: ['The password of your Almanac account was changed just now, and your other sessions have ended.'],
      footer: 'If it was not you, have a new password mailed to you at once, and tell your administrator.',
    }),
  };
}
