import { RequestProblem, rememberSignedIn, request, requestOnce } from './requests.js';

/** @typedef {{ email: string, password: string, name?: string, organization_name?: string, setup_token?: string }} NewAccount */

/**
 * Signs in, or answers the token that the second step takes.
 * @param {string} email
 * @param {string} password
 * @returns {Promise<string | undefined>}
 */
export async function signIn(email, password) {
  try {
    await requestOnce('/auth/login', { method: 'POST', body: { email, password } });
  } catch (error) {
    const token = error instanceof RequestProblem && error.code === 'MFA_REQUIRED' && error.details.mfa_token;
    if (typeof token === 'string') return token;
    throw error;
  }
  rememberSignedIn(true);
  return undefined;
}

/**
 * @param {string} mfaToken
 * @param {string} code
 */
export async function signInWithCode(mfaToken, code) {
  await requestOnce('/auth/login/mfa', { method: 'POST', body: { mfa_token: mfaToken, code } });
  rememberSignedIn(true);
}

/** @param {NewAccount} account */
export async function register(account) {
  await requestOnce('/auth/register', { method: 'POST', body: account });
  rememberSignedIn(true);
}

/**
 * Has a link mailed with which a new password is set; answers what to tell.
 * @param {string} email
 * @returns {Promise<string>}
 */
export async function askForPasswordLink(email) {
  const answer = await requestOnce('/auth/reset-password', { method: 'POST', body: { email } });
  return (await answer.json()).message;
}

/**
 * Ends the session, or all of one's sessions. One that has ended already counts as success.
 * @param {{ all?: boolean }} [which]
 */
export async function signOut({ all = false } = {}) {
  await request('/auth/logout', { method: 'POST', body: { all } }).catch((/** @type {RequestProblem} */ problem) => {
    if (problem.status !== 401) throw problem;
  });
  rememberSignedIn(false);
}
