import { sql } from 'kysely';
import { mentionOf } from '../privacy/mention-of.ts';
import { columnsOf, type PersonalData } from '../privacy/personal-data.ts';

interface MailRow {
  id: string;
  recipient: string;
  subject: string;
  created_at: Date;
  sent_at: Date | null;
}

/**
 * Mails to the person's address, and those to others that name it, such as the invitations that the person sent. What they
 * say is not handed out: it holds links that open accounts. An address that nobody has confirmed may be somebody else's,
 * so what was mailed to it is not handed out either, and invitations to it stay.
 */
export const personalMails: PersonalData<MailRow> = {
  section: 'mails',
  covers: columnsOf('mails', ['recipient', 'subject', 'body_text', 'body_html', 'problem']),
  list: async ({ db }, { email, isEmailVerified }, { after, limit }) => {
    const { rows } = await sql<MailRow>`
      select id, recipient, subject, created_at, sent_at from mails
      where ${isEmailVerified} and lower(recipient) = lower(${email}) and ${after ? sql`id > ${after.id}::uuid` : sql`true`}
      order by id limit ${limit}`.execute(db);
    return rows;
  },
  erase: async ({ db }, { email, isEmailVerified }) => {
    // An invitation may be meant for whoever the address is really of.
    await sql`
      delete from mails
      where (lower(recipient) = lower(${email}) and (${isEmailVerified} or body_text !~ '#accept-invitation='))
        or (${isEmailVerified} and body_text ~* ${mentionOf(email)})`.execute(db);
  },
};
