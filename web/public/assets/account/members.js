import { askFirst } from '../dialogs.js';
import { element } from '../dom.js';
import { createButton, createForm, createInput, createSelect, messageOf } from '../forms.js';
import { createEntry, createPagedList, createPart } from './lists.js';
import { rolesGivenBy } from './rights-of.js';
import { tellDay } from './tell.js';

/** @typedef {import('./open-account.js').Account} Account */
/** @typedef {import('../../../../contract/endpoint.ts').EndpointAnswer<typeof import('../../../../contract/members.ts').listMembers>['items'][number]} Member */
/** @typedef {import('../../../../contract/endpoint.ts').EndpointAnswer<typeof import('../../../../contract/members.ts').listInvitations>['items'][number]} Invitation */

/** @param {Account} account */
export async function openMembers(account) {
  const { organization, call } = account;
  const path = `/api/organizations/${organization.id}`;
  const given = rolesGivenBy(organization.role);
  const members = await createPagedList({
    load: (query) => call(`${path}/members${query}`),
    makeRow: (/** @type {Member} */ member) => createMemberRow(member, { account, path, given }),
    empty: 'There are none.',
    label: 'Members',
  });
  if (given.length === 0) return [members];
  const invitations = await createPagedList({
    load: (query) => call(`${path}/invitations${query}`),
    makeRow: (/** @type {Invitation} */ invitation) => createInvitationRow(invitation, { account, path, given }),
    empty: 'None are open.',
    label: 'Open invitations',
  });
  return [
    members,
    createPart('Open invitations', invitations),
    createPart('Invite somebody', createInviteForm({ account, path, given })),
  ];
}

/** @typedef {{ account: Account, path: string, given: readonly string[] }} Place */

/**
 * @param {Member} member
 * @param {Place} place
 */
function createMemberRow(member, { account, path, given }) {
  const { organization, profile, call, reopen } = account;
  const isOneself = member.user_id === profile.id;
  const isChangeable = given.includes(member.role);
  const title = [
    member.name,
    ...(isChangeable ? [] : [element('span', { class: 'badge' }, member.role)]),
    ...(isOneself ? [element('span', { class: 'badge' }, 'you')] : []),
  ];
  const factor = member.mfa_enabled ? 'second factor on' : 'no second factor';
  const notes = [member.email, `Since ${tellDay(member.joined_at, organization)} · ${factor}`];
  if (!isChangeable) return createEntry({ title, notes });
  const remove = createButton(
    'Remove',
    () =>
      askFirst({
        title: `Remove ${member.name}?`,
        text: `${member.email} sees nothing of ${organization.name} any more, within five seconds.`,
        action: 'Remove',
        act: () => call(`${path}/members/${member.user_id}`, { method: 'DELETE' }),
        done: () => void reopen(`${member.name} is removed.`),
      }),
    { 'aria-label': `Remove ${member.name}` },
  );
  const role = createRoleSelect(member, { account, path, given });
  return createEntry({ title, notes, actions: isOneself ? [role] : [role, remove] });
}

/**
 * @param {Member} member
 * @param {Place} place
 */
function createRoleSelect(member, { account, path, given }) {
  const problem = element('p', { class: 'problem', role: 'alert' });
  const select = element(
    'select',
    { 'aria-label': `Role of ${member.name}` },
    ...given.map((role) => element('option', { value: role }, role)),
  );
  select.value = member.role;
  select.addEventListener('change', () => {
    const body = { role: select.value };
    account.call(`${path}/members/${member.user_id}`, { method: 'PUT', body }).then(
      () => account.reopen(`${member.name} is ${body.role} now.`),
      (error) => {
        select.value = member.role;
        problem.textContent = messageOf(error);
      },
    );
  });
  return element('div', { class: 'role' }, select, problem);
}

/**
 * @param {Invitation} invitation
 * @param {Place} place
 */
function createInvitationRow({ id, email, role, expires_at: expiresAt }, { account, path, given }) {
  const revoke = createButton(
    'Take back',
    () =>
      askFirst({
        title: 'Take the invitation back?',
        text: `The link that was mailed to ${email} leads nowhere then.`,
        action: 'Take it back',
        act: () => account.call(`${path}/invitations/${id}`, { method: 'DELETE' }),
        done: () => void account.reopen('The invitation is taken back.'),
      }),
    { 'aria-label': `Take back the invitation of ${email}` },
  );
  return createEntry({
    title: [email, element('span', { class: 'badge' }, role)],
    notes: [`Open until ${tellDay(expiresAt, account.organization)}`],
    actions: given.includes(role) ? [revoke] : [],
  });
}

/** @param {Place} place */
function createInviteForm({ account, path, given }) {
  const form = 'invite';
  const email = createInput(
    { form, name: 'email', label: 'E-mail' },
    { type: 'email', autocomplete: 'off', maxlength: '254' },
  );
  const role = createSelect(
    { form, name: 'role', label: 'Role' },
    { options: given.map((name) => ({ value: name, label: name })), value: 'member' },
  );
  return createForm({
    fields: [email, role],
    submit: 'Invite',
    onSubmit: async (values) => {
      const made = await account.call(`${path}/invitations`, { method: 'POST', body: values });
      await account.reopen(`${made.email} is invited as ${made.role}.`);
    },
  });
}
