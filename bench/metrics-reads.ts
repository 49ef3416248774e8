import { type Measurement, median } from './measure.ts';
import { type Bench, close, fill, makePoint, open } from './metrics-server.ts';

/** How many points are stored when reading is timed. */
const storedCounts = [100_000, 1_000_000, 10_000_000];
const reads = 40;

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
