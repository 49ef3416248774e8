import { element } from './dom.js';
import { isSignedIn, register, signIn, signOut } from './requests.js';

/** A disclosure with the form, or the button that signs out. */
export function createSessionControl() {
  if (isSignedIn()) {
    const button = element('button', { type: 'button' }, 'Sign out');
    button.addEventListener('click', () => void signOut().then(() => location.reload()));
    return button;
  }
  return element('details', { class: 'sign-in' }, element('summary', {}, 'Sign in'), createSignInForm());
}

/** What stands in place of the numbers where nobody sees them without signing in. */
export function createSignInNotice() {
  return element(
    'section',
    { class: 'notice sign-in', 'aria-labelledby': 'sign-in-title' },
    element('h2', { id: 'sign-in-title' }, 'Sign in to see your week'),
    element(
      'p',
      {},
      'This server shows its numbers to members only. Sign in here, or send ',
      element('a', { href: '/docs#/Identity/identity.login' }, 'POST /auth/login'),
      '. Without an account, begin with ',
      element('a', { href: '/docs#/Identity/identity.register' }, 'POST /auth/register'),
      '.',
    ),
    createSignInForm(),
  );
}

function createSignInForm() {
  const email = element('input', { type: 'email', name: 'email', autocomplete: 'username', required: '' });
  const password = element('input', {
    type: 'password',
    name: 'password',
    autocomplete: 'current-password',
    required: '',
  });
  const button = element('button', { type: 'submit', value: 'sign-in' }, 'Sign in');
  const newcomer = element('button', { type: 'submit', value: 'register' }, 'Make an account');
  const problem = element('p', { class: 'problem', role: 'alert' });
  const form = element(
    'form',
    { method: 'post', action: '/auth/login' },
    element('label', {}, 'E-mail', email),
    element('label', {}, 'Password', password),
    element('p', { class: 'choices' }, button, newcomer),
    problem,
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const isNew = /** @type {HTMLButtonElement | null} */ (event.submitter)?.value === 'register';
    button.disabled = newcomer.disabled = true;
    problem.textContent = '';
    (isNew ? register : signIn)(email.value, password.value).then(
      () => location.reload(),
      (/** @type {Error} */ error) => {
        problem.textContent = error.message;
        button.disabled = newcomer.disabled = false;
      },
    );
  });
  return form;
}
