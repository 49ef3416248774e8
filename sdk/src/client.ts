import type { FeedEventType } from '@almanac/contract/feed.ts';
import { readError } from './almanac-error.ts';
import type { AnyInput, Calls } from './call-types.ts';
import type { ClientOptions } from './client-options.ts';
import type { EndpointFacts } from './endpoint-facts.ts';
import { endpoints } from './generated/endpoints.ts';
import { Dashboard } from './live/dashboard.ts';
import type { DashboardConnection, DashboardOptions } from './live/dashboard-types.ts';
import { Feed } from './live/feed.ts';
import type { FeedConnection, FeedOptions } from './live/feed-types.ts';
import { importOpenSocket, type OpenSocket } from './live/socket.ts';
import type { Post, SessionAnswer } from './open-session.ts';
import { createSend, type Send } from './send-call.ts';
import { Session } from './session.ts';
import { machineTiming } from './timing.ts';

/** Calls a server's endpoints, and follows what happens there. */
export interface Client extends Calls {
  /**
   * Follows the organization's feed: over one socket for all who follow, by polling where no socket connects. Each event is
   * told once and in order, across breaks, restarts and renewed tokens.
   */
  connectFeed<const EventType extends FeedEventType = FeedEventType>(options: FeedOptions<EventType>): FeedConnection;
  /**
   * Follows the dashboard of a tenant, over a socket of its own, by polling where none connects: the whole of it first, then
   * each change once and in order.
   */
  connectDashboard(options: DashboardOptions): DashboardConnection;
}

/** Makes a client of one server, as one user in one organization. Nothing is sent before the first call. */
export function createClient(options: ClientOptions): Client {
  const { organization, timing = machineTiming, fetch: send = (...request) => fetch(...request) } = options;
  const baseUrl = readBaseUrl(options.baseUrl);
  const withCookies = options.credentials === 'cookie';
  const post = createPost({ baseUrl, send, withCookies });
  const session = new Session({ given: options, post, timing });
  const sendCall = createSend({ ...options, baseUrl, send, withCookies, session, timing });

  const call: Send = async (facts, input) => {
    const answer = await sendCall(facts, input);
    const isRefreshed = facts === endpoints.identity.refresh;
    if (facts.opensSession) await session.adopt(answer as SessionAnswer, { isRefreshed });
    if (facts === endpoints.identity.logout) session.forget();
    return answer;
  };
  const calls = createCalls(call);
  let io: Promise<OpenSocket> | undefined;
  const loadIo = () => {
    io ??= options.io ? Promise.resolve(options.io) : importOpenSocket();
    return io;
  };
  const link = { baseUrl, organization, withCookies, session, timing, loadIo };
  const feed = new Feed({ ...link, read: calls.feed.read });
  return {
    ...calls,
    connectFeed: (feedOptions) => feed.connect(feedOptions),
    connectDashboard: (dashboardOptions) => new Dashboard(dashboardOptions, { ...link, tenant: calls.tenant }),
  };
}

function readBaseUrl(baseUrl = '/'): URL {
  const page = globalThis.location?.href;
  if (page === undefined && !/^https?:/.test(baseUrl)) {
    throw new TypeError(`baseUrl: '${baseUrl}' is not the URL of a server, such as http://localhost:5000.`);
  }
  return new URL(baseUrl, page);
}

function createCalls(call: Send): Calls {
  const bind = (facts: EndpointFacts) => (input?: AnyInput) => call(facts, input);
  const groups = Object.entries(endpoints).map(([group, members]) => [
    group,
    Object.fromEntries(Object.entries(members).map(([verb, facts]) => [verb, bind(facts)])),
  ]);
  return Object.fromEntries(groups) as Calls;
}

interface PostOptions {
  baseUrl: URL;
  send: typeof fetch;
  withCookies: boolean;
}

function createPost({ baseUrl, send, withCookies }: PostOptions): Post {
  return async (path, body, timeoutMs) => {
    const answer = await send(new URL(`${baseUrl.pathname.replace(/\/$/, '')}${path}`, baseUrl), {
      method: 'POST',
      credentials: withCookies ? 'include' : 'omit',
      signal: AbortSignal.timeout(timeoutMs),
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw await readError(answer);
    return answer.json() as Promise<SessionAnswer>;
  };
}
