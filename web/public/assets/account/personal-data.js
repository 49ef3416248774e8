import { element } from '../dom.js';
import { createButton, createForm, createInput, messageOf } from '../forms.js';
import { rememberSignedIn } from '../requests.js';
import { createPart } from './lists.js';

/** @param {import('./open-account.js').Account} account */
export async function openPersonalData({ profile, call }) {
  const problem = element('p', { class: 'problem', role: 'alert' });
  const load = createButton('Download your data', () => {
    // The browser loads the file by itself, with the cookie; this sees to it that the cookie is fresh.
    call('/users/profile').then(
      () => element('a', { href: '/users/export', download: 'almanac-personal-data.json' }).click(),
      (error) => {
        problem.textContent = messageOf(error);
      },
    );
  });
  const file = 'Everything that is held about you, as one JSON file. Secrets such as password hashes are left out.';
  return [
    element('p', {}, file),
    problem,
    element('p', { class: 'choices' }, load),
    createPart('Delete the account', ...createDeletion(profile, call)),
  ];
}

/**
 * @param {import('./open-account.js').Profile} profile
 * @param {import('./open-account.js').Account['call']} call
 */
function createDeletion({ email, mfa_enabled: hasSecondFactor }, call) {
  const typed = createInput(
    { form: 'delete', name: 'confirmation', label: 'Your e-mail address', hint: `Type ${email} to confirm.` },
    { autocomplete: 'off', spellcheck: 'false' },
  );
  const password = createInput(
    { form: 'delete', name: 'password', label: 'Password' },
    { type: 'password', autocomplete: 'current-password', maxlength: '128' },
  );
  const code = createInput(
    { form: 'delete', name: 'code', label: 'Code', hint: 'Of the authenticator, or a recovery code.' },
    { autocomplete: 'one-time-code', minlength: '6', maxlength: '32', spellcheck: 'false' },
  );
  const form = createForm({
    fields: hasSecondFactor ? [typed, password, code] : [typed, password],
    submit: 'Delete the account',
    look: 'danger',
    onSubmit: async (values) => {
      if (values.confirmation.trim().toLowerCase() !== email.toLowerCase()) {
        typed.setProblem(`is not ${email}`);
        typed.focus();
        return;
      }
      await call('/users/me', { method: 'DELETE', body: { password: values.password, code: values.code } });
      rememberSignedIn(false);
      location.assign('/');
    },
  });
  const text =
    'Your account and what is held about you are erased, and cannot be brought back. Organizations that you are alone ' +
    'in go with it.';
  return [element('p', {}, text), form];
}
