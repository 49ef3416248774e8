import { askFirst, openDialog } from '../dialogs.js';
import { element } from '../dom.js';
import { createButton, createChoices, createForm, createInput, createSelect } from '../forms.js';
import { createSecret } from '../secrets.js';
import { createEntry, createPagedList, createPart } from './lists.js';
import { scopesOf } from './rights-of.js';
import { tellDay } from './tell.js';

/** @typedef {import('./open-account.js').Account} Account */
/** @typedef {import('../../../../contract/endpoint.ts').EndpointAnswer<typeof import('../../../../contract/api-keys.ts').listApiKeys>['items'][number]} ApiKey */

const dayMs = 86_400_000;
const lifetimes = [
  { value: '30', label: 'in 30 days' },
  { value: '90', label: 'in 90 days' },
  { value: '365', label: 'in a year' },
  { value: '', label: 'never' },
];

/** @param {Account} account */
export async function openApiKeys(account) {
  const list = await createPagedList({
    load: (query) => account.call(`/auth/api-keys${query}`),
    makeRow: (/** @type {ApiKey} */ key) => createRow(key, account),
    empty: 'There are none yet.',
    label: 'API keys',
  });
  const text =
    'Programs send a key as X-API-Key. It may do what you tick and what your role allows, in this organization.';
  return [element('p', { class: 'hint' }, text), list, createPart('Make a key', createKeyForm(account))];
}

/** @param {Account} account */
function createKeyForm(account) {
  const form = 'api-key';
  const name = createInput(
    { form, name: 'name', label: 'Name', hint: 'What it is for, such as “Continuous integration”.' },
    { maxlength: '100', autocomplete: 'off' },
  );
  const lifetime = createSelect({ form, name: 'expires_at', label: 'Ends' }, { options: lifetimes, value: '90' });
  const scopes = createChoices(
    { form, name: 'scopes', label: 'It may' },
    scopesOf(account.organization.role).map((scope) => ({ value: scope.name, label: scope.name, note: scope.meaning })),
  );
  return createForm({
    fields: [name, scopes, lifetime],
    submit: 'Make the key',
    onSubmit: async (values) => {
      const days = Number(values.expires_at);
      const expiresAt = days ? new Date(Date.now() + days * dayMs).toISOString() : null;
      const body = { name: values.name, scopes: values.scopes, expires_at: expiresAt };
      const made = await account.call('/auth/api-keys', { method: 'POST', body });
      const dialog = openDialog({
        title: `The key “${made.name}”`,
        content: [
          element('p', {}, 'Copy it now: it is shown only this once.'),
          createSecret({ text: made.key, label: 'API key' }),
          element(
            'p',
            { class: 'choices' },
            createButton('I have kept it', () => dialog.close(), { class: 'primary' }),
          ),
        ],
      });
      void dialog.closed.then(() => account.reopen('The key is made.'));
    },
  });
}

/**
 * @param {ApiKey} key
 * @param {Account} account
 */
function createRow(key, account) {
  const { organization, profile } = account;
  const end = createButton(
    'Delete',
    () =>
      askFirst({
        title: `Delete the key “${key.name}”?`,
        text: `Programs that send ${key.prefix}… are refused within five seconds.`,
        action: 'Delete the key',
        act: () => account.call(`/auth/api-keys/${key.id}`, { method: 'DELETE' }),
        done: () => void account.reopen('The key is deleted.'),
      }),
    { 'aria-label': `Delete the key ${key.name}` },
  );
  const ends = key.expires_at ? `ends ${tellDay(key.expires_at, organization)}` : 'does not end';
  const used = key.last_used_at ? `last used ${tellDay(key.last_used_at, organization)}` : 'not used yet';
  const isOthers = key.user_id !== profile.id;
  return createEntry({
    title: [key.name, ...(isOthers ? [element('span', { class: 'badge' }, 'another member’s')] : [])],
    notes: [`${key.prefix}… · ${ends} · ${used}`, key.scopes.join(', ')],
    actions: [end],
  });
}
