import { type RawBuilder, sql } from 'kysely';
import type { PgBoss } from 'pg-boss';
import type { RootHandle } from '../db/database.ts';
import { holdRun } from './hold-run.ts';
import { queueSchema } from './queue.ts';
import { fanOutId, sendRuns } from './send-runs.ts';
import type { ClaimedRun } from './settle-runs.ts';

const pageSize = 1_000;

/**
 * Queues one run for each organization that the job is for, page by page, each page with its count in one transaction: a fan-out that was cut
 * off goes on where it was, and none is queued twice. Organizations in which the job is paused are passed over, and those
 * whose run of an earlier due time has not begun, unless each due time is to be made up for.
 */
export async function fanOut(
  { root, boss, now }: { root: RootHandle; boss: PgBoss; now: () => Date },
  run: ClaimedRun,
  signal: AbortSignal,
): Promise<void> {
  const wanted = (run.job.scope === 'organization' && run.job.wantedIn?.(now())) || sql`true`;
  await root.transaction().execute(async (db) => {
    await holdRun(db, run);
    await sql`
      update scheduled_job_logs set pending = 1, result = '{"organizations": 0}'
      where id = ${run.id} and result is null`.execute(db);
  });
  for (let after: string | undefined; ; ) {
    signal.throwIfAborted();
    const page = await listOrganizations(root, { run, wanted }, after);
    after = page.at(-1);
    if (after === undefined) return;
    await queuePage({ root, boss }, run, page);
    if (page.length < pageSize) return;
  }
}

async function listOrganizations(
  root: RootHandle,
  { run, wanted }: { run: ClaimedRun; wanted: RawBuilder<unknown> },
  after: string | undefined,
): Promise<string[]> {
  const past = after === undefined ? sql`` : sql`and o.id > ${after}::uuid`;
  const skipsWaiting = run.job.missed !== 'all';
  const { rows } = await sql<{ id: string }>`
    select o.id from organizations o
    where not exists (
      select from job_organizations p where p.organization_id = o.id and p.job_name = ${run.name} and p.is_paused)
    and (${wanted})
    and not (${skipsWaiting} and exists (
      select from ${sql.id(queueSchema, 'job')} j
      where j.name = ${run.name} and j.state = 'created' and j.singleton_key = o.id::text and not j.data ? 'key'
        and j.data ->> 'parentId' is distinct from ${run.id}))
    ${past}
    order by o.id limit ${pageSize}`.execute(root);
  return rows.map(({ id }) => id);
}

async function queuePage(
  { root, boss }: { root: RootHandle; boss: PgBoss },
  run: ClaimedRun,
  organizationIds: readonly string[],
): Promise<void> {
  await root.transaction().execute(async (db) => {
    const runs = organizationIds.map((organizationId) => ({
      id: fanOutId(run.id, organizationId),
      data: { ...run.data, retryLimit: run.job.retry.limit, organizationId, parentId: run.id },
    }));
    const queued = (await sendRuns(boss, db, { job: run.job, runs })).length;
    await sql`
      update scheduled_job_logs set pending = pending + ${queued}, result = jsonb_build_object(
        'organizations', (result ->> 'organizations')::int + ${queued}::int) || (result - 'organizations')
      where id = ${run.id}`.execute(db);
    await holdRun(db, run);
  });
}
