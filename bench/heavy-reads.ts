import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DashboardService, openAlmanac } from '@almanac/server';
import pg from 'pg';
import { type Measurement, median } from './measure.ts';
import { type Bench, close, fill, open, query } from './metrics-server.ts';

const run = promisify(execFile);
const connections = 4;
const seconds = 4;
const rounds = 3;
const stored = 1_000_000;

interface Statement {
  text: string;
  values: readonly unknown[];
}

/** The program that comes with PostgreSQL, which Debian leaves out of the PATH. */
async function findPgbench(): Promise<string> {
  const root = '/usr/lib/postgresql';
  const versions = await readdir(root).catch(() => []);
  const newest = versions.sort((a, b) => Number(a) - Number(b)).at(-1);
  return newest === undefined ? 'pgbench' : join(root, newest, 'bin/pgbench');
}

/** The statements of the transaction that reads a summary, as the product sends them. */
async function captureSummary({ database, organization, folder }: Bench): Promise<Statement[]> {
  const sent = new Map<unknown, Statement[]>();
  const { query: send } = pg.Client.prototype;
  pg.Client.prototype.query = function capture(this: pg.Client, ...args: unknown[]) {
    const [first, second] = args as [string | { text: string; values?: unknown[] }, unknown];
    const statement =
      typeof first === 'string'
        ? { text: first, values: Array.isArray(second) ? second : [] }
        : { text: first.text, values: first.values ?? [] };
    sent.set(this, [...(sent.get(this) ?? []), statement]);
    return Reflect.apply(send, this, args);
  } as typeof send;
  const env = { DATABASE_URL: database, DATA_DIR: folder, ALMANAC_DEMO: 'off', PROJECTS_LOCAL_GIT: '' };
  const almanac = await openAlmanac({ env });
  await new DashboardService(almanac).getSummary({ organizationId: organization, periodDays: 7 });
  pg.Client.prototype.query = send;
  await almanac.close();
  for (const statements of sent.values()) {
    const at = statements.findIndex(({ text }) => text.includes('metric_rollups'));
    if (at < 0) continue;
    const begin = statements.findLastIndex(({ text }, index) => index < at && /^(begin|start transaction)/i.test(text));
    const end = statements.findIndex(({ text }, index) => index > at && /^commit/i.test(text));
    return statements.slice(begin, end + 1);
  }
  throw new Error('No transaction read rollups.');
}

/** A statement with its values in it, on one line as pgbench reads it; as the member sends it, not as the system. */
function toLine({ text, values }: Statement, userId: string): string {
  const given = text.includes('open_scope') ? values.map((value) => asMember(value, userId)) : values;
  const literal = (value: unknown): string => {
    const sent = toText(value);
    return sent === null ? 'null' : `'${sent.replaceAll("'", "''")}'`;
  };
  const filled = text.replace(/\$(\d+)/g, (_, position: string) => literal(given[Number(position) - 1]));
  return `${filled.replaceAll(/\s+/g, ' ').replace(/;?$/, ';')}\n`;
}

function asMember(value: unknown, userId: string): unknown {
  if (value === 'almanac_system') return 'almanac_app';
  return value ?? userId;
}

function toText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return `{${value.map((each) => JSON.stringify(toText(each) ?? 'NULL')).join(',')}}`;
  return String(value);
}

/** Transactions a second of pgbench, which only sends the statements and reads their answers. */
async function pgbenchRate(program: string, { database }: Bench, script: string): Promise<number> {
  const words = ['-n', '-c', String(connections), '-j', '1', '-T', String(seconds), '-f', script, database];
  const { stdout } = await run(program, words);
  const [, rate] = /^tps = ([\d.]+)/m.exec(stdout) ?? [];
  return Number(rate);
}

let shift = 0;

/** Requests a second that no cache answers: each is of seven other days. */
async function httpRate({ url, headers }: Bench): Promise<number> {
  const base = url.replace(/\/metrics$/, '');
  const begun = performance.now();
  let done = 0;
  const work = async () => {
    while (performance.now() - begun < seconds * 1_000) {
      shift += 1;
      const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
      // Lengths of about seven days and ends in the last two months, until all pairs have been asked for.
      const [length, ago] = [6 + (Math.floor(shift / 60) % 40), 1 + (shift % 60)];
      const answer = await fetch(`${base}/summary?period_start=${day(ago + length)}&period_end=${day(ago)}`, {
        headers,
      });
      if (answer.status !== 200) throw new Error(`/summary answered ${answer.status}: ${await answer.text()}`);
      await answer.arrayBuffer();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  return done / ((performance.now() - begun) / 1_000);
}

/** Uncached summaries over HTTP against pgbench running the same transaction, in turn. */
export async function measureHeavyReads(postgresUrl: string): Promise<Measurement[]> {
  const bench = await open(postgresUrl);
  await fill(bench, 0, stored);
  const userId = await query(bench.database, 'select id from users where own_organization_id is not null limit 1');
  const script = join(bench.folder, 'summary.sql');
  const statements = await captureSummary(bench);
  await writeFile(script, statements.map((statement) => toLine(statement, userId)).join(''));
  const program = await findPgbench();
  await httpRate(bench);
  const taken: { http: number; bare: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    taken.push({ bare: await pgbenchRate(program, bench, script), http: await httpRate(bench) });
  }
  await close(bench, postgresUrl);
  const rate = (what: 'http' | 'bare') => Math.round(median(taken.map((each) => each[what])));
  return [
    {
      name: 'GET /api/dashboard/summary, uncached, of pgbench with the same transaction',
      value: median(taken.map(({ http, bare }) => http / bare)),
      unit: 'ratio of reads a second',
      target: { atLeast: 0.75 },
      detail: `${rate('http')} of ${rate('bare')} a second, ${connections} connections, ${stored.toLocaleString('en')} points, PostgreSQL`,
    },
  ];
}
