import { AlmanacError, readError } from './almanac-error.ts';
import type { AnyInput } from './call-types.ts';
import type { ClientOptions } from './client-options.ts';
import type { EndpointFacts } from './endpoint-facts.ts';
import { readAnswer } from './read-answer.ts';
import type { Session, Shown } from './session.ts';
import { pause, type Timing } from './timing.ts';
import { writeLines } from './write-lines.ts';

/** Calls an endpoint by its facts; answers as a call does. */
export type Send = (facts: EndpointFacts, input?: AnyInput) => Promise<unknown>;

interface SendOptions extends Pick<ClientOptions, 'organization' | 'retries'> {
  baseUrl: URL;
  send: typeof fetch;
  /** Whether a page's cookies go along, to other origins too, and are taken from the answers. */
  withCookies: boolean;
  session: Pick<Session, 'show' | 'renew' | 'settle'>;
  timing: Timing;
}

/** A server that asks for more patience than this is not waited for. */
const longestWaitSeconds = 60;
/** A body that is sent as it comes cannot be sent again: its token is to last at least this long. */
const leastMsForLines = 60_000;

/** Makes what calls endpoints: with the credentials there are, renewed once where they have ended, and with patience. */
export function createSend(options: SendOptions): Send {
  return async (facts, input = {}) => {
    const attempt: Attempt = { facts, input, shown: {}, wasRenewed: false, repeats: 0 };
    for (;;) {
      attempt.shown = await chooseCredentials(attempt, options);
      try {
        return await sendOnce(attempt, options);
      } catch (error) {
        if (!(error instanceof AlmanacError)) throw error;
        if (await isRenewed(attempt, error, options)) continue;
        await waitToRepeat(attempt, error, options);
      }
    }
  };
}

/** A call under way. */
interface Attempt {
  readonly facts: EndpointFacts;
  readonly input: AnyInput;
  shown: Shown;
  wasRenewed: boolean;
  repeats: number;
}

async function chooseCredentials({ facts, input }: Attempt, { session }: SendOptions): Promise<Shown> {
  if (facts.opensSession) {
    await session.settle();
    return {};
  }
  return session.show(input.lines === undefined ? {} : { leastMs: leastMsForLines });
}

/** Renews the token where that is what the call lacks and it can be made again. */
async function isRenewed(attempt: Attempt, error: AlmanacError, { session }: SendOptions): Promise<boolean> {
  const { facts, input, shown, wasRenewed } = attempt;
  if (wasRenewed || facts.opensSession || input.lines !== undefined || !isOfEndedToken(error)) return false;
  attempt.wasRenewed = true;
  return session.renew(shown);
}

/** Waits as long as the server asks for; throws the error where the call may not be repeated, or has been often enough. */
async function waitToRepeat(attempt: Attempt, error: AlmanacError, options: SendOptions): Promise<void> {
  const { timing } = options;
  const retries = attempt.input.retries ?? options.retries ?? 2;
  const seconds = error.retryAfterSeconds;
  const isPassing = (error.status === 429 || error.status === 503) && seconds !== undefined;
  if (!isPassing || seconds > longestWaitSeconds || attempt.repeats >= retries || !mayRepeat(attempt)) throw error;
  attempt.repeats += 1;
  // Up to a quarter of a second more, so that many clients do not come back in one instant.
  await pause(timing, seconds * 1_000 + timing.random() * 250, attempt.input.signal);
}

function isOfEndedToken({ status, code }: AlmanacError): boolean {
  return status === 401 && (code === 'INVALID_TOKEN' || code === 'UNAUTHENTICATED');
}

/** Whether a second call does what one does. */
function mayRepeat({ facts: { method, isIdempotent }, input: { idempotencyKey, lines } }: Attempt): boolean {
  return method === 'GET' || (isIdempotent === true && idempotencyKey !== undefined && lines === undefined);
}

async function sendOnce({ facts, input, shown }: Attempt, options: SendOptions): Promise<unknown> {
  const { baseUrl, organization, send, withCookies } = options;
  const init: RequestInit & { duplex?: 'half' } = {
    method: facts.method,
    headers: buildHeaders(input, { shown, organization }),
    credentials: withCookies ? 'include' : 'omit',
    signal: input.signal ?? null,
  };
  if (input.lines !== undefined) Object.assign(init, { body: writeLines(input.lines, input.signal), duplex: 'half' });
  else if (input.body !== undefined) init.body = JSON.stringify(input.body);
  const answer = await send(buildUrl(baseUrl, facts, input), init);
  if (!answer.ok) throw await readError(answer);
  input.onHeaders?.(answer.headers);
  return readAnswer(facts, answer);
}

function buildUrl(baseUrl: URL, { path }: EndpointFacts, { params = {}, query = {} }: AnyInput): URL {
  const filled = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params[name])));
  const url = new URL(baseUrl);
  url.pathname = `${baseUrl.pathname.replace(/\/$/, '')}${filled}`;
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

interface Caller {
  shown: Shown;
  organization: string | undefined;
}

function buildHeaders(input: AnyInput, { shown, organization }: Caller): Headers {
  const { body, lines, idempotencyKey } = input;
  const headers = new Headers();
  const set = (name: string, value: string | undefined) => value !== undefined && headers.set(name, value);
  if (lines !== undefined) set('content-type', 'application/x-ndjson');
  else if (body !== undefined) set('content-type', 'application/json');
  set('authorization', shown.token && `Bearer ${shown.token}`);
  set('x-api-key', shown.apiKey);
  set('x-organization-id', input.organization ?? organization);
  set('idempotency-key', idempotencyKey);
  return headers;
}
