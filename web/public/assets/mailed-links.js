import { openDialog } from './dialogs.js';
import { element } from './dom.js';
import { createButton, createForm, messageOf } from './forms.js';
import { isSignedIn, rememberSignedIn, requestJson, requestOnce } from './requests.js';
import { signOut } from './session.js';
import { createNewPassword, createSignInPanel } from './sign-in.js';

/** @typedef {{ kind: 'reset-password' | 'verify-email' | 'accept-invitation', token: string }} MailedLink */

/**
 * Takes the token of a mailed link out of the address and its history, so that nobody reads it there.
 * @returns {MailedLink | undefined}
 */
export function takeMailedLink() {
  const match = /^#(reset-password|verify-email|accept-invitation)=(.*)$/.exec(location.hash);
  if (!match) return undefined;
  history.replaceState(null, '', `${location.pathname}${location.search}`);
  const [, kind, token] = match;
  return /** @type {MailedLink} */ ({ kind, token });
}

/**
 * Does what a mailed link is for, until its dialog is closed. The token stays in this call.
 * @param {MailedLink} link
 * @returns {Promise<void>}
 */
export function openMailedLink({ kind, token }) {
  if (kind === 'reset-password') return openReset(token);
  return kind === 'verify-email' ? openVerification(token) : openInvitation(token);
}

/** @param {string} text */
const paragraph = (text) => element('p', {}, text);

/** @param {string} token */
function openReset(token) {
  const password = createNewPassword('reset', 'New password');
  const again = () => dialog.show(createSignInPanel({ id: 'reset-sign-in', hasForgotten: true }));
  const form = createForm({
    fields: [password],
    submit: 'Set the password',
    others: [createButton('Have a new link mailed', again, { class: 'link' })],
    unseen: { token: 'The link' },
    onSubmit: async (values) => {
      const body = { token, password: values.password };
      const answer = await requestOnce('/auth/reset-password', { method: 'POST', body });
      // The one of this page has ended with the others.
      rememberSignedIn(false);
      dialog.show(paragraph((await answer.json()).message), createSignInPanel({ id: 'reset-sign-in' }));
    },
  });
  const dialog = openDialog({ title: 'Choose a new password', content: [form] });
  return dialog.closed;
}

/** @param {string} token */
async function openVerification(token) {
  const text = element('p', { role: 'status' }, 'One moment …');
  const close = createButton('Close', () => dialog.close());
  const dialog = openDialog({ title: 'Your address', content: [text, element('p', { class: 'choices' }, close)] });
  try {
    const answer = await requestOnce('/auth/verify-email', { method: 'POST', body: { token } });
    text.textContent = `${(await answer.json()).email} is confirmed.`;
  } catch (error) {
    text.textContent = messageOf(error).replace(/^token:/, 'The link');
  }
  return dialog.closed;
}

/** @param {string} token */
async function openInvitation(token) {
  const dialog = openDialog({ title: 'Invitation', content: [paragraph('One moment …')] });
  const accept = async () => {
    const joined = await requestJson('/invitations/accept', { method: 'POST', body: { token } });
    const reload = createButton('Show the week', () => location.assign('/'), { class: 'primary' });
    dialog.show(
      element('p', { role: 'status' }, `You are now ${joined.role} of ${joined.organization_name}.`),
      element('p', { class: 'choices' }, reload),
    );
  };
  const showSignIn = () => {
    const text = 'Sign in with the address that the invitation went to, or make an account with it.';
    const onSignedIn = () => void accept().catch(showAnswer);
    dialog.show(paragraph(text), createSignInPanel({ id: 'invited', isInvited: true, onSignedIn }));
  };
  const showAnswer = async (/** @type {unknown} */ problem) => {
    const profile = isSignedIn() && (await requestJson('/users/profile').catch(() => undefined));
    if (!profile) return showSignIn();
    const others = [createButton('Use another account', () => void signOut().then(showSignIn))];
    const note = problem ? messageOf(problem).replace(/^token:/, 'The link') : '';
    const form = createForm({
      fields: [],
      submit: 'Accept the invitation',
      others,
      unseen: { token: 'The link' },
      onSubmit: accept,
    });
    dialog.show(paragraph(`You are signed in as ${profile.email}.`), createNote(note), form);
  };
  await showAnswer(undefined);
  return dialog.closed;
}

/** @param {string} text */
function createNote(text) {
  return element('p', { class: 'problem', role: 'alert' }, text);
}
