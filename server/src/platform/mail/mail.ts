import { newId } from '#kernel/ids.ts';
import type { MailConfig } from '../config/config.ts';
import { isMailAddress } from '../config/takers.ts';
import type { InstanceTx, Scopes } from '../db/scopes.ts';
import type { Log } from '../log/log.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { createDelivery, type DeliveryCounts } from './delivery.ts';
import { deleteMailsBefore, insertMail, listMails, type MailPosition, type MailState } from './mail-store.ts';
import { createSmtpSender } from './send-by-smtp.ts';
import { toOneLine } from './to-one-line.ts';

/** A mail as a feature writes it. */
export interface MailMessage {
  /** One plain address. */
  to: string;
  subject: string;
  text: string;
  html?: string;
}

/**
 * The mails of the installation. A mail is queued in the transaction it belongs to and leaves after its commit, so that
 * none is sent of what was rolled back and none is lost to a crash. It is delivered at least once: a process that ends
 * between sending and writing that down leaves a mail that is sent again, under the same Message-ID.
 */
export interface Mail {
  /** True where mails are sent; without SMTP_URL they are kept for an administrator to read, and never sent later. */
  readonly isSending: boolean;
  /** Puts a mail into the outbox with the transaction; call `deliverSoon` once it stands. Throws on an address that is none. */
  queue(tx: InstanceTx, message: MailMessage): Promise<void>;
  /** Has what is due sent in the background. Returns at once and never fails. */
  deliverSoon(): void;
  /** Sends what is due until there is no more, the signal says so or the server is away. */
  deliverDue(signal?: AbortSignal): Promise<DeliveryCounts>;
  /** The address of the web application with a fragment, such as `reset-password=…`: servers and their logs never see it. */
  linkTo(fragment: string): string;
  /** The newest mails past the position. */
  list(page: { limit: number; before?: MailPosition | undefined }): Promise<MailState[]>;
  /** Deletes the mails of more than 30 days ago; answers how many. */
  deleteOld(now: Date): Promise<number>;
  /** Takes no more mails, and resolves when those under way have ended. */
  close(): Promise<void>;
}

interface MailOptions {
  scopes: Pick<Scopes, 'inInstance'>;
  config: MailConfig;
  log: Log;
  now: () => Date;
  telemetry?: Pick<Telemetry, 'observeOutbound'>;
}

const keptMs = 30 * 24 * 60 * 60 * 1_000;
const maxSubjectLength = 250;

/** Makes the outbox, and what empties it where there is a server to send by. */
export function createMail({ scopes, config, log, now, telemetry }: MailOptions): Mail {
  const { smtpUrl, from, linkOrigin } = config;
  const delivery =
    smtpUrl === undefined
      ? undefined
      : createDelivery({ scopes, sender: createSmtpSender({ smtpUrl, from, log }), log, now, telemetry });
  return {
    isSending: delivery !== undefined,
    queue: async (tx, { to, subject, text, html }) => {
      if (!isMailAddress(to)) throw new Error('A mail takes one plain address.');
      const createdAt = now();
      await insertMail(tx, {
        id: newId(),
        recipient: to,
        subject: toOneLine(subject, maxSubjectLength),
        bodyText: toBody(text),
        bodyHtml: html === undefined ? null : toBody(html),
        createdAt,
        nextAttemptAt: delivery ? createdAt : null,
      });
    },
    deliverSoon: () => delivery?.deliverSoon(),
    deliverDue: async (signal) => (await delivery?.deliverDue(signal)) ?? { sent: 0, putOff: 0, failed: 0 },
    linkTo: (fragment) => `${linkOrigin}/#${fragment}`,
    list: ({ limit, before }) => scopes.inInstance((tx) => listMails(tx, { limit, before })),
    deleteOld: (moment) => scopes.inInstance((tx) => deleteMailsBefore(tx, new Date(moment.getTime() - keptMs))),
    close: async () => delivery?.close(),
  };
}

/** PostgreSQL's text holds no zero. */
function toBody(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}
