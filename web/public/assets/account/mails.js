import { element } from '../dom.js';
import { createPagedList } from './lists.js';
import { tellMoment } from './tell.js';

/** @typedef {import('./open-account.js').Account} Account */
/** @typedef {import('../../../../contract/endpoint.ts').EndpointAnswer<typeof import('../../../../contract/mail.ts').listMails>['items'][number]} Mail */

/** @type {Record<Mail['status'], string>} */
const states = {
  kept: 'kept here: no mail server is set',
  waiting: 'waiting to be sent',
  sent: 'sent',
  failed: 'not sent',
};

/** @param {Account} account */
export async function openMails({ call, organization }) {
  const list = await createPagedList({
    load: (query) => call(`/api/system/mails${query}`),
    makeRow: (/** @type {Mail} */ mail) => createRow(mail, organization),
    empty: 'There are none yet.',
    label: 'Mails',
  });
  const text = 'The mails of this installation of the last 30 days. You see them as its administrator.';
  return [element('p', { class: 'hint' }, text), list];
}

/**
 * @param {Mail} mail
 * @param {Account['organization']} organization
 */
function createRow({ recipient, subject, status, problem, body_text: body, created_at: at }, organization) {
  const head = [
    element('p', { class: 'entry-title' }, subject),
    element('p', { class: 'meta' }, `To ${recipient} · ${tellMoment(at, organization)} · ${states[status]}`),
    ...(problem ? [element('p', { class: 'problem' }, problem)] : []),
  ];
  const text =
    body === null
      ? []
      : [element('details', {}, element('summary', {}, 'Read it'), element('div', { class: 'mail' }, ...linkUp(body)))];
  return element('li', { class: 'entry' }, element('div', {}, ...head, ...text));
}

/**
 * Makes addresses in a text ones to follow.
 * @param {string} text
 */
function linkUp(text) {
  return text
    .split(/(https?:\/\/\S+)/)
    .map((part, index) => (index % 2 === 1 ? element('a', { href: part }, part) : part));
}
