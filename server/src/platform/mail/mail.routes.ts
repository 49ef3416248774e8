import type { EndpointAnswer } from '@almanac/contract/endpoint.ts';
import { listMails } from '@almanac/contract/mail.ts';
import type { FastifyInstance } from 'fastify';
import { bind } from '../http/bind.ts';
import { type Cursors, toPage } from '../http/cursor.ts';
import type { Mail } from './mail.ts';
import type { MailState } from './mail-store.ts';

interface MailRoutesOptions {
  mail: Pick<Mail, 'list'>;
  cursors: Cursors;
}

type PresentedMail = EndpointAnswer<typeof listMails>['items'][number];

/** GET /api/system/mails. */
export function addMailRoutes(app: FastifyInstance, { mail, cursors }: MailRoutesOptions): void {
  bind(app, listMails, {
    access: 'system:read',
    handle: async ({ query: { limit = 100, cursor } }) => {
      const before = cursor === undefined ? undefined : openPosition(cursors, cursor);
      const mails = await mail.list({ limit: limit + 1, before });
      const page = toPage(mails, limit, ({ createdAt, id }) => cursors.seal(listMails.id, [createdAt.getTime(), id]));
      return { ...page, items: page.items.map(present) };
    },
  });
}

function openPosition(cursors: Cursors, cursor: string) {
  const [createdAtMs, id] = cursors.open<[number, string]>(listMails.id, cursor);
  return { createdAt: new Date(createdAtMs), id };
}

function present(mail: MailState): PresentedMail {
  return {
    id: mail.id,
    recipient: mail.recipient,
    subject: mail.subject,
    status: statusOf(mail),
    body_text: mail.bodyText,
    created_at: mail.createdAt.toISOString(),
    sent_at: mail.sentAt?.toISOString() ?? null,
    attempts: mail.attempts,
    problem: mail.problem,
  };
}

function statusOf({ sentAt, nextAttemptAt, problem }: MailState): PresentedMail['status'] {
  if (sentAt !== null) return 'sent';
  if (nextAttemptAt !== null) return 'waiting';
  return problem === null ? 'kept' : 'failed';
}
