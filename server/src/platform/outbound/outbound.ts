import { lookup } from 'node:dns/promises';
import { Agent } from 'undici';
import type { Log } from '#platform/log/log.ts';
import { openCallSignal } from './call-signal.ts';
import { createCircuits } from './circuits.ts';
import type { Outcome } from './decide-repeat.ts';
import { createGuardedConnector, type ResolveHost } from './guarded-connector.ts';
import type { Hop } from './next-hop.ts';
import type { OutboundAnswer, OutboundMetrics, OutboundRequest, OutboundTimers } from './outbound-types.ts';
import { parseTarget } from './parse-target.ts';
import { acceptEncoding } from './read-body.ts';
import { nameOutcome, runCall } from './run-call.ts';
import { maskHeaders } from './secret-headers.ts';

const defaultTimeoutMs = 15_000;
const defaultMaxBytes = 5 * 1024 * 1024;
const connectionsPerOrigin = 32;
// Framing is the library's to say, and a foreign Host would reach other sites behind an allowed address.
const ownHeaders: readonly string[] = [
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'upgrade',
];

interface OutboundOptions {
  log: Log;
  now: () => Date;
  /** `host:port` pairs on private addresses that may be reached, from OUTBOUND_ALLOW. */
  allow: readonly string[];
  /** Origins of the operator's *_BASE_URL settings, exempt from the guard. */
  exemptOrigins: readonly string[];
  metrics?: OutboundMetrics;
  timers?: OutboundTimers;
  resolveHost?: ResolveHost;
}

/** The one HTTP client towards the outside. */
export interface Outbound {
  /** Returns an answer of any status; fails with OutboundProblem. */
  request(request: OutboundRequest): Promise<OutboundAnswer>;
  /** Gives up the calls under way and closes all connections. */
  close(): Promise<void>;
}

/**
 * Makes the client through which connectors, webhooks and token issuers reach the outside: guarded against private
 * addresses at connect time, bounded in time and bytes, with retries and a circuit breaker for each service and origin.
 * Throws `bad_url` when `allow` or `exemptOrigins` hold something else than what they are for.
 */
export function createOutbound(options: OutboundOptions): Outbound {
  const { log, now, timers = { after: startTimer } } = options;
  const { allow, exemptOrigins, resolveHost = resolveAll } = options;
  const dispatcher = new Agent({
    connect: createGuardedConnector({ allow, exemptOrigins, resolveHost }),
    allowH2: false,
    connections: connectionsPerOrigin,
    // The signal of each call bounds its time as a whole.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const circuits = createCircuits((circuit) => log.warn(circuit, 'outbound circuit opened'));
  const peers = { dispatcher, circuits, log, now, timers };
  const closing = new AbortController();

  return {
    async request(request) {
      const startedAt = now().getTime();
      const firstHop = toFirstHop(request);
      const { timeoutMs = defaultTimeoutMs, maxBytes = defaultMaxBytes, signal: callerSignal } = request;
      const { origin } = firstHop.url;
      const { signal, release } = openCallSignal({
        origin,
        timeoutMs,
        timers,
        callerSignal,
        closeSignal: closing.signal,
      });
      try {
        const outcome = await runCall({ request, firstHop, signal, maxBytes, deadline: startedAt + timeoutMs }, peers);
        report({ request, firstHop, outcome, ms: now().getTime() - startedAt }, options);
        if ('problem' in outcome) throw outcome.problem;
        return outcome.answer;
      } finally {
        release();
      }
    },
    async close() {
      closing.abort();
      await dispatcher.destroy();
    },
  };
}

interface FinishedCall {
  request: OutboundRequest;
  firstHop: Hop;
  outcome: Outcome;
  ms: number;
}

/** Tells metrics and log. Query strings are left out of the log, since keys and user names travel in them. */
function report({ request, firstHop, outcome, ms }: FinishedCall, { log, metrics }: OutboundOptions): void {
  const { service, isPathSecret = false, secretHeaders = [] } = request;
  const name = nameOutcome(outcome);
  metrics?.observeOutbound({ service, outcome: name, seconds: ms / 1000 });
  const { origin, pathname } = firstHop.url;
  const line = { service, method: firstHop.method, url: isPathSecret ? origin : origin + pathname, outcome: name, ms };
  if ('problem' in outcome) log.warn({ ...line, err: outcome.problem }, 'outbound call failed');
  else log.debug({ ...line, headers: maskHeaders(firstHop.headers, secretHeaders) }, 'outbound call');
}

function toFirstHop(request: OutboundRequest): Hop {
  const given = Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
  const headers = {
    'user-agent': 'almanac',
    'accept-encoding': acceptEncoding,
    ...Object.fromEntries(given.filter(([name]) => !ownHeaders.includes(name))),
  };
  return { url: parseTarget(request.url), method: request.method ?? 'GET', headers, body: request.body };
}

async function resolveAll(hostname: string): ReturnType<ResolveHost> {
  return await lookup(hostname, { all: true });
}

function startTimer(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
}
