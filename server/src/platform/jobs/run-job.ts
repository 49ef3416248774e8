import type { PgBoss } from 'pg-boss';
import { systemPrincipal } from '../access/principal.ts';
import type { RootHandle } from '../db/database.ts';
import type { Scopes } from '../db/scopes.ts';
import type { Feed } from '../feed/feed.ts';
import type { Log } from '../log/log.ts';
import type { InstanceRun, JobResult, OrganizationRun } from './define-job.ts';
import { fanOut } from './fan-out.ts';
import { asOwner, holdAsOwner, holdRun } from './hold-run.ts';
import type { ClaimedRun, Outcome } from './settle-runs.ts';

/** What running a job takes. */
export interface RunContext {
  root: RootHandle;
  boss: PgBoss;
  scopes: Scopes;
  feed: Pick<Feed, 'publish'>;
  log: Log;
  now: () => Date;
}

interface RunSettings {
  signal: AbortSignal;
  staleInputs: readonly string[];
}

/** Runs a claimed run to its end or its time-out, whichever comes first; never rejects. */
export async function runJob(context: RunContext, run: ClaimedRun, settings: RunSettings): Promise<Outcome> {
  const { signal } = settings;
  const time = timeLimit(run.job.timeoutSeconds);
  const progress = new Set<Promise<void>>();
  const whole = { ...settings, signal: AbortSignal.any([signal, time.signal]) };
  try {
    // A handler that does not heed its signal is left behind: what it still does cannot commit.
    const outcome = await Promise.race([work(context, run, { ...whole, progress }), time.over]);
    await Promise.all(progress);
    return outcome;
  } catch (error) {
    return { kind: 'failed', error: messageOf(time.signal.aborted ? time.signal.reason : error) };
  } finally {
    time.clear();
  }
}

type WorkSettings = RunSettings & { progress: Set<Promise<void>> };

async function work(context: RunContext, run: ClaimedRun, settings: WorkSettings): Promise<Outcome> {
  const { job, data } = run;
  if (job.scope === 'instance') return done(await job.handler(createInstanceRun(context, run, settings)));
  if (data.organizationId !== undefined) {
    return done(
      await job.handler(createOrganizationRun(context, run, { ...settings, organizationId: data.organizationId })),
    );
  }
  await fanOut(context, run, settings.signal);
  return { kind: 'fanned-out' };
}

function done(result: JobResult): Outcome {
  return { kind: 'done', result };
}

function createInstanceRun(context: RunContext, run: ClaimedRun, settings: RunSettings): InstanceRun {
  return {
    ...createRun(context, run, settings),
    inInstance: (workInInstance) =>
      context.scopes.inInstance(async (tx) => {
        const result = await workInInstance(tx);
        // The transaction ends with this, so the role needs no way back.
        await holdAsOwner(tx.db, run);
        return result;
      }),
  };
}

function createRun({ now }: RunContext, run: ClaimedRun, { signal, staleInputs }: RunSettings) {
  return {
    job: run.name,
    runId: run.id,
    slot: new Date(run.data.slot),
    attempt: run.attempt,
    signal,
    staleInputs,
    now,
    holdRun: (db: Parameters<InstanceRun['holdRun']>[0]) => holdRun(db, run),
  };
}

type OrganizationSettings = WorkSettings & { organizationId: string };

function createOrganizationRun(context: RunContext, run: ClaimedRun, settings: OrganizationSettings): OrganizationRun {
  const { organizationId } = settings;
  return {
    ...createRun(context, run, settings),
    organizationId,
    key: run.data.key,
    inOrganization: (workInOrganization) =>
      context.scopes.inOrganization(systemPrincipal(organizationId), async (tx) => {
        const result = await workInOrganization(tx);
        tx.beforeCommit(() => asOwner(tx, () => holdRun(tx.db, run)));
        return result;
      }),
    progress: createProgress(context, run, settings),
  };
}

/** Tells one thing at a time and, when that is told, only the newest: a handler may call this in a tight loop. */
function createProgress(context: RunContext, run: ClaimedRun, settings: OrganizationSettings) {
  let newest: { fraction: number; note: string } | undefined;
  const tellNewest = async () => {
    while (newest) {
      const { fraction, note } = newest;
      newest = undefined;
      const payload = { job: run.name, run_id: run.id, fraction: Math.min(Math.max(fraction, 0), 1), note };
      await context.scopes.inOrganization(systemPrincipal(settings.organizationId), async (tx) => {
        context.feed.publish(tx, { type: 'job.progress', payload, subject: run.id });
      });
    }
  };
  return (fraction: number, note: string) => {
    newest = { fraction, note };
    if (settings.progress.size > 0) return;
    const told = tellNewest()
      .catch((error: unknown) => context.log.warn({ err: error, job: run.name }, 'a job could not tell its progress'))
      .finally(() => settings.progress.delete(told));
    settings.progress.add(told);
  };
}

function timeLimit(seconds: number) {
  const controller = new AbortController();
  const over = Promise.withResolvers<never>();
  over.promise.catch(() => undefined);
  const timer = setTimeout(() => {
    const reason = new Error(`The job did not end within ${seconds} seconds.`);
    controller.abort(reason);
    over.reject(reason);
  }, seconds * 1_000);
  return { signal: controller.signal, over: over.promise, clear: () => clearTimeout(timer) };
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  // PostgreSQL's text holds no zero.
  return text.replaceAll('\0', '').slice(0, 2_000);
}
