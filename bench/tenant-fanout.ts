import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { WebSocket } from 'ws';
import { type Measurement, median } from './measure.ts';
import { processorSeconds, productFlags, startPeer } from './peer.ts';
import { residentMegabytes } from './start-process.ts';

const users = Number(process.env.BENCH_USERS ?? 200);
const socketsPerUser = 5;
const updatesPerSecond = 100;
const seconds = 20;
const rounds = 5;
const eventsPerUser = 20;
const settleMs = 3_000;

interface Target {
  url: string;
  tenants: { token: string; businessId: string }[];
}

interface Peer<Of> {
  peer: ChildProcess;
  target: Of;
}

/** Told of each change that a socket receives, of which user it is and what it says. */
type OnChange = (user: number, text: string) => void;

/** Opens the sockets of all users, by the protocol of Socket.IO itself: a client library would be most of the load. */
async function openSockets({ url, tenants }: Target, onChange: OnChange): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  for (const [user, { token }] of tenants.entries()) {
    const opening = Array.from({ length: socketsPerUser }, () =>
      openSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`, {
        auth: { token },
        onChange: (text) => onChange(user, text),
      }),
    );
    sockets.push(...(await Promise.all(opening)));
  }
  return sockets;
}

async function openSocket(
  url: string,
  { auth, onChange }: { auth: object; onChange: (text: string) => void },
): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.on('message', (data) => {
    const text = String(data);
    if (text.startsWith('42/dashboard,["metrics:updated"')) onChange(text);
    else if (text.startsWith('0')) socket.send(`40/dashboard,${JSON.stringify(auth)}`);
    else if (text === '2') socket.send('3');
    else if (text.startsWith('42/dashboard,["connected"')) resolve();
    else if (text.startsWith('44')) reject(new Error(text));
  });
  socket.on('error', reject);
  await promise;
  return socket;
}

const readVersion = (text: string) => Number(/"version":(\d+)/.exec(text)?.[1]);

/** Adds a view to a user's business; answers the version that this makes. */
async function addView({ url, tenants }: Target, user: number): Promise<number> {
  const { token, businessId } = tenants[user] ?? { token: '', businessId: '' };
  const answer = await fetch(`${url}/api/businesses/${businessId}/metrics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: '{"views":1}',
  });
  if (!answer.ok) throw new Error(`A write answered ${answer.status}: ${await answer.text()}`);
  const { data } = (await answer.json()) as { data: { version: number } };
  return data.version;
}

/** A write of each user, whose first one makes series that stand from then on; at once, so that all connections are open. */
async function warmUp(target: Target): Promise<void> {
  const waiting = target.tenants.keys();
  const work = async () => {
    for (const user of waiting) await addView(target, user);
  };
  await Promise.all(Array.from({ length: 20 }, work));
}

/** Milliseconds from the sending of each write to each of its user's sockets having it, in order. */
async function measureLatency(target: Target, listen: (onChange: OnChange) => void): Promise<number[]> {
  const begun = new Map<string, number>();
  const early = new Map<string, number[]>();
  const taken: number[] = [];
  listen((user, text) => {
    const key = `${user}/${readVersion(text)}`;
    const at = performance.now();
    const start = begun.get(key);
    if (start === undefined) early.set(key, [...(early.get(key) ?? []), at]);
    else taken.push(at - start);
  });
  const write = async (user: number): Promise<void> => {
    const start = performance.now();
    const version = await addView(target, user);
    // What has come before the answer to the write says which version it is.
    const key = `${user}/${version}`;
    begun.set(key, start);
    for (const at of early.get(key) ?? []) taken.push(at - start);
  };
  const writes: Promise<void>[] = [];
  const first = performance.now();
  for (let index = 0; index < seconds * updatesPerSecond; index += 1) {
    const wait = first + (index * 1_000) / updatesPerSecond - performance.now();
    if (wait > 0) await pause(wait);
    writes.push(write((index * 7) % target.tenants.length));
  }
  await Promise.all(writes);
  while (taken.length < writes.length * socketsPerUser) await pause(50);
  return taken.sort((a, b) => a - b);
}

interface Taken {
  rate: number;
  microseconds: number;
}

/** Messages a second that sockets receive while a peer publishes as fast as it can, and its processor time for each. */
async function measureRate(
  { peer }: Pick<Peer<unknown>, 'peer'>,
  listen: (onChange: OnChange) => void,
): Promise<Taken> {
  const wanted = users * eventsPerUser * socketsPerUser;
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  listen(() => {
    count += 1;
    if (count === wanted) resolve();
  });
  const before = await processorSeconds(peer);
  const begun = performance.now();
  peer.send({ publish: eventsPerUser });
  await promise;
  const rate = wanted / ((performance.now() - begun) / 1_000);
  return { rate, microseconds: ((await processorSeconds(peer)) - before) * (1e6 / wanted) };
}

async function openBare(url: string, onChange: OnChange): Promise<void> {
  for (let user = 0; user < users; user += 1) {
    for (let index = 0; index < socketsPerUser; index += 1) {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      socket.on('message', (data) => onChange(user, String(data)));
      await once(socket, 'open');
    }
  }
}

/** Both peers with their sockets, each of which tells whoever listens at the time. */
async function open(databaseUrl: string) {
  let onChange: OnChange = () => undefined;
  const listen = (next: OnChange) => {
    onChange = next;
  };
  const tell: OnChange = (user, text) => onChange(user, text);
  const message = { users, databaseUrl };
  const ours = await startPeer<Target>({ file: './peers/tenant-dashboard.ts', message, flags: productFlags });
  const before = await residentMegabytes(ours.peer.pid ?? 0);
  await openSockets(ours.target, tell);
  await pause(settleMs);
  const megabytes = (await residentMegabytes(ours.peer.pid ?? 0)) - before;
  return { ours, listen, tell, megabytes };
}

async function compare(opened: Awaited<ReturnType<typeof open>>) {
  const { ours, listen, tell } = opened;
  const { promise, resolve } = Promise.withResolvers<string>();
  listen((_user, text) => resolve(text));
  ours.peer.send({ publish: 1 });
  const text = await promise;
  await pause(1_000);
  const message = { text, socketsPerUser };
  const bare = await startPeer<{ url: string }>({ file: './peers/bare-ws.ts', message });
  await openBare(bare.target.url, tell);
  const taken: { ours: Taken; bare: Taken }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    taken.push({ bare: await measureRate(bare, listen), ours: await measureRate(ours, listen) });
  }
  bare.peer.kill();
  return { taken, bytes: Buffer.byteLength(text) };
}

/** The tenants' live dashboard: how soon a write is with its user, what a connection costs, how fast changes go out. */
export async function measureTenantFanout(postgresUrl: string): Promise<Measurement[]> {
  const name = `almanac_bench_${randomBytes(4).toString('hex')}`;
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  await client.query(`create database ${name}`);
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  const opened = await open(url.href);
  await warmUp(opened.ours.target);
  await pause(settleMs);
  const before = await processorSeconds(opened.ours.peer);
  const latencies = await measureLatency(opened.ours.target, opened.listen);
  const used = ((await processorSeconds(opened.ours.peer)) - before) / (seconds * updatesPerSecond);
  const { taken, bytes } = await compare(opened);
  opened.ours.peer.kill();
  await once(opened.ours.peer, 'exit');
  await client.query(`drop database ${name} with (force)`);
  await client.end();
  const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))] ?? Number.NaN;
  const middle = (whose: 'ours' | 'bare', what: keyof Taken) =>
    Math.round(median(taken.map((both) => both[whose][what])));
  const sockets = users * socketsPerUser;
  return [
    {
      name: `POST /api/businesses/:id/metrics to each of its user’s sockets, ${updatesPerSecond} a second, 99th percentile`,
      value: at(0.99),
      unit: 'ms',
      target: { below: 50 },
      detail: `${sockets} sockets of ${users} users, PostgreSQL, after a write of each user, median ${Math.round(at(0.5))} ms, slowest ${Math.round(at(1))} ms; ${(used * 1_000).toFixed(1)} ms of processor time a write in the server`,
    },
    {
      name: 'Memory of the server for a connection to /dashboard',
      value: (opened.megabytes * 1_000) / sockets,
      unit: 'kB',
      detail: `resident set, ${sockets} connections opened, ${settleMs / 1_000} s after the last`,
    },
    {
      name: 'Changes fanned out from the database to sockets, of bare ws that sends the same bytes',
      value: median(taken.map((both) => both.ours.rate / both.bare.rate)),
      unit: 'ratio of messages a second',
      detail:
        `${middle('ours', 'rate')} of ${middle('bare', 'rate')} messages a second, ${bytes} bytes each; ` +
        `${middle('ours', 'microseconds')} against ${middle('bare', 'microseconds')} µs of processor time a message in the server`,
    },
  ];
}
