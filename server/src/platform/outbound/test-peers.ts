import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { createLog } from '#platform/log/log.ts';
import type { ResolveHost } from './guarded-connector.ts';
import { createOutbound } from './outbound.ts';
import { OutboundProblem, type OutboundProblemKind } from './outbound-problem.ts';
import type { OutboundRequest, OutboundTimers } from './outbound-types.ts';

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

interface ClientOptions {
  allow?: readonly string[];
  exemptOrigins?: readonly string[];
  resolveHost?: ResolveHost;
}

const usualTimeoutMs = 15_000;

/** Real servers on loopback that misbehave as told, and clients against them; `close` ends all of them. */
export function createTestPeers() {
  const cleanups: (() => Promise<void>)[] = [];

  async function startServer(listener: Listener) {
    const requests: IncomingMessage[] = [];
    const handle: RequestListener = (request, response) => {
      requests.push(request);
      listener(request, response);
    };
    const server = createServer(handle).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const stop = async () => {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    };
    cleanups.push(stop);
    const { port } = server.address() as AddressInfo;
    return { port, pair: `127.0.0.1:${port}`, origin: `http://127.0.0.1:${port}`, requests, stop };
  }

  function startClient(options: ClientOptions = {}) {
    const time = createJumpingTime();
    const lines: string[] = [];
    const calls: { service: string; outcome: string; seconds: number }[] = [];
    const destination = new Writable({
      write: (chunk, _encoding, done) => {
        lines.push(String(chunk));
        done();
      },
    });
    const outbound = createOutbound({
      log: createLog({ level: 'debug', destination }),
      now: time.now,
      timers: time.timers,
      allow: [],
      exemptOrigins: [],
      metrics: { observeOutbound: (call) => calls.push(call) },
      ...options,
    });
    cleanups.push(() => outbound.close());
    const get = (url: string, more: Partial<OutboundRequest> = {}) =>
      outbound.request({ service: 'test', url, ...more });
    return { outbound, get, time, lines, calls };
  }

  /** A server and a client that may reach it. */
  async function startPair(listener: Listener) {
    const server = await startServer(listener);
    return { server, ...startClient({ allow: [server.pair] }) };
  }

  async function close() {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  }

  return { startServer, startClient, startPair, close };
}

/** A clock that jumps over delays shorter than a call's usual time; longer timers fire on `expire`. */
function createJumpingTime() {
  let now = Date.parse('2026-03-02T10:00:00Z');
  const pending = new Set<() => void>();
  const delays: number[] = [];
  const timers: OutboundTimers = {
    after(delayMs, run) {
      const fire = () => {
        if (pending.delete(fire)) run();
      };
      pending.add(fire);
      if (delayMs < usualTimeoutMs) {
        delays.push(delayMs);
        now += delayMs;
        queueMicrotask(fire);
      }
      return () => pending.delete(fire);
    },
  };
  const expire = () => {
    for (const fire of [...pending]) fire();
  };
  return { now: () => new Date(now), timers, delays, expire, pending };
}

/** The problem with which a call fails. */
export async function problemOf(work: Promise<unknown>): Promise<OutboundProblem> {
  try {
    await work;
  } catch (fault) {
    if (fault instanceof OutboundProblem) return fault;
    throw fault;
  }
  throw new Error('the call did not fail');
}

/** The kind of problem with which a call fails. */
export async function kindOf(work: Promise<unknown>): Promise<OutboundProblemKind> {
  return (await problemOf(work)).kind;
}
