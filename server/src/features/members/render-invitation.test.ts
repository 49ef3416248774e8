import { expect, test } from 'vitest';
import { renderInvitation } from './render-invitation.ts';

const mail = renderInvitation({
  organization: 'Engines <b>& Sons</b>',
  inviter: { name: 'Ada', email: 'ada@example.org' },
  role: 'analyst',
  url: 'https://almanac.example.org/#accept-invitation=TOKEN',
  expiresAt: new Date('2024-12-25T12:00:00Z'),
});

test('an invitation says who invites, to what, as what, until when and where to accept', () => {
  expect(mail.subject).toBe('Invitation to Engines <b>& Sons</b>');
  for (const part of ['Ada (ada@example.org)', 'role analyst', '2024-12-25 12:00 UTC', '#accept-invitation=TOKEN']) {
    expect(mail.text).toContain(part);
    expect(mail.html).toContain(part);
  }
});

test('a name is never markup', () => {
  expect(mail.text).toContain('“Engines <b>& Sons</b>”');
  expect(mail.html).not.toContain('<b>');
});
