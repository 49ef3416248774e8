import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';

/** For requests that were sent before the signal and are not read yet; those that come now are refused. */
const lingerMs = 250;
const sweepMs = 50;
/** How long an answer may take to be read before its connection is cut. */
const patienceMs = 10_000;

/**
 * Closes the HTTP server once everything that was asked is answered. Node alone would cut off requests that it has not
 * read yet, and wait for clients that keep their connection open behind the last answer.
 */
export async function closeHttp(app: Pick<FastifyInstance, 'close' | 'server'>): Promise<void> {
  await pause(lingerMs);
  // A turn that the signal had to wait for may have brought requests: they are read in the next one.
  await turn();
  await turn();
  const sweeping = setInterval(() => app.server.closeIdleConnections(), sweepMs);
  const cutting = setTimeout(() => app.server.closeAllConnections(), patienceMs);
  await app.close();
  clearInterval(sweeping);
  clearTimeout(cutting);
}
