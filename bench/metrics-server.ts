import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { productFlags } from './peer.ts';
import { type Started, startProcess } from './start-process.ts';

const run = promisify(execFile);
const main = join(import.meta.dirname, '../server/src/main.ts');

/** A server on a PostgreSQL database of its own, with one account. */
export interface Bench {
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

/** The columns of a point, in the order of its properties. */
export const columns =
  'organization_id, id, metric_type, metric_name, metric_value, metric_unit, dimension_1, recorded_at';

/** Points of 150 series, a second apart up to now. */
export function makePoint(index: number, count: number, nowMs: number): BenchPoint {
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

/** Runs a statement by psql; answers what it printed. */
export async function query(database: string, statement: string): Promise<string> {
  return (await run('psql', [database, '-v', 'ON_ERROR_STOP=1', '-Atc', statement])).stdout.trim();
}

/** Makes the database, starts the server and registers. */
export async function open(postgresUrl: string): Promise<Bench> {
  const name = `almanac_bench_${process.pid}`;
  await query(postgresUrl, `create database ${name}`);
  const database = postgresUrl.replace(/\/[^/]*$/, `/${name}`);
  const folder = await mkdtemp(join(tmpdir(), 'almanac-metrics-'));
  const started = await startProcess({
    command: process.execPath,
    words: [...productFlags, main, 'start'],
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

/** Stops the server and drops the database. */
export async function close({ started, folder, database }: Bench, postgresUrl: string): Promise<void> {
  await started.stop();
  await rm(folder, { recursive: true });
  await query(postgresUrl, `drop database ${database.slice(database.lastIndexOf('/') + 1)}`);
}

/** Stores points up to a count over 90 days, and their rollups by a recount. */
export async function fill({ database, organization }: Bench, from: number, to: number): Promise<void> {
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
