import type { Role } from '@almanac/contract/permissions.ts';
import { renderMail } from '#platform/mail/render-mail.ts';

interface InvitationMail {
  organization: string;
  inviter: { name: string; email: string };
  role: Role;
  url: string;
  expiresAt: Date;
}

/** What somebody who is invited reads: who asks them into what, as what, until when. */
export function renderInvitation({ organization, inviter, role, url, expiresAt }: InvitationMail) {
  const until = `${expiresAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return {
    subject: `Invitation to ${organization}`,
    ...renderMail({
      title: `Invitation to ${organization}`,
      paragraphs: [
        `${inviter.name} (${inviter.email}) invites you to the organization “${organization}” on Almanac, with the role ${role}.`,
        `Sign in, or make an account, with the address that this mail came to. The invitation is open until ${until}.`,
      ],
      action: { label: 'Accept the invitation', url },
      footer: 'If you do not know who invites you, do nothing.',
    }),
  };
}
