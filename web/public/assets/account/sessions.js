import { askFirst } from '../dialogs.js';
import { element } from '../dom.js';
import { createButton } from '../forms.js';
import { signOut } from '../session.js';
import { createEntry } from './lists.js';
import { tellMoment, tellProgram } from './tell.js';

/** @typedef {import('../../../../contract/endpoint.ts').EndpointAnswer<typeof import('../../../../contract/account.ts').listSessions>[number]} Session */

/** @param {import('./open-account.js').Account} account */
export async function openSessions(account) {
  /** @type {Session[]} */
  const sessions = await account.call('/auth/sessions');
  const rows = sessions.map((session) => createRow(session, account));
  const everywhere = createButton(
    'Sign out everywhere',
    () =>
      askFirst({
        title: 'Sign out everywhere?',
        text: 'All your sessions end, this one too.',
        action: 'Sign out everywhere',
        act: () => signOut({ all: true }),
        done: () => location.assign('/'),
      }),
    { class: 'danger' },
  );
  return [
    element('p', { class: 'hint' }, 'Where you are signed in. End what you do not know, and change your password.'),
    element('ul', { class: 'entries', 'aria-label': 'Sessions' }, ...rows),
    element('p', { class: 'choices' }, everywhere),
  ];
}

/**
 * @param {Session} session
 * @param {import('./open-account.js').Account} account
 */
function createRow({ id, user_agent: agent, address, is_current: isCurrent, ...session }, account) {
  const program = tellProgram(agent);
  const end = createButton(
    'End',
    () =>
      askFirst({
        title: 'End this session?',
        text: `${program}, ${address ?? 'from an unknown address'}. It is signed out within five seconds.`,
        action: 'End the session',
        act: () => account.call(`/auth/sessions/${id}`, { method: 'DELETE' }),
        done: () => void account.reopen('The session has ended.'),
      }),
    { 'aria-label': `End the session of ${program}` },
  );
  return createEntry({
    title: [program, ...(isCurrent ? [element('span', { class: 'badge' }, 'this one')] : [])],
    notes: [
      address ?? 'Unknown address',
      `Last used ${tellMoment(session.last_used_at, account.organization)}, since ${tellMoment(session.created_at, account.organization)}`,
    ],
    actions: isCurrent ? [] : [end],
  });
}
