import { element } from '../dom.js';
import { createProblem } from '../draw-week.js';
import { createSelect } from '../forms.js';
import { isSignedIn, requestJson } from '../requests.js';
import { createSignInPanel } from '../sign-in.js';
import { sections } from './sections.js';

/** @typedef {import('../../../../contract/endpoint.ts').EndpointAnswer<typeof import('../../../../contract/account.ts').getProfile>} Profile */
/** @typedef {import('../../../../contract/endpoint.ts').EndpointAnswer<typeof import('../../../../contract/organizations.ts').listOrganizations>[number]} Organization */
/**
 * What every section is given.
 * @typedef {object} Account
 * @property {Profile} profile
 * @property {Organization} organization the one acted in
 * @property {(path: string, options?: import('../requests.js').RequestOptions) => Promise<any>} call in that organization
 * @property {(news?: string) => Promise<void>} reopen shows the section anew, and what there is to tell
 */

/** Which organization was acted in last; its id is no secret. */
const chosenKey = 'almanac.organization';

/**
 * Shows one section of the account of who is signed in.
 * @param {HTMLElement} place
 * @param {string} [name]
 */
export async function openAccount(place, name = '') {
  document.title = 'Account · Almanac';
  place.dataset.asked = name;
  if (!isSignedIn()) return showSignIn(place);
  if (place.childElementCount === 0) place.append(element('p', { class: 'waiting', role: 'status' }, 'One moment …'));
  try {
    const [profile, organizations] = await Promise.all([
      requestJson('/users/profile'),
      requestJson('/api/organizations'),
    ]);
    const choose = (/** @type {string} */ id) => {
      localStorage.setItem(chosenKey, id);
      void openAccount(place, name);
    };
    await showSection(place, { profile, organizations, name, choose });
  } catch (error) {
    place.replaceChildren(createProblem(error, () => void openAccount(place, name)));
  }
}

/**
 * @param {HTMLElement} place
 * @param {{ profile: Profile, organizations: Organization[], name: string, choose: (id: string) => void }} given
 */
async function showSection(place, { profile, organizations, name, choose }) {
  const organization = findChosen(organizations);
  if (!organization) throw new Error('You belong to no organization.');
  const shown = sections.filter(({ isFor }) => isFor?.({ profile, organization }) ?? true);
  const section = shown.find((one) => one.name === name) ?? shown[0];
  if (!section) return;
  const title = element('h2', { id: 'section-title', tabindex: '-1' }, section.title);
  const news = element('p', { class: 'done', role: 'status' });
  const body = element('div', { class: 'section-body' });
  /** @type {Account} */
  const account = {
    profile,
    organization,
    call: (path, options) => requestJson(path, { ...options, organization: organization.id }),
    reopen: async (text = '') => {
      await openAccount(place, section.name);
      const told = place.querySelector('.done');
      if (told) told.textContent = text;
    },
  };
  const problem = (/** @type {unknown} */ error) => [createProblem(error, () => void account.reopen())];
  body.append(...(await section.open(account).catch(problem)));
  // Another section was asked for in the meantime.
  if (place.dataset.asked !== name) return;
  const where = section.isOfOrganization ? createSwitcher({ organizations, organization, choose }) : [];
  const main = element('section', { class: 'section', 'aria-labelledby': title.id }, title, ...where, news, body);
  const isFirst = !place.querySelector('.section');
  place.replaceChildren(createNavigation(shown, section), main);
  if (!isFirst) title.focus();
}

/**
 * @param {readonly import('./sections.js').Section[]} shown
 * @param {import('./sections.js').Section} current
 */
function createNavigation(shown, current) {
  const back = element('li', {}, element('a', { href: '#weeks' }, 'Back to the week'));
  const links = shown.map((section) => {
    const isCurrent = section === current ? 'page' : undefined;
    return element(
      'li',
      {},
      element('a', { href: `#account/${section.name}`, 'aria-current': isCurrent }, section.title),
    );
  });
  return element('nav', { class: 'sections', 'aria-label': 'Account' }, element('ul', {}, back, ...links));
}

/** @param {{ organizations: Organization[], organization: Organization, choose: (id: string) => void }} given */
function createSwitcher({ organizations, organization, choose }) {
  if (organizations.length < 2)
    return [element('p', { class: 'hint' }, `${organization.name}, as ${organization.role}`)];
  const field = createSelect(
    { form: 'switch', name: 'organization', label: 'In the organization' },
    {
      options: organizations.map(({ id, name, role }) => ({ value: id, label: `${name}, as ${role}` })),
      value: organization.id,
    },
  );
  field.select.addEventListener('change', () => choose(field.select.value));
  return [element('div', { class: 'switcher' }, field.node)];
}

/**
 * The organization chosen last, or else one of one's own.
 * @param {Organization[]} organizations
 */
function findChosen(organizations) {
  const chosen = localStorage.getItem(chosenKey);
  return (
    organizations.find(({ id }) => id === chosen) ??
    organizations.find(({ role, slug }) => role === 'owner' && slug !== 'local') ??
    organizations[0]
  );
}

/** @param {HTMLElement} place */
function showSignIn(place) {
  const title = element('h2', { id: 'section-title' }, 'Sign in to see your account');
  place.replaceChildren(
    element('section', { class: 'notice', 'aria-labelledby': title.id }, title, createSignInPanel({ id: 'account' })),
  );
}
