import autocannon from 'autocannon';
import type { Measurement } from './measure.ts';
import { median } from './measure.ts';
import { processorSeconds, productFlags, startPeer } from './peer.ts';

const rounds = 9;
/** Loads before the first round: a process that serves is warm, and the first of these are a tenth slower. */
const warmUps = 4;
const seconds = 3;

interface Target {
  url: string;
  headers: Record<string, string>;
}

/** Requests a second that the target serves to 50 kept-alive connections. */
async function load({ url, headers }: Target): Promise<number> {
  const result = await autocannon({ url, headers, connections: 50, duration: seconds });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${url} answered ${result.non2xx} errors.`);
  return result.requests.average;
}

/**
 * Cached GET /api/weekly/summary with a token, against a bare Fastify route that answers the same bytes: each in a process
 * of its own, measured in turn, the median of the rounds.
 */
export async function measureCachedGet(): Promise<Measurement> {
  const ours = await startPeer<Target>({ file: './peers/almanac.ts', message: {}, flags: productFlags });
  const bytes = await (await fetch(ours.target.url, { headers: ours.target.headers })).text();
  const bare = await startPeer<Target>({ file: './peers/bare-fastify.ts', message: { bytes } });
  const measure = async ({ peer, target }: typeof ours) => {
    const before = await processorSeconds(peer);
    const rate = await load(target);
    return { rate, microseconds: ((await processorSeconds(peer)) - before) * (1e6 / (rate * seconds)) };
  };
  for (let warmUp = 0; warmUp < warmUps; warmUp += 1) {
    await load(ours.target);
    await load(bare.target);
  }
  const taken: { ours: Taken; bare: Taken }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    taken.push({ bare: await measure(bare), ours: await measure(ours) });
  }
  ours.peer.kill();
  bare.peer.kill();
  const middle = (whose: 'ours' | 'bare', what: keyof Taken) =>
    Math.round(median(taken.map((both) => both[whose][what])));
  return {
    name: 'Cached GET /api/weekly/summary with a token, of a bare Fastify route with the same bytes',
    value: median(taken.map((both) => both.ours.rate / both.bare.rate)),
    unit: 'ratio of requests a second',
    target: { atLeast: 0.75 },
    detail:
      `${middle('ours', 'rate')} of ${middle('bare', 'rate')} requests a second, ${Buffer.byteLength(bytes)} bytes, 50 connections; ` +
      `${middle('ours', 'microseconds')} against ${middle('bare', 'microseconds')} µs of processor time a request in the server`,
  };
}

interface Taken {
  rate: number;
  microseconds: number;
}
