import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type Measurement, median } from './measure.ts';
import { type Bench, close, columns, makePoint, open, query } from './metrics-server.ts';
import { residentMegabytes } from './start-process.ts';

const rounds = 7;
const rowsPerRound = 100_000;
const connections = 4;
const streamed = 1_000_000;

const makePoints = (count: number) => {
  const nowMs = Date.now();
  return Array.from({ length: count }, (_, index) => makePoint(index, count, nowMs));
};

/** Sends a body on a connection that is kept; the load is on the machine too, so it is made to cost little. */
async function post({ url, headers }: Bench, { body, agent }: { body: Buffer; agent: Agent }): Promise<void> {
  const sent = request(url, {
    method: 'POST',
    agent,
    headers: { ...headers, 'content-type': 'application/json', 'content-length': body.length },
  });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const told = await text(answer);
  if (answer.statusCode !== 202) throw new Error(`Posting answered ${answer.statusCode}: ${told}`);
}

/** Rows a second over HTTP, in batches, on four connections. */
async function postRate(bench: Bench, size: number): Promise<number> {
  const points = makePoints(rowsPerRound);
  const bodies = Array.from({ length: rowsPerRound / size }, (_, batch) =>
    Buffer.from(JSON.stringify({ points: points.slice(batch * size, (batch + 1) * size) })),
  );
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const begun = performance.now();
  const work = async () => {
    for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) await post(bench, { body, agent });
  };
  await Promise.all(Array.from({ length: connections }, work));
  const seconds = (performance.now() - begun) / 1_000;
  agent.destroy();
  return rowsPerRound / seconds;
}

/** Rows a second by psql's \copy from a file. */
async function copyRate({ database, organization, folder }: Bench): Promise<number> {
  const file = join(folder, 'points.tsv');
  const lines = makePoints(rowsPerRound).map((point) => [organization, ...Object.values(point)].join('\t'));
  await writeFile(file, `${lines.join('\n')}\n`);
  const begun = performance.now();
  await query(database, `\\copy dashboard_metrics (${columns}) from '${file}'`);
  return rowsPerRound / ((performance.now() - begun) / 1_000);
}

/** Writing points over HTTP, with their rollups, against \copy of as many into the same table without them. */
export async function measureIngest(postgresUrl: string): Promise<Measurement[]> {
  const bench = await open(postgresUrl);
  const sizes = [1_000, 5_000];
  const taken: { copy: number; posts: number[] }[] = [];
  await postRate(bench, 5_000);
  for (let round = 0; round < rounds; round += 1) {
    const copy = await copyRate(bench);
    const posts: number[] = [];
    for (const size of sizes) posts.push(await postRate(bench, size));
    taken.push({ copy, posts });
  }
  const memory = await measureStream(bench);
  await close(bench, postgresUrl);
  const copied = median(taken.map(({ copy }) => copy));
  return [
    ...sizes.map((size, place): Measurement => {
      const posted = median(taken.map(({ posts }) => posts[place] ?? 0));
      return {
        name: `POST /api/dashboard/metrics in batches of ${size}, with rollups, of \\copy into the same table`,
        value: median(taken.map(({ copy, posts }) => (posts[place] ?? 0) / copy)),
        unit: 'ratio of rows a second',
        target: { atLeast: 0.8 },
        detail: `${Math.round(posted)} of ${Math.round(copied)} rows a second, ${connections} connections, PostgreSQL`,
      };
    }),
    memory,
  ];
}

/** How much the server grows while a million points come as one NDJSON body. */
async function measureStream({ url, headers, started }: Bench): Promise<Measurement> {
  const pid = started.process.pid ?? 0;
  const before = await residentMegabytes(pid);
  let peak = before;
  const watch = setInterval(async () => {
    peak = Math.max(peak, await residentMegabytes(pid));
  }, 50);
  const nowMs = Date.now();
  const lines = function* () {
    for (let from = 0; from < streamed; from += 500) {
      const some = Array.from({ length: 500 }, (_, index) => JSON.stringify(makePoint(from + index, streamed, nowMs)));
      yield Buffer.from(`${some.join('\n')}\n`);
    }
  };
  const begun = performance.now();
  const answer = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/x-ndjson' },
    body: Readable.toWeb(Readable.from(lines())) as ReadableStream,
    duplex: 'half',
  } as RequestInit);
  const told = await answer.text();
  clearInterval(watch);
  if (answer.status !== 202) throw new Error(`The stream answered ${answer.status}: ${told}`);
  const seconds = (performance.now() - begun) / 1_000;
  return {
    name: 'Growth of the server while 1,000,000 points come as one NDJSON body',
    value: peak - before,
    unit: 'MB',
    target: { below: 100 },
    detail: `from ${Math.round(before)} to ${Math.round(peak)} MB, ${Math.round(streamed / seconds)} points a second`,
  };
}
