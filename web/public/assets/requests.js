/** @typedef {{ method?: string, organization?: string, body?: unknown }} RequestOptions */

/** Remembers that somebody signed in here; the session itself is in cookies that no script can read. */
const signedInKey = 'almanac.signed-in';

/** An answer that is not the one asked for. */
export class RequestProblem extends Error {
  /**
   * @param {string} message
   * @param {number} status 0 where the server was not reached
   */
  constructor(message, status) {
    super(message);
    this.name = 'RequestProblem';
    this.status = status;
  }
}

/**
 * Calls the API and answers the response; renews the session once where it has ended.
 * @param {string} path
 * @param {RequestOptions} [options]
 * @returns {Promise<Response>}
 */
export async function request(path, options = {}) {
  const first = await send(path, options);
  if (first.ok) return first;
  const hasEnded = [401, 403, 404].includes(first.status) && isSignedIn();
  const answer = hasEnded && (await renewSession()) ? await send(path, options) : first;
  if (answer.ok) return answer;
  throw await readProblem(answer);
}

/** Whether somebody signed in on this page and did not sign out. */
export function isSignedIn() {
  try {
    return localStorage.getItem(signedInKey) !== null;
  } catch {
    return false;
  }
}

/**
 * @param {string} email
 * @param {string} password
 */
export async function signIn(email, password) {
  const answer = await send('/auth/login', { method: 'POST', body: { email, password } });
  if (!answer.ok) throw await readProblem(answer);
  rememberSignedIn(true);
}

/**
 * @param {string} email
 * @param {string} password
 */
export async function register(email, password) {
  const answer = await send('/auth/register', { method: 'POST', body: { email, password } });
  if (!answer.ok) throw await readProblem(answer);
  rememberSignedIn(true);
}

/** Ends the session. One that has ended already counts as success. */
export async function signOut() {
  await request('/auth/logout', { method: 'POST' }).catch(() => undefined);
  rememberSignedIn(false);
}

/**
 * Exchanges the refresh cookie for a new session, one page at a time because it works only once.
 * @returns {Promise<boolean>} whether there is a live session now
 */
export async function renewSession() {
  if (!isSignedIn()) return false;
  const renew = async () => {
    if ((await send('/users/profile', {})).ok) return true;
    const answer = await send('/auth/refresh', { method: 'POST' });
    if (answer.status >= 400 && answer.status < 500) rememberSignedIn(false);
    return answer.ok;
  };
  return navigator.locks ? navigator.locks.request('almanac.renew', renew) : renew();
}

/** @param {boolean} is */
function rememberSignedIn(is) {
  try {
    if (is) localStorage.setItem(signedInKey, 'yes');
    else localStorage.removeItem(signedInKey);
  } catch {
    // Storage can be off; then the session lasts as long as its first cookie.
  }
}

/**
 * @param {string} path
 * @param {RequestOptions} options
 */
async function send(path, { method = 'GET', organization, body }) {
  /** @type {Record<string, string>} */
  const headers = { accept: 'application/json' };
  if (organization) headers['x-organization-id'] = organization;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const sent = body === undefined ? null : JSON.stringify(body);
  try {
    return await fetch(path, { method, headers, body: sent });
  } catch {
    throw new RequestProblem('The server does not answer.', 0);
  }
}

/** @param {Response} answer */
async function readProblem(answer) {
  const body = await answer.json().catch(() => undefined);
  const message = body?.error?.message ?? (typeof body?.error === 'string' ? body.error : undefined);
  return new RequestProblem(message ?? `The server answered ${answer.status}.`, answer.status);
}
