import { type Dispatcher, errors } from 'undici';
import { createAnswer } from './answer.ts';
import type { Hop } from './next-hop.ts';
import { OutboundProblem } from './outbound-problem.ts';
import type { OutboundAnswer } from './outbound-types.ts';
import { readBody, tooLarge } from './read-body.ts';

interface ExchangeOptions {
  maxBytes: number;
  /** Its reason is the OutboundProblem with which the exchange fails. */
  signal: AbortSignal;
}

/** Sends one request over the dispatcher and reads the whole answer. Every failure is an OutboundProblem. */
export async function exchange(dispatcher: Dispatcher, hop: Hop, options: ExchangeOptions): Promise<OutboundAnswer> {
  const { signal } = options;
  try {
    signal.throwIfAborted();
    // The library itself notices an abort only once it is connected.
    return await untilAborted(sendAndRead(dispatcher, hop, options), signal);
  } catch (fault) {
    throw signal.aborted ? signal.reason : asProblem(fault, hop.url.origin);
  }
}

/** The result of the work, or the signal's reason when that comes first. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort);
  try {
    if (signal.aborted) onAbort();
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function sendAndRead(dispatcher: Dispatcher, hop: Hop, options: ExchangeOptions): Promise<OutboundAnswer> {
  const { maxBytes, signal } = options;
  const reply = await dispatcher.request({
    origin: hop.url.origin,
    path: hop.url.pathname + hop.url.search,
    method: hop.method,
    headers: hop.headers,
    body: hop.body ?? null,
    signal,
  });
  const headers = joinHeaders(reply.headers);
  if (hop.method !== 'HEAD' && Number(headers['content-length']) > maxBytes) {
    reply.body.on('error', () => undefined).destroy();
    throw tooLarge(maxBytes);
  }
  const bytes = await readBody(reply.body, { contentEncoding: headers['content-encoding'], maxBytes });
  return createAnswer({ status: reply.statusCode, headers, url: hop.url.href, bytes });
}

function joinHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const entries = Object.entries(headers).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : `${value}`]),
  );
}

function asProblem(fault: unknown, origin: string): OutboundProblem {
  if (fault instanceof OutboundProblem) return fault;
  const problem = (kind: OutboundProblem['kind'], message: string) =>
    new OutboundProblem({ kind, message: `${origin} ${message}`, cause: fault });
  if (fault instanceof errors.ConnectTimeoutError) return problem('timeout', 'took too long to accept a connection.');
  if (fault instanceof errors.HeadersOverflowError) return problem('too_large', 'sent headers of more than 16 KiB.');
  if (fault instanceof errors.HTTPParserError)
    return problem('malformed_reply', 'answered with something that is not HTTP.');
  if (fault instanceof errors.InvalidArgumentError) {
    return new OutboundProblem({
      kind: 'bad_url',
      message: `The call to ${origin} is not valid HTTP: ${fault.message}.`,
    });
  }
  return problem('unreachable', `cannot be reached, or broke off (${describeFault(fault)}).`);
}

function describeFault(fault: unknown): string {
  if (fault instanceof Error && 'code' in fault && typeof fault.code === 'string') return fault.code;
  return fault instanceof Error ? fault.name : 'unknown';
}
