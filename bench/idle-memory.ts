import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { Measurement } from './measure.ts';
import { median } from './measure.ts';
import { residentMegabytes, startProcess } from './start-process.ts';

const settleMs = 20_000;
const samples = 5;
const almanac = join(import.meta.dirname, '../node_modules/.bin/almanac');

async function measureIdle(environment: Record<string, string>): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'almanac-idle-'));
  const started = await startProcess({
    command: almanac,
    words: ['start'],
    folder,
    environment: { DATA_DIR: folder, ...environment },
  });
  await fetch(`${started.url}/api/weekly/summary`);
  await pause(settleMs);
  const readings: number[] = [];
  for (let sample = 0; sample < samples; sample += 1) {
    readings.push(await residentMegabytes(started.process.pid ?? 0));
    await pause(1_000);
  }
  await started.stop();
  await rm(folder, { recursive: true });
  return median(readings);
}

/** Resident memory of a process that serves and has nothing to do, 20 seconds after its start. */
export async function measureIdleMemory(postgresUrl: string): Promise<Measurement[]> {
  const name = `almanac_bench_${randomBytes(4).toString('hex')}`;
  const server = new pg.Client({ connectionString: postgresUrl });
  await server.connect();
  await server.query(`create database ${name}`);
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  const embedded = await measureIdle({});
  const postgres = await measureIdle({ DATABASE_URL: url.href });
  await server.query(`drop database ${name} with (force)`);
  await server.end();
  const detail = 'resident set, 20 s after the start, one page served';
  return [
    { name: 'Idle memory with PGlite', value: embedded, unit: 'MB', target: { below: 450 }, detail },
    { name: 'Idle memory with PostgreSQL', value: postgres, unit: 'MB', target: { below: 180 }, detail },
  ];
}
