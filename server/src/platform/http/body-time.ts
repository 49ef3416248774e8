import type { IncomingMessage } from 'node:http';

const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/** Calls `onLate` unless the body of a request has come whole in the time given, or `giveTime` was called for it. */
export function limitBodyTime(request: IncomingMessage, limitMs: number, onLate: () => void): void {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (encoding === undefined && (length === undefined || length === '0')) return;
  const timer = setTimeout(onLate, limitMs);
  timer.unref();
  timers.set(request, timer);
  const clear = () => clearTimeout(timer);
  request.once('end', clear).once('close', clear);
}

/** Lets a body take as long as it takes. */
export function giveTime(request: IncomingMessage): void {
  clearTimeout(timers.get(request));
}
