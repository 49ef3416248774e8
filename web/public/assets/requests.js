/** @typedef {{ method?: string, organization?: string, body?: unknown }} RequestOptions */
/** @typedef {{ field: string, issue: string }} Fault */
/** @typedef {{ status: number, code?: string, faults?: readonly Fault[], details?: Record<string, unknown> }} ProblemFacts */

/** Remembers that somebody signed in here; the session itself is in cookies that no script can read. */
const signedInKey = 'almanac.signed-in';

/** What the server says of a session that has ended, or of a cookie that has. */
const codesOfEndedSession = ['INVALID_TOKEN', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND'];

/** The event on the window when the session of this page turns out to have ended. */
export const sessionEnded = 'almanac:session-ended';

/** An answer that is not the one asked for. */
export class RequestProblem extends Error {
  /**
   * @param {string} message
   * @param {ProblemFacts} facts status 0 where the server was not reached
   */
  constructor(message, { status, code = '', faults = [], details = {} }) {
    super(message);
    this.name = 'RequestProblem';
    this.status = status;
    this.code = code;
    this.faults = faults;
    this.details = details;
  }
}

/**
 * Calls the API and answers the response; renews the session once where it has ended.
 * @param {string} path
 * @param {RequestOptions} [options]
 * @returns {Promise<Response>}
 */
export async function request(path, options = {}) {
  try {
    return await requestOnce(path, options);
  } catch (error) {
    const mayBeRenewed = error instanceof RequestProblem && codesOfEndedSession.includes(error.code) && isSignedIn();
    if (!mayBeRenewed || !(await renewSession())) throw error;
    return requestOnce(path, options);
  }
}

/**
 * Calls the API with the credentials there are.
 * @param {string} path
 * @param {RequestOptions} [options]
 */
export async function requestOnce(path, options = {}) {
  const answer = await send(path, options);
  if (!answer.ok) throw await readProblem(answer);
  return answer;
}

/**
 * Calls the API and answers what the response holds; undefined where it holds nothing.
 * @param {string} path
 * @param {RequestOptions} [options]
 */
export async function requestJson(path, options) {
  const answer = await request(path, options);
  return answer.status === 204 ? undefined : answer.json();
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
 * @param {boolean} is
 */
export function rememberSignedIn(is) {
  try {
    if (is) localStorage.setItem(signedInKey, 'yes');
    else localStorage.removeItem(signedInKey);
  } catch {
    // Storage can be off; then the session lasts as long as its first cookie.
  }
}

/**
 * Exchanges the refresh cookie for a new session, once for all calls that wait for it and one page at a time, because
 * it works only once.
 * @returns {Promise<boolean>} whether there is a live session now
 */
export const renewSession = shareRuns(async () => {
  if (!isSignedIn()) return false;
  return navigator.locks ? navigator.locks.request('almanac.renew', renew) : renew();
});

async function renew() {
  if ((await send('/users/profile', {})).ok) return true;
  const answer = await send('/auth/refresh', { method: 'POST' });
  const hasEnded = answer.status === 401 && isSignedIn();
  if (hasEnded) {
    rememberSignedIn(false);
    dispatchEvent(new Event(sessionEnded));
  }
  return answer.ok;
}

/**
 * Calls that come while one runs get its answer.
 * @template Answer
 * @param {() => Promise<Answer>} run
 */
function shareRuns(run) {
  /** @type {Promise<Answer> | undefined} */
  let running;
  return () => {
    running ??= run().finally(() => {
      running = undefined;
    });
    return running;
  };
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
    throw new RequestProblem('The server does not answer.', { status: 0 });
  }
}

/** @param {Response} answer */
async function readProblem(answer) {
  const { status } = answer;
  const body = await answer.json().catch(() => undefined);
  const isPlain = typeof body?.error === 'object';
  const { code, message, details } = isPlain ? body.error : { ...body, message: body?.error };
  return new RequestProblem(message ?? `The server answered ${status}.`, {
    status,
    code,
    faults: details?.errors,
    details,
  });
}
