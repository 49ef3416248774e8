import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { systemPrincipal } from '../access/principal.ts';
import { openPostgres } from '../db/database.ts';
import { migrate } from '../db/migrate.ts';
import { createLog } from '../log/log.ts';
import type { JobDefinition } from './define-job.ts';
import type { Jobs } from './jobs.ts';
import { askFor, createTestEngine, organizationJob, type TestEngine } from './test-engine.ts';

const serverUrl = process.env.TEST_DATABASE_URL;
const log = createLog({ level: 'silent' });

/** Two processes on one PostgreSQL, in a database and under an owner of their own who is no superuser. */
describe.skipIf(!serverUrl)('two nodes on one PostgreSQL', () => {
  const name = `almanac_jobs_${newId().replaceAll('-', '')}`;
  let nodes: [TestEngine, TestEngine];
  let organizations: string[];

  beforeAll(async () => {
    await atServer(`create role ${name} login createrole`, `create database ${name} owner ${name}`);
    const url = new URL(serverUrl ?? '');
    url.username = name;
    url.pathname = `/${name}`;
    const open = () => openPostgres({ connectionString: url.href, log });
    const [first, second] = [open(), open()];
    await migrate({ root: first.root, log });
    nodes = [createTestEngine(first), createTestEngine(second)];
    organizations = [];
    for (let index = 0; index < 20; index += 1) organizations.push(await nodes[0].makeOrganization());
    organizations.sort();
  });
  afterEach(async () => {
    for (const node of nodes) await node.closeEngines();
  });
  afterAll(async () => {
    for (const node of nodes) await node.close();
    await atServer(
      `drop database ${name} with (force)`,
      ...['almanac_app', 'almanac_system', 'almanac_instance'].map((role) => `revoke ${role} from ${name}`),
      `drop role ${name}`,
    );
  });

  async function atServer(...statements: string[]): Promise<void> {
    const client = new pg.Client(serverUrl);
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  }

  async function startBoth(jobs: readonly JobDefinition[]) {
    return Promise.all(nodes.map((node) => node.start(jobs)));
  }

  it('runs each due time once', async () => {
    const slots: string[] = [];
    const job: JobDefinition = {
      ...organizationJob(async () => undefined, { schedule: '* * * * *', missed: 'all' }),
      scope: 'instance',
      handler: async ({ slot }) => void slots.push(slot.toISOString().slice(14, 16)),
    };
    for (const { clock } of nodes) clock.set('2026-03-02T12:00:30Z');
    const engines = await startBoth([job]);
    for (let minute = 1; minute <= 30; minute += 1) {
      const moment = new Date(Date.UTC(2026, 2, 2, 12, minute)).toISOString();
      await Promise.all(engines.map((engine, index) => engine.tick(nodes[index]?.clock.set(moment))));
    }
    await expect.poll(() => slots.length).toBe(30);
    await Promise.all(engines.map((engine) => engine.whenIdle()));
    expect(new Set(slots).size).toBe(30);
    expect(slots.length).toBe(30);
  });

  it('runs each organization once for each fan-out, never twice at once', async () => {
    const runs: string[] = [];
    const current = new Set<string>();
    let overlaps = 0;
    const job = organizationJob(async ({ organizationId, inOrganization }) => {
      overlaps += current.has(organizationId) ? 1 : 0;
      current.add(organizationId);
      await inOrganization(async () => undefined);
      current.delete(organizationId);
      runs.push(organizationId);
      return { rows: 1 };
    });
    const [first, second] = await startBoth([job]);
    const { runId } = (await first?.runNow(job.name)) ?? { runId: '' };
    await Promise.all([
      ...organizations.slice(0, 5).map((organizationId, index) =>
        nodes[index % 2 === 0 ? 0 : 1].scopes.inOrganization(systemPrincipal(organizationId), async (tx) => {
          (index % 2 === 0 ? first : second)?.enqueue(tx, job.name, { key: 'extra' });
        }),
      ),
    ]);
    await expect.poll(() => runs.length, { timeout: 15_000 }).toBe(25);
    await Promise.all([first?.whenIdle(), second?.whenIdle()]);
    expect(overlaps).toBe(0);
    const entry = (await first?.logs(job.name))?.find(({ id }) => id === runId);
    expect(entry).toMatchObject({
      status: 'succeeded',
      result: { organizations: 20, succeeded: 20, idle: 0, failed: 0 },
    });
  });

  it('does not begin a run that counts for a transaction before that has committed', async () => {
    let runs = 0;
    const job = organizationJob(async () => {
      runs += 1;
      return undefined;
    });
    const [asking, working] = nodes;
    const organizationId = organizations[0] ?? '';
    const first = await asking.start([job], { runsWorkers: false });
    await askFor(asking, first, { job, organizationId });
    const second = await asking.scopes.inOrganization(systemPrincipal(organizationId), async (tx) => {
      first.enqueue(tx, job.name);
      const started = Promise.withResolvers<Jobs>();
      tx.beforeCommit(async () => {
        const engine = await working.start([job]);
        await engine.whenIdle();
        expect(runs).toBe(0);
        started.resolve(engine);
      });
      return { engine: started.promise };
    });
    const engine = await second.engine;
    await engine.recover();
    await engine.whenIdle();
    expect(runs).toBe(1);
  });

  it('keeps running when the database drops its connections', async () => {
    let runs = 0;
    const job = organizationJob(async () => {
      runs += 1;
      return undefined;
    });
    const [first] = await startBoth([job]);
    await first?.runNow(job.name, organizations[0]);
    await expect.poll(() => runs).toBe(1);
    await atServer(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`,
    );
    await expect
      .poll(
        () =>
          first?.runNow(job.name, organizations[1]).then(
            () => true,
            () => false,
          ),
        { timeout: 10_000 },
      )
      .toBe(true);
    await expect.poll(() => runs, { timeout: 10_000 }).toBe(2);
  });
});
