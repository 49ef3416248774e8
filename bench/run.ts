import { readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { measureCachedGet } from './cached-get.ts';
import { measureHeavyReads } from './heavy-reads.ts';
import { measureIdleMemory } from './idle-memory.ts';
import { measureLiveLatency } from './live-latency.ts';
import { measureLocalGit } from './local-git.ts';
import type { Measurement } from './measure.ts';
import { measureIngest } from './metrics-ingest.ts';
import { measureReads } from './metrics-reads.ts';
import { measureSignIn } from './sign-in.ts';
import { measureStartUp } from './start-up.ts';
import { measureTenantFanout } from './tenant-fanout.ts';

const postgresUrl = process.env.BENCH_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** Every benchmark, by the word that picks it: `npm run bench -- cached-get`. */
const benchmarks: Readonly<Record<string, () => Promise<Measurement[]>>> = {
  'cached-get': async () => [await measureCachedGet()],
  'live-latency': async () => [await measureLiveLatency()],
  'local-git': async () => [await measureLocalGit()],
  'heavy-reads': () => measureHeavyReads(postgresUrl),
  'metrics-ingest': () => measureIngest(postgresUrl),
  'metrics-reads': () => measureReads(postgresUrl),
  'sign-in': measureSignIn,
  'tenant-fanout': () => measureTenantFanout(postgresUrl),
  'start-up': measureStartUp,
  'idle-memory': () => measureIdleMemory(postgresUrl),
};

const asked = process.argv.slice(2);
const chosen = Object.entries(benchmarks).filter(([name]) => asked.length === 0 || asked.includes(name));
const measured: Measurement[] = [];
for (const [, measure] of chosen) measured.push(...(await measure()));
for (const line of renderRows(measured)) process.stdout.write(`${line}\n`);
if (asked.length === 0) await keepResults(measured);
process.exit(measured.every(isMet) ? 0 : 1);

function isMet({ value, target }: Measurement): boolean {
  if (!target) return true;
  return 'atLeast' in target ? value >= target.atLeast : value < target.below;
}

function renderRows(measurements: readonly Measurement[]): string[] {
  return measurements.map((measurement) => {
    const { name, value, unit, target, detail } = measurement;
    const shown = Number(value.toPrecision(3));
    const wanted = target && ('atLeast' in target ? `at least ${target.atLeast}` : `below ${target.below}`);
    return `| ${name} | ${shown} ${unit} | ${wanted ?? ''} | ${isMet(measurement) ? 'met' : 'missed'} | ${detail} |`;
  });
}

/** Writes the table of docs/benchmarks.md, with the machine it was measured on. */
async function keepResults(measurements: readonly Measurement[]): Promise<void> {
  const path = join(import.meta.dirname, '../docs/benchmarks.md');
  const page = await readFile(path, 'utf8');
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const day = new Date().toISOString().slice(0, 10);
  const machine = `Measured on ${day}: Node ${process.version}, ${cpus().length} cores (${cpu?.model ?? 'unknown'}), ${memory} GiB.`;
  const table = [
    '| what | measured | target | | how |',
    '| --- | --- | --- | --- | --- |',
    ...renderRows(measurements),
  ];
  const part = `<!-- measured -->\n${machine}\n\n${table.join('\n')}\n<!-- /measured -->`;
  await writeFile(
    path,
    page.replace(/<!-- measured -->[\s\S]*<!-- \/measured -->/, () => part),
  );
}
