import type { EndpointAnswer } from '@almanac/contract/endpoint.ts';
import { AlmanacError } from './almanac-error.ts';
import type { SignIn } from './client-options.ts';
import type { Endpoints } from './generated/endpoint-types.ts';
import { endpoints } from './generated/endpoints.ts';
import { pause, type Timing } from './timing.ts';

export type SessionAnswer = EndpointAnswer<Endpoints['identity']['refresh']>;

/** The ways to a session that there are. */
interface Way {
  refreshToken: string | undefined;
  /** True where the refresh token is in a cookie. */
  isByCookie: boolean;
  signIn: SignIn | undefined;
}

interface Means {
  post: Post;
  timing: Timing;
  /** False once another session is in its place. */
  isWanted: () => boolean;
}

/** Sends to an endpoint that opens a session. Rejects with an AlmanacError where the server refuses. */
export type Post = (path: string, body: object | undefined, timeoutMs: number) => Promise<SessionAnswer>;

const patienceMs = 30_000;
/** How long a try at refreshing may take that is not the last. */
const hurryMs = 4_000;
/** The waits between the tries. */
const waitsMs = [500, 500];

/** Opens a session: by the refresh token, else by signing in. Rejects with the refusal of the last way that there was. */
export async function openSession(way: Way, means: Means): Promise<SessionAnswer> {
  const { refreshToken, isByCookie, signIn } = way;
  if (signIn && refreshToken === undefined && !isByCookie) return logIn(signIn, means);
  const body = refreshToken === undefined ? undefined : { refresh_token: refreshToken };
  const run = () => refreshPatiently(body, means);
  try {
    return await (isByCookie ? inTurnOfPages(run) : run());
  } catch (error) {
    if (!signIn || !isRefusal(error) || !means.isWanted()) throw error;
    return logIn(signIn, means);
  }
}

/** Whether the server has said that these credentials are no good. */
export function isRefusal(error: unknown): error is AlmanacError {
  return error instanceof AlmanacError && error.status === 401;
}

/**
 * A lost answer is asked for again at once, because the server answers the same successor for ten seconds, and after that
 * takes the token for a stolen one.
 */
async function refreshPatiently(body: object | undefined, { post, timing }: Means): Promise<SessionAnswer> {
  for (const waitMs of waitsMs) {
    try {
      return await post(endpoints.identity.refresh.path, body, hurryMs);
    } catch (error) {
      if (!mayBeLost(error)) throw error;
      await pause(timing, waitMs);
    }
  }
  return post(endpoints.identity.refresh.path, body, patienceMs);
}

/** Whether the token may have been used without our knowing its successor. */
function mayBeLost(error: unknown): boolean {
  return !(error instanceof AlmanacError) || error.status >= 500;
}

/** Pages of one browser share the cookie: one refreshes at a time. */
function inTurnOfPages<Answer>(run: () => Promise<Answer>): Promise<Answer> {
  const locks = globalThis.navigator?.locks;
  return locks ? (locks.request('almanac.refresh', run) as Promise<Answer>) : run();
}

async function logIn({ email, password, mfaCode }: SignIn, { post }: Means): Promise<SessionAnswer> {
  const { login, loginWithCode } = endpoints.identity;
  try {
    return await post(login.path, { email, password }, patienceMs);
  } catch (error) {
    const isCodeAsked = error instanceof AlmanacError && error.code === 'MFA_REQUIRED';
    if (!isCodeAsked || mfaCode === undefined) throw error;
    const code = typeof mfaCode === 'function' ? await mfaCode() : mfaCode;
    return post(loginWithCode.path, { mfa_token: error.details.mfa_token, code }, patienceMs);
  }
}
