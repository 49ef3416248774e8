import { type CalendarWaiting, takeCalendar } from '#features/organizations/index.ts';
import type { Caches } from '#platform/cache/caches.ts';
import type { Feed } from '#platform/feed/feed.ts';
import { defineJob, type JobResult, type OrganizationJob, type OrganizationRun } from '#platform/jobs/define-job.ts';
import { countToRebuild, hasMarked, rebuildSome } from './rebuild-rollups.ts';
import { metricsTopic } from './write-points.ts';

/** The job that counts hours and days anew after a change of the organization's time zone, which asks for it. */
export const rebuildJobName = 'rebuild_metric_days';

export interface MetricsJobOptions extends CalendarWaiting {
  caches: Pick<Caches, 'invalidateAfter'>;
  feed: Pick<Feed, 'publish'>;
  /** How many points one transaction counts. */
  pointsPerRebuild: number;
}

/** The background work of the metric store. */
export function metricsJobs(options: MetricsJobOptions): OrganizationJob[] {
  return [
    defineJob({
      name: rebuildJobName,
      summary: 'Counts hours and days of metrics anew in the organization’s time zone, where that has changed.',
      scope: 'organization',
      // It is asked for when it is needed; once a day it takes up what failed.
      schedule: '40 4 * * *',
      missed: 'once',
      retry: { limit: 5, delaySeconds: 10 },
      timeoutSeconds: 3_600,
      maxFailures: 10,
      wantedIn: () => hasMarked,
      handler: (run) => rebuildMetrics(run, options),
    }),
  ];
}

/** Every step leaves behind how far it came, so that a run that is cut off goes on where it was. */
async function rebuildMetrics(run: OrganizationRun, options: MetricsJobOptions): Promise<JobResult> {
  const wanted = await run.inOrganization(countToRebuild);
  if (wanted === 0) return undefined;
  let metrics = 0;
  for (;;) {
    const step = await takeCalendar(run, (tx) => takeStep(tx, options), options);
    if (!step) return metrics > 0 ? { metrics } : undefined;
    if (!step.isLast) continue;
    metrics += 1;
    run.progress(metrics / Math.max(wanted, metrics), `${step.metric_type}/${step.metric_name}`);
  }
}

async function takeStep(
  tx: Parameters<typeof rebuildSome>[0],
  { caches, feed, pointsPerRebuild }: MetricsJobOptions,
): ReturnType<typeof rebuildSome> {
  const step = await rebuildSome(tx, pointsPerRebuild);
  if (!step?.isLast) return step;
  const { metric_type, newestAt } = step;
  if (newestAt) {
    const payload = { metric_type, as_of: newestAt.toISOString() };
    feed.publish(tx, { type: 'metric_update', subject: metric_type, payload });
  }
  caches.invalidateAfter(tx, [metricsTopic]);
  return step;
}
