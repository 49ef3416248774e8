import { sql } from 'kysely';
import { expect } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { inject } from './inject.ts';
import { makeTestApp, type TestApp, type TestMember } from './make-app.ts';

/** What a check measured; nothing where it is left out. */
interface CheckFigures {
  hits?: number;
  blocks?: number;
  connections?: number;
  slow?: number;
  requests?: number;
  failed?: number;
}

/** The whole product, looked at by nobody yet, and an administrator of it. */
export interface MonitoringScene extends TestApp {
  admin: TestMember;
  /** Forgets what was measured, moves to the next hour and makes another administrator. */
  reset(): Promise<void>;
  rows<Row>(statement: ReturnType<typeof sql<Row>>): Promise<Row[]>;
  /** What GET /api/system/… answers, to the administrator unless to another member. */
  // biome-ignore lint/suspicious/noExplicitAny: an answer, as a test reads it.
  get(path: string, member?: TestMember): Promise<any>;
  /** Has requests to one route answered, as this process or another one counts them. */
  serve(count: number, how?: { status?: number; seconds?: number; telemetry?: Telemetry }): void;
  /** Lets a minute pass and the job check; answers what it counted. */
  check(): Promise<Record<string, number>>;
  /** Writes a check as if it had measured this. */
  writeCheck(figures: CheckFigures): Promise<void>;
}

type Telemetry = Pick<TestApp['platform']['telemetry'], 'observeRequest'>;

const measuredTables = [
  'process_readings',
  'system_performance_metrics',
  'performance_monitoring',
  'slow_statements',
  'health_checks',
  'system_alerts',
];
const job = 'monitor_system_performance';
const hourMs = 3_600_000;

/** Makes the product for a test file about how it is monitored. */
export async function makeMonitoringScene(): Promise<MonitoringScene> {
  const it = await makeTestApp({ runsJobs: true });
  const { root } = it.platform.database;
  const { reporter } = it.features.system;
  const scene: MonitoringScene = Object.assign(it, {
    admin: undefined as unknown as TestMember,
    rows: async <Row>(statement: ReturnType<typeof sql<Row>>) => (await statement.execute(root)).rows,
    reset: async () => {
      it.clock.now = new Date((Math.ceil(it.clock.now.getTime() / hourMs) + 1) * hourMs);
      await sql`update users set is_instance_admin = false`.execute(root);
      scene.admin = await (await it.makeOrganization()).member('owner');
      await sql`update users set is_instance_admin = true where id = ${scene.admin.userId}`.execute(root);
      await reporter.report();
      for (const table of measuredTables) await sql`delete from ${sql.id(table)}`.execute(root);
    },
    get: async (path: string, { headers }: TestMember = scene.admin) =>
      (await inject(it.app, { url: `/api/system/${path}`, headers })).json(),
    serve: (count: number, { status = 200, seconds = 0.02, telemetry = it.platform.telemetry as Telemetry } = {}) => {
      for (let n = 0; n < count; n += 1) {
        telemetry.observeRequest({ route: '/api/weekly/summary', method: 'GET', status, seconds });
      }
    },
    check: async () => {
      it.clock.now = new Date(it.clock.now.getTime() + 60_000);
      const { runId } = await it.platform.jobs.runNow(job);
      await it.platform.jobs.whenIdle();
      const [run] = await it.platform.jobs.logs(job, { limit: 1 });
      expect(run).toMatchObject({ id: runId, status: 'succeeded' });
      return run?.result ?? {};
    },
    writeCheck: async (figures: CheckFigures) => {
      const { hits = 0, blocks = 0, connections = 1, slow = 0, requests = 0, failed = 0 } = figures;
      await sql`
        insert into performance_monitoring (id, check_time, active_connections, slow_query_count, max_connections,
          block_hits, block_reads, window_hits, window_blocks, requests, failed_requests, jobs_waiting, jobs_running)
        values (${newId()}, ${it.clock.now}, ${connections}, ${slow}, 100, 0, 0, ${hits}, ${blocks}, ${requests},
          ${failed}, 0, 0)`.execute(root);
    },
  });
  // Only a test has it run: the engine's timer would when the clock is moved.
  await it.platform.jobs.configure(job, { schedule: null });
  await scene.reset();
  return scene;
}
