import { element } from '../dom.js';
import { createButton, createForm, createInput, messageOf } from '../forms.js';
import { createNewPassword } from '../sign-in.js';
import { createPart } from './lists.js';
import { tellDay } from './tell.js';

/** @param {import('./open-account.js').Account} account */
export async function openProfile({ profile, organization, call }) {
  const confirmed = profile.email_verified_at
    ? `Confirmed on ${tellDay(profile.email_verified_at, organization)}.`
    : 'Not confirmed yet: open the link that was mailed to it.';
  const name = createInput(
    { form: 'profile', name: 'name', label: 'Name' },
    { autocomplete: 'name', maxlength: '200', value: profile.name },
  );
  const form = createForm({
    fields: [name],
    submit: 'Save',
    onSubmit: async (values) => {
      await call('/users/profile', { method: 'PUT', body: { name: values.name } });
      return 'Saved.';
    },
  });
  const facts = element(
    'dl',
    { class: 'facts' },
    element('dt', {}, 'E-mail'),
    element('dd', {}, profile.email, element('span', { class: 'meta' }, confirmed)),
    element('dt', {}, 'Account since'),
    element('dd', {}, tellDay(profile.created_at, organization)),
  );
  const unconfirmed = profile.email_verified_at ? [] : [createResending(call)];
  return [facts, ...unconfirmed, form, createPart('Password', createPasswordForm(profile.email, call))];
}

/** @param {import('./open-account.js').Account['call']} call */
function createResending(call) {
  const told = element('span', { class: 'meta', role: 'status' });
  const resend = createButton('Mail the link again', () => {
    told.textContent = '';
    call('/auth/verify-email/resend', { method: 'POST' }).then(
      ({ message }) => {
        told.textContent = message;
      },
      (error) => {
        told.textContent = messageOf(error);
      },
    );
  });
  return element('p', { class: 'choices' }, resend, told);
}

/**
 * @param {string} email
 * @param {import('./open-account.js').Account['call']} call
 */
function createPasswordForm(email, call) {
  const current = createInput(
    { form: 'password', name: 'current_password', label: 'Current password' },
    { type: 'password', autocomplete: 'current-password', maxlength: '128' },
  );
  const password = createNewPassword('password', 'New password');
  const form = createForm({
    fields: [current, password],
    submit: 'Change the password',
    onSubmit: async (values) => {
      await call('/auth/change-password', { method: 'POST', body: values });
      form.reset();
      return 'Changed. Your other sessions have ended.';
    },
  });
  // Lets password managers know whose password it is.
  form.prepend(element('input', { type: 'email', autocomplete: 'username', value: email, readonly: '', hidden: '' }));
  return form;
}
