import { openAccount } from './account/open-account.js';
import { createApiList } from './api-list.js';
import { element } from './dom.js';
import { createProblem } from './draw-week.js';
import { createButton, messageOf } from './forms.js';
import { openMailedLink, takeMailedLink } from './mailed-links.js';
import { isSignedIn, renewSession, requestJson, sessionEnded } from './requests.js';
import { signOut } from './session.js';
import { createSignInPanel } from './sign-in.js';
import { openWeeks } from './weeks.js';

/** The fragment with which the page is loaded again when its session has ended. */
const endedFragment = '#session-ended';

/** @param {string} id */
function getPlace(id) {
  const place = document.getElementById(id);
  if (!place) throw new Error(`The page has no #${id}.`);
  return place;
}

/** What stands at the top: the way in, or the account and the way out. */
function createSessionControl() {
  if (isSignedIn()) {
    const leave = () => void signOut().then(() => location.assign('/'), showNotice);
    return [element('a', { href: '#account' }, 'Account'), createButton('Sign out', leave)];
  }
  const summary = element('summary', {}, 'Sign in');
  const details = element('details', { class: 'sign-in' }, summary, createSignInPanel({ id: 'sign-in' }));
  details.addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape' || !details.open) return;
    details.open = false;
    summary.focus();
  });
  return [details];
}

/** What stands in place of what nobody sees without signing in. */
function createSignInNotice() {
  const title = element('h2', { id: 'sign-in-title' }, 'Sign in to see your week');
  return element(
    'section',
    { class: 'notice', 'aria-labelledby': title.id },
    title,
    element('p', {}, 'This server shows its numbers to members only.'),
    createSignInPanel({ id: 'notice' }),
  );
}

/** @param {unknown} news */
function showNotice(news) {
  getPlace('news').textContent = messageOf(news);
}

/** Loads the home page's parts once they are to be seen. */
function createHome() {
  let isOpen = false;
  return async () => {
    if (isOpen) return;
    isOpen = true;
    const openApiList = async () => {
      const place = getPlace('endpoints');
      try {
        place.replaceChildren(...createApiList(await requestJson('/openapi.json')));
      } catch (error) {
        place.replaceChildren(createProblem(error, () => void openApiList()));
      }
    };
    const place = getPlace('weeks');
    const weeks = openWeeks({ place, contents: getPlace('contents') }).catch(() => {
      place.replaceChildren(createSignInNotice());
      getPlace('session').replaceChildren();
    });
    await Promise.all([weeks, openApiList()]);
  };
}

/** Shows what the fragment names: the account, or the home page and a place on it. */
function createRouter() {
  const openHome = createHome();
  return async () => {
    const link = takeMailedLink();
    if (link) {
      await openMailedLink(link);
      // Whoever is signed in now, and what they see, may be others than before.
      return location.reload();
    }
    // The link that skips to the content leaves the view as it is.
    if (location.hash === '#content') return;
    const isAccount = /^#account(\/|$)/.test(location.hash);
    document.body.dataset.view = isAccount ? 'account' : 'home';
    getPlace('home').hidden = isAccount;
    getPlace('account').hidden = !isAccount;
    if (isAccount) return openAccount(getPlace('account'), location.hash.split('/')[1]);
    document.title = 'Almanac';
    await openHome();
    if (location.hash.length > 1) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  };
}

async function start() {
  const link = takeMailedLink();
  const wasSignedIn = isSignedIn();
  await renewSession().catch(() => false);
  if (link) await openMailedLink(link);
  const hasEnded = (wasSignedIn && !isSignedIn()) || location.hash === endedFragment;
  if (location.hash === endedFragment) history.replaceState(null, '', '/');
  if (hasEnded) showNotice('Your session has ended. Sign in again.');
  getPlace('session').replaceChildren(...createSessionControl());
  addEventListener(sessionEnded, () => {
    location.hash = endedFragment;
    location.reload();
  });
  const isIn = isSignedIn();
  addEventListener('storage', () => {
    // Another page of this browser signed in or out.
    if (isSignedIn() !== isIn) location.reload();
  });
  const route = createRouter();
  addEventListener('hashchange', () => void route());
  await route();
}

void start();
