import { sql } from 'kysely';
import type { InstanceTx } from '../db/scopes.ts';

/** A mail as it waits in the outbox. */
export interface OutboxMail {
  readonly id: string;
  readonly recipient: string;
  readonly subject: string;
  readonly bodyText: string;
  readonly bodyHtml: string | null;
  readonly createdAt: Date;
}

/** A mail that this process alone may send until the lease is over. */
export interface ClaimedMail extends OutboxMail {
  /** 1 on the first attempt; told back with the outcome, so that a late one does not undo a later attempt. */
  readonly attempt: number;
}

/** Where a mail stands. */
export interface MailState {
  readonly id: string;
  readonly recipient: string;
  readonly subject: string;
  /** Null once it is sent. */
  readonly bodyText: string | null;
  readonly createdAt: Date;
  readonly attempts: number;
  readonly nextAttemptAt: Date | null;
  readonly sentAt: Date | null;
  readonly problem: string | null;
}

/** Where a page of the list ended. */
export interface MailPosition {
  readonly createdAt: Date;
  readonly id: string;
}

/** Puts a mail into the outbox: to be sent from `nextAttemptAt` on, or kept where that is null. */
export async function insertMail(
  { db }: InstanceTx,
  { nextAttemptAt, ...mail }: OutboxMail & { nextAttemptAt: Date | null },
): Promise<void> {
  await sql`
    insert into mails (id, recipient, subject, body_text, body_html, created_at, next_attempt_at)
    values (${mail.id}, ${mail.recipient}, ${mail.subject}, ${mail.bodyText}, ${mail.bodyHtml}, ${mail.createdAt},
      ${nextAttemptAt})`.execute(db);
}

/** Takes the mail that has been due the longest, so that nobody else takes it before the lease ends. */
export async function claimDueMail(
  { db }: InstanceTx,
  { now, leaseEnd }: { now: Date; leaseEnd: Date },
): Promise<ClaimedMail | undefined> {
  const { rows } = await sql<ClaimedMail>`
    with due as materialized (
      select id from mails where next_attempt_at <= ${now} order by next_attempt_at limit 1 for update skip locked
    )
    update mails m set next_attempt_at = ${leaseEnd}, attempts = attempts + 1
    from due where m.id = due.id
    returning m.id, m.recipient, m.subject, m.body_text as "bodyText", m.body_html as "bodyHtml",
      m.created_at as "createdAt", m.attempts as attempt`.execute(db);
  return rows[0];
}

/** Writes down that a mail is delivered, and drops what it says. */
export async function markSent({ db }: InstanceTx, { id, sentAt }: { id: string; sentAt: Date }): Promise<void> {
  await sql`
    update mails set sent_at = ${sentAt}, next_attempt_at = null, problem = null, body_text = null, body_html = null
    where id = ${id}`.execute(db);
}

/** Writes down why an attempt failed, and when the next one is: null where there is none. */
export async function markUnsent(
  { db }: InstanceTx,
  { id, attempt }: Pick<ClaimedMail, 'id' | 'attempt'>,
  { nextAttemptAt, problem }: { nextAttemptAt: Date | null; problem: string },
): Promise<void> {
  await sql`
    update mails set next_attempt_at = ${nextAttemptAt}, problem = ${problem}
    where id = ${id} and attempts = ${attempt} and sent_at is null`.execute(db);
}

/** The newest mails past the position. */
export async function listMails(
  { db }: InstanceTx,
  { limit, before }: { limit: number; before: MailPosition | undefined },
): Promise<MailState[]> {
  const past = before ? sql`where (created_at, id) < (${before.createdAt}, ${before.id}::uuid)` : sql``;
  const { rows } = await sql<MailState>`
    select id, recipient, subject, body_text as "bodyText", created_at as "createdAt", attempts,
      next_attempt_at as "nextAttemptAt", sent_at as "sentAt", problem
    from mails ${past} order by created_at desc, id desc limit ${limit}`.execute(db);
  return rows;
}

/** Deletes the mails made before a moment; answers how many. */
export async function deleteMailsBefore({ db }: InstanceTx, moment: Date): Promise<number> {
  const deleted = await sql`delete from mails where created_at < ${moment}`.execute(db);
  return Number(deleted.numAffectedRows ?? 0);
}
