import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import autocannon from 'autocannon';
import type { Measurement } from './measure.ts';
import { median } from './measure.ts';

const rounds = 5;
const seconds = 4;

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

async function startPeer(file: string, message: unknown): Promise<{ peer: ChildProcess; target: Target }> {
  const peer = fork(new URL(file, import.meta.url), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  peer.send(message as object);
  const [target] = (await once(peer, 'message')) as [Target];
  return { peer, target };
}

/**
 * Cached GET /api/weekly/summary with a token, against a bare Fastify route that answers the same bytes: each in a process
 * of its own, measured in turn, the median of the rounds.
 */
export async function measureCachedGet(): Promise<Measurement> {
  const ours = await startPeer('./peers/almanac.ts', {});
  const bytes = await (await fetch(ours.target.url, { headers: ours.target.headers })).text();
  const bare = await startPeer('./peers/bare-fastify.ts', { bytes });
  const ratios: number[] = [];
  const rates: { ours: number; bare: number }[] = [];
  await load(ours.target);
  await load(bare.target);
  for (let round = 0; round < rounds; round += 1) {
    const rate = { bare: await load(bare.target), ours: await load(ours.target) };
    rates.push(rate);
    ratios.push(rate.ours / rate.bare);
  }
  ours.peer.kill();
  bare.peer.kill();
  const perSecond = (kind: 'ours' | 'bare') => Math.round(median(rates.map((rate) => rate[kind])));
  return {
    name: 'Cached GET /api/weekly/summary with a token, of a bare Fastify route with the same bytes',
    value: median(ratios),
    unit: 'ratio of requests a second',
    target: { atLeast: 0.75 },
    detail: `${perSecond('ours')} of ${perSecond('bare')} requests a second, ${Buffer.byteLength(bytes)} bytes, 50 connections`,
  };
}
