import { element } from './dom.js';
import { createButton, createForm, createInput } from './forms.js';
import { RequestProblem } from './requests.js';
import { askForPasswordLink, register, signIn, signInWithCode } from './session.js';

/** @typedef {{ id: string, isInvited: boolean, show: (content: Node[]) => void, onSignedIn: () => void }} Panel */

/**
 * The steps of signing in: address and password, the code, a forgotten password, or a new account.
 * @param {{ id: string, hasForgotten?: boolean, isInvited?: boolean, onSignedIn?: () => void }} options the id tells
 *   forms on one page apart
 */
export function createSignInPanel({ id, hasForgotten, isInvited = false, onSignedIn = () => location.reload() }) {
  const node = element('div', { class: 'panel' });
  /** @type {Panel} */
  const panel = {
    id,
    isInvited,
    onSignedIn,
    show: (content) => {
      node.replaceChildren(...content);
      const first = [...node.querySelectorAll('input')].find(({ value }) => value === '');
      first?.focus();
    },
  };
  node.append(...(hasForgotten ? createForgottenStep(panel, '') : createFirstStep(panel)));
  return node;
}

/**
 * @param {Panel} panel
 * @param {{ email?: string, note?: string }} [given]
 */
function createFirstStep(panel, { email = '', note = '' } = {}) {
  const address = createAddress(panel, 'username', email);
  const password = createInput(
    { form: panel.id, name: 'password', label: 'Password' },
    { type: 'password', autocomplete: 'current-password', maxlength: '128' },
  );
  const newcomer = createButton('Make an account', () => panel.show(createRegisterStep(panel, address.input.value)));
  const form = createForm({
    fields: [address, password],
    submit: 'Sign in',
    others: [newcomer],
    onSubmit: async (values) => {
      const mfaToken = await signIn(values.email, values.password);
      if (mfaToken === undefined) panel.onSignedIn();
      else panel.show(createCodeStep(panel, { mfaToken, email: values.email }));
    },
  });
  const forgotten = createButton(
    'Forgot your password?',
    () => panel.show(createForgottenStep(panel, address.input.value)),
    { class: 'link' },
  );
  return [...(note ? [element('p', { class: 'hint', role: 'alert' }, note)] : []), form, forgotten];
}

/**
 * @param {Panel} panel
 * @param {{ mfaToken: string, email: string }} given
 */
function createCodeStep(panel, { mfaToken, email }) {
  const code = createInput(
    { form: panel.id, name: 'code', label: 'Code', hint: 'The six digits that your authenticator shows now.' },
    { autocomplete: 'one-time-code', inputmode: 'numeric', minlength: '6', maxlength: '32', spellcheck: 'false' },
  );
  const form = createForm({
    fields: [code],
    submit: 'Go on',
    onSubmit: async (values) => {
      try {
        await signInWithCode(mfaToken, values.code);
      } catch (error) {
        const isTooLate = error instanceof RequestProblem && error.code === 'INVALID_TOKEN';
        if (!isTooLate) throw error;
        const note = 'That took longer than five minutes. Sign in again.';
        return panel.show(createFirstStep(panel, { email, note }));
      }
      panel.onSignedIn();
    },
  });
  const recovery = createButton(
    'Use a recovery code',
    () => {
      code.input.inputMode = 'text';
      code.input.autocomplete = 'off';
      const hint = code.node.querySelector('.hint');
      if (hint) hint.textContent = 'One of the codes that you kept when you set the second factor up.';
      code.input.focus();
      recovery.remove();
    },
    { class: 'link' },
  );
  return [form, recovery, createWayBack(panel, email)];
}

/**
 * @param {Panel} panel
 * @param {string} email
 */
function createForgottenStep(panel, email) {
  const address = createAddress(panel, 'username', email);
  const form = createForm({
    fields: [address],
    submit: 'Mail me a link',
    onSubmit: (values) => askForPasswordLink(values.email),
  });
  const text = 'With the link that is mailed to you, you choose a new password.';
  return [element('p', { class: 'hint' }, text), form, createWayBack(panel, email)];
}

/**
 * @param {Panel} panel
 * @param {string} email
 */
function createRegisterStep(panel, email) {
  const address = createAddress(panel, 'email', email);
  const facts = { form: panel.id };
  const name = createInput({ ...facts, name: 'name', label: 'Your name' }, { autocomplete: 'name', maxlength: '200' });
  const password = createNewPassword(panel.id, 'Password');
  const organization = createInput(
    { ...facts, name: 'organization_name', label: 'Organization (optional)' },
    { required: undefined, autocomplete: 'organization', maxlength: '200' },
  );
  const setupToken = createInput(
    { ...facts, name: 'setup_token', label: 'Setup token', hint: 'Printed when the server started.' },
    { required: undefined, autocomplete: 'off', spellcheck: 'false', maxlength: '200' },
  );
  setupToken.node.hidden = true;
  const form = createForm({
    fields: [name, address, password, ...(panel.isInvited ? [] : [organization, setupToken])],
    submit: 'Make the account',
    onSubmit: async (values) => {
      try {
        await register(/** @type {import('./session.js').NewAccount} */ (values));
      } catch (error) {
        // The first account of an installation in production takes the token.
        if (error instanceof RequestProblem && error.code === 'FORBIDDEN') setupToken.node.hidden = false;
        throw error;
      }
      panel.onSignedIn();
    },
  });
  return [form, createWayBack(panel, email)];
}

/**
 * @param {Panel} panel
 * @param {'username' | 'email'} autocomplete
 * @param {string} value
 */
function createAddress(panel, autocomplete, value) {
  return createInput(
    { form: panel.id, name: 'email', label: 'E-mail' },
    { type: 'email', autocomplete, maxlength: '254', value },
  );
}

/**
 * @param {string} form
 * @param {string} label
 */
export function createNewPassword(form, label) {
  return createInput(
    { form, name: 'password', label, hint: 'At least 8 characters, and none of the common ones.' },
    { type: 'password', autocomplete: 'new-password', minlength: '8', maxlength: '128' },
  );
}

/**
 * @param {Panel} panel
 * @param {string} email
 */
function createWayBack(panel, email) {
  const back = () => panel.show(createFirstStep(panel, { email }));
  return createButton('Back to signing in', back, { class: 'link' });
}
