import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { type Measurement, median } from './measure.ts';
import { residentMegabytes, type Started, startProcess } from './start-process.ts';

const run = promisify(execFile);
const main = join(import.meta.dirname, '../server/src/main.ts');
const rounds = 3;
const rowsPerRound = 100_000;
const connections = 4;
const streamed = 1_000_000;

interface Bench {
  url: string;
  database: string;
  organization: string;
  headers: Record<string, string>;
  folder: string;
  started: Started;
}

interface BenchPoint {
  id: string;
  metric_type: string;
  metric_name: string;
  metric_value: number;
  metric_unit: string;
  dimension_1: string;
  recorded_at: string;
}

const columns = 'organization_id, id, metric_type, metric_name, metric_value, metric_unit, dimension_1, recorded_at';

/** Points of 150 series, a second apart up to now. */
function makePoint(index: number, count: number, nowMs: number): BenchPoint {
  return {
    id: randomUUID(),
    metric_type: `type${index % 3}`,
    metric_name: `name${index % 10}`,
    metric_value: ((index * 7_919) % 100_000) / 1_000,
    metric_unit: 'ms',
    dimension_1: `d${index % 5}`,
    recorded_at: new Date(nowMs - (count - index) * 1_000).toISOString(),
  };
}

const makePoints = (count: number): BenchPoint[] => {
  const nowMs = Date.now();
  return Array.from({ length: count }, (_, index) => makePoint(index, count, nowMs));
};

async function query(database: string, statement: string): Promise<string> {
  return (await run('psql', [database, '-v', 'ON_ERROR_STOP=1', '-Atc', statement])).stdout.trim();
}

async function open(postgresUrl: string): Promise<Bench> {
  const name = `almanac_bench_${process.pid}`;
  await query(postgresUrl, `create database ${name}`);
  const database = postgresUrl.replace(/\/[^/]*$/, `/${name}`);
  const folder = await mkdtemp(join(tmpdir(), 'almanac-metrics-'));
  const started = await startProcess({
    command: process.execPath,
    words: ['--max-semi-space-size=4', main, 'start'],
    folder,
    environment: { DATA_DIR: folder, DATABASE_URL: database, ALMANAC_DEMO: 'false', PROJECTS_LOCAL_GIT: '' },
  });
  const body = JSON.stringify({ email: 'bench@example.org', password: 'correct horse battery' });
  const json = { 'content-type': 'application/json' };
  const answer = await fetch(`${started.url}/auth/register`, { method: 'POST', headers: json, body });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  await query(database, "update organizations set subscription_tier = 'enterprise'");
  const organization = await query(
    database,
    'select own_organization_id from users where own_organization_id is not null limit 1',
  );
  const headers = { authorization: `Bearer ${token}` };
  return { url: `${started.url}/api/dashboard/metrics`, database, organization, headers, folder, started };
}

async function close({ started, folder, database }: Bench, postgresUrl: string): Promise<void> {
  await started.stop();
  await rm(folder, { recursive: true });
  await query(postgresUrl, `drop database ${database.slice(database.lastIndexOf('/') + 1)}`);
}

/** Rows a second over HTTP, in batches, on four connections. */
async function postRate({ url, headers }: Bench, size: number): Promise<number> {
  const points = makePoints(rowsPerRound);
  const bodies = Array.from({ length: rowsPerRound / size }, (_, batch) =>
    JSON.stringify({ points: points.slice(batch * size, (batch + 1) * size) }),
  );
  const begun = performance.now();
  const work = async () => {
    for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body,
      });
      if (answer.status !== 202) throw new Error(`Posting answered ${answer.status}: ${await answer.text()}`);
      await answer.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  return rowsPerRound / ((performance.now() - begun) / 1_000);
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
  const text = await answer.text();
  clearInterval(watch);
  if (answer.status !== 202) throw new Error(`The stream answered ${answer.status}: ${text}`);
  const seconds = (performance.now() - begun) / 1_000;
  return {
    name: 'Growth of the server while 1,000,000 points come as one NDJSON body',
    value: peak - before,
    unit: 'MB',
    target: { below: 100 },
    detail: `from ${Math.round(before)} to ${Math.round(peak)} MB, ${Math.round(streamed / seconds)} points a second`,
  };
}

/** How many points are stored when reading is timed. */
const storedCounts = [100_000, 1_000_000, 10_000_000];
const reads = 40;

/** Stores points up to a count over 90 days, and their rollups by a recount. */
async function fill({ database, organization }: Bench, from: number, to: number): Promise<void> {
  const days = 90 * 86_400;
  await query(
    database,
    `insert into dashboard_metrics (${columns})
     select '${organization}', gen_random_uuid(), 'type' || n % 3, 'name' || n % 10, (n::bigint * 7919 % 100000) / 1000.0, 'ms',
       'd' || n % 5, now() - (n::bigint * 48271 % ${days}) * interval '1 second'
     from generate_series(${from + 1}, ${to}) n;
     insert into metric_catalog select distinct '${organization}'::uuid, metric_type, metric_name, 'ms', null, null, now()
       from dashboard_metrics on conflict do nothing;
     insert into metric_series
       select distinct '${organization}'::uuid, series_id, metric_type, metric_name, dimension_1, null, null, null::uuid,
         null::uuid from dashboard_metrics on conflict do nothing;
     delete from metric_rollups;
     insert into metric_rollups
       select organization_id, series_id, g, date_trunc(g, recorded_at, (select timezone from organizations where id = organization_id)), count(*), sum(metric_value),
         min(metric_value), max(metric_value), (array_agg(metric_value))[1], max(recorded_at), (array_agg(id))[1]
       from dashboard_metrics cross join (values ('hour'), ('day')) v (g) group by 1, 2, 3, 4 order by 1, 2, 3, 4;`,
  );
  await query(database, 'vacuum analyze');
}

/** Milliseconds of reads that no cache has, one after the other; the middle one. */
async function readTimes(bench: Bench): Promise<Record<'summary' | 'trends', number>> {
  const base = bench.url.replace(/\/metrics$/, '');
  const time = async (path: string) => {
    const begun = performance.now();
    const answer = await fetch(`${base}${path}`, { headers: bench.headers });
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    await answer.arrayBuffer();
    return performance.now() - begun;
  };
  const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
  const summaries: number[] = [];
  const trends: number[] = [];
  for (let read = 0; read < reads; read += 1) {
    summaries.push(await time(`/summary?period_start=${day(read + 7)}&period_end=${day(read + 1)}`));
    trends.push(
      await time(`/trends?metric_type=type1&metric_name=name${read % 10}&weeks=${8 + Math.floor(read / 10)}`),
    );
  }
  return { summary: median(summaries), trends: median(trends) };
}

/** What reading a dashboard costs, by how many points are stored. */
export async function measureReads(postgresUrl: string): Promise<Measurement[]> {
  const bench = await open(postgresUrl);
  const most = Number(process.env.BENCH_POINTS ?? storedCounts.at(-1));
  const taken: { count: number; times: Record<'summary' | 'trends', number> }[] = [];
  let stored = 0;
  for (const count of storedCounts.filter((each) => each <= most)) {
    await fill(bench, stored, count);
    stored = count;
    await readTimes(bench);
    // What the caches took from before is of no account after a write.
    await fetch(bench.url, {
      method: 'POST',
      headers: { ...bench.headers, 'content-type': 'application/json' },
      body: JSON.stringify(makePoint(0, 1, Date.now())),
    });
    taken.push({ count, times: await readTimes(bench) });
  }
  await close(bench, postgresUrl);
  const [least, largest] = [taken[0], taken.at(-1)];
  if (!least || !largest) throw new Error('BENCH_POINTS is less than 100,000.');
  return (['summary', 'trends'] as const).map((what) => ({
    name: `GET /api/dashboard/${what}, uncached, with ${largest.count.toLocaleString('en')} points, of the time with 100,000`,
    value: largest.times[what] / least.times[what],
    unit: 'ratio of times',
    target: { below: 1.5 },
    detail: taken.map(({ count, times }) => `${times[what].toFixed(1)} ms at ${count.toLocaleString('en')}`).join(', '),
  }));
}
