import { askFirst } from '../dialogs.js';
import { element } from '../dom.js';
import { createButton, createChoices, createForm, createInput, createSelect } from '../forms.js';
import { createPart } from './lists.js';
import { tiers } from './rights.js';
import { isAllowed } from './rights-of.js';

/** @typedef {import('./open-account.js').Account} Account */
/** @typedef {import('../../../../contract/tiers.ts').Tier} Tier */
/** @typedef {import('../../../../contract/tiers.ts').Entitlements} Entitlements */

/** @param {Account} account */
export async function openOrganization(account) {
  const { organization, call } = account;
  const { usage, tier } = await call('/users/subscription');
  const mayWrite = isAllowed(organization.role, 'organizations:write');
  const mayUpgrade = isAllowed(organization.role, 'subscription:write');
  return [
    ...(mayWrite ? [createSettings(account)] : []),
    createPart(
      'Subscription',
      createTierTable(tier, usage),
      ...(mayUpgrade ? [createTierForm(account, tier)] : [element('p', { class: 'hint' }, 'Owners change the tier.')]),
    ),
    createPart('Another organization', createNewForm(account)),
    createPart('Leave', ...createLeave(account)),
  ];
}

/** @param {Account} account */
function createSettings({ organization, call, reopen }) {
  const form = 'organization';
  const path = `/api/organizations/${organization.id}`;
  const name = createInput({ form, name: 'name', label: 'Name' }, { maxlength: '200', value: organization.name });
  const mfa = createChoices({ form, name: 'requires_mfa', label: 'Signing in' }, [
    {
      value: 'yes',
      label: 'Ask members for a second factor',
      note: 'Takes the tier enterprise. Who has none sees nothing here until it is set up.',
      isTicked: organization.requires_mfa,
    },
  ]);
  const timezone = createInput(
    {
      ...{ form, name: 'timezone', label: 'Time zone' },
      hint: 'Where days and weeks begin at midnight. After a change, older numbers are counted anew in the background.',
    },
    { maxlength: '100', value: organization.timezone, spellcheck: 'false' },
  );
  const firstDay = createSelect(
    { form, name: 'first_day_of_week', label: 'A week begins on' },
    { options: listDays(), value: String(organization.first_day_of_week) },
  );
  return createForm({
    fields: [name, timezone, firstDay, mfa],
    submit: 'Save',
    onSubmit: async (values) => {
      const body = {
        name: values.name,
        timezone: values.timezone,
        first_day_of_week: Number(values.first_day_of_week),
        requires_mfa: values.requires_mfa.length > 0,
      };
      await call(path, { method: 'PUT', body });
      await reopen('Saved.');
    },
  });
}

/** The days of the week from Monday on, by their numbers. */
function listDays() {
  const nameOf = new Intl.DateTimeFormat(undefined, { weekday: 'long', timeZone: 'UTC' });
  // A week that begins on a Monday.
  return [1, 2, 3, 4, 5, 6, 7].map((day) => ({ value: String(day), label: nameOf.format(Date.UTC(2024, 0, day)) }));
}

/**
 * @param {Tier} current
 * @param {{ sources: number, members: number }} usage
 */
function createTierTable(current, usage) {
  const names = /** @type {Tier[]} */ (Object.keys(tiers));
  const number = new Intl.NumberFormat();
  const count = (/** @type {number | null} */ value) => (value === null ? 'no limit' : number.format(value));
  const days = (/** @type {number | null} */ value) =>
    value === null
      ? 'no limit'
      : new Intl.NumberFormat(undefined, { style: 'unit', unit: 'day', unitDisplay: 'long' }).format(value);
  /** @type {[string, (tier: Entitlements) => string][]} */
  const lines = [
    [`Members (${number.format(usage.members)} now)`, ({ members }) => count(members)],
    [`Sources (${number.format(usage.sources)} now)`, ({ sources }) => count(sources)],
    ['Forecasts reach', ({ forecast_days }) => days(forecast_days)],
    ['Calls a minute, each', ({ requests_per_minute }) => count(requests_per_minute)],
    ['Single points kept', ({ raw_retention_days }) => days(raw_retention_days)],
    ['Required second factor', ({ required_mfa }) => (required_mfa ? 'yes' : 'no')],
  ];
  const head = names.map((name) =>
    element('th', { scope: 'col' }, name, ...(name === current ? [element('span', { class: 'badge' }, 'yours')] : [])),
  );
  const rows = lines.map(([label, tell]) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, label),
      ...names.map((name) =>
        element('td', { 'data-current': name === current ? 'yes' : undefined }, tell(tiers[name])),
      ),
    ),
  );
  return element(
    'div',
    { class: 'wide', tabindex: '0', role: 'region', 'aria-label': 'What the tiers include' },
    element(
      'table',
      { class: 'tiers' },
      element('thead', {}, element('tr', {}, element('td'), ...head)),
      element('tbody', {}, ...rows),
    ),
  );
}

/**
 * @param {Account} account
 * @param {Tier} tier
 */
function createTierForm({ call, reopen }, tier) {
  const field = createSelect(
    { form: 'tier', name: 'tier', label: 'Tier', hint: 'The change counts at once.' },
    { options: Object.keys(tiers).map((name) => ({ value: name, label: name })), value: tier },
  );
  return createForm({
    fields: [field],
    submit: 'Change the tier',
    onSubmit: async (values) => {
      await call('/users/upgrade', { method: 'POST', body: values });
      await reopen(`The tier is ${values.tier}.`);
    },
  });
}

/** @param {Account} account */
function createNewForm({ call, reopen }) {
  const form = 'new-organization';
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  const name = createInput({ form, name: 'name', label: 'Name' }, { maxlength: '200', autocomplete: 'off' });
  const timezone = createInput(
    { form, name: 'timezone', label: 'Time zone', hint: 'Where its weeks begin at midnight.' },
    { maxlength: '100', value: timeZone, spellcheck: 'false' },
  );
  return createForm({
    fields: [name, timezone],
    submit: 'Make an organization',
    look: '',
    onSubmit: async (values) => {
      const made = await call('/api/organizations', { method: 'POST', body: values });
      await reopen(`${made.name} is made. Choose it above.`);
    },
  });
}

/** @param {Account} account */
function createLeave({ organization, call }) {
  const leave = createButton(
    'Leave the organization',
    () =>
      askFirst({
        title: `Leave ${organization.name}?`,
        text: 'You come back only when somebody invites you.',
        action: 'Leave',
        act: () => call(`/api/organizations/${organization.id}/leave`, { method: 'POST' }),
        done: () => location.assign('/'),
      }),
    { class: 'danger' },
  );
  return [element('p', { class: 'hint' }, 'Its last owner cannot leave.'), element('p', { class: 'choices' }, leave)];
}
