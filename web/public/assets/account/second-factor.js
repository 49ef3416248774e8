import { element } from '../dom.js';
import { createButton, createForm, createInput, messageOf } from '../forms.js';
import { createSecret } from '../secrets.js';

/** @typedef {import('./open-account.js').Account} Account */

/** @param {Account} account */
export async function openSecondFactor(account) {
  return account.profile.mfa_enabled ? createEnabled(account) : createDisabled(account);
}

/** @param {Account} account */
function createDisabled(account) {
  const problem = element('p', { class: 'problem', role: 'alert' });
  const node = element('div', { class: 'steps' });
  const begin = createButton(
    'Set up a second factor',
    () => {
      account.call('/auth/mfa/setup', { method: 'POST' }).then(
        (setup) => {
          node.replaceChildren(...createSetup(setup, { account, node }));
          node.querySelector('input')?.focus();
        },
        (error) => {
          problem.textContent = messageOf(error);
        },
      );
    },
    { class: 'primary' },
  );
  const text = 'Signing in then takes your password and a code that an authenticator app on your phone shows.';
  node.append(element('p', {}, text), problem, element('p', { class: 'choices' }, begin));
  return [node];
}

/**
 * @param {{ qr_svg: string, secret: string, otpauth_uri: string }} setup
 * @param {{ account: Account, node: HTMLElement }} shown
 */
function createSetup({ qr_svg: svg, secret, otpauth_uri: uri }, { account, node }) {
  const picture = element('img', {
    class: 'qr',
    src: `data:image/svg+xml,${encodeURIComponent(svg)}`,
    alt: 'QR code of the secret; the same secret stands below as text',
    width: '192',
    height: '192',
  });
  const code = createInput(
    { form: 'second-factor', name: 'code', label: 'Code', hint: 'The six digits that the app shows now.' },
    { autocomplete: 'one-time-code', inputmode: 'numeric', minlength: '6', maxlength: '32', spellcheck: 'false' },
  );
  const form = createForm({
    fields: [code],
    submit: 'Turn it on',
    others: [createButton('Cancel', () => void account.reopen())],
    onSubmit: async (values) => {
      const { recovery_codes: codes } = await account.call('/auth/mfa/enable', { method: 'POST', body: values });
      node.replaceChildren(...createRecoveryCodes(codes, account));
      node.querySelector('h3')?.focus();
    },
  });
  const groups = secret.match(/.{1,4}/g)?.join(' ') ?? secret;
  return [
    element('p', {}, 'Scan this with your authenticator app, or type the secret into it.'),
    picture,
    element('p', {}, element('code', { class: 'long' }, groups)),
    element('p', {}, element('a', { href: uri }, 'Open it in an app on this device')),
    form,
  ];
}

/**
 * @param {string[]} codes
 * @param {Account} account
 */
function createRecoveryCodes(codes, account) {
  const text = 'Without your phone, each of these signs you in once in place of a code. They are shown only now.';
  const kept = createButton('I have kept them', () => void account.reopen('The second factor is on.'), {
    class: 'primary',
  });
  return [
    element('h3', { tabindex: '-1' }, 'Keep your recovery codes'),
    element('p', {}, text),
    createSecret({ text: codes.join('\n'), label: 'Recovery codes', file: 'almanac-recovery-codes.txt' }),
    element('p', { class: 'choices' }, kept),
  ];
}

/** @param {Account} account */
function createEnabled(account) {
  const password = createInput(
    { form: 'second-factor', name: 'password', label: 'Password' },
    { type: 'password', autocomplete: 'current-password', maxlength: '128' },
  );
  const code = createInput(
    { form: 'second-factor', name: 'code', label: 'Code', hint: 'Of the authenticator, or a recovery code.' },
    { autocomplete: 'one-time-code', minlength: '6', maxlength: '32', spellcheck: 'false' },
  );
  const form = createForm({
    fields: [password, code],
    submit: 'Turn it off',
    look: 'danger',
    onSubmit: async (values) => {
      await account.call('/auth/mfa/disable', { method: 'POST', body: values });
      await account.reopen('The second factor is off.');
    },
  });
  const text = 'It is on: signing in takes your password and a code of your authenticator.';
  return [element('p', {}, text), form];
}
