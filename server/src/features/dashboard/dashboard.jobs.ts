import { readOceanAverages } from '#features/assessments/index.ts';
import type { MetricsFeature } from '#features/metrics/index.ts';
import { getOrganizationSettings } from '#features/organizations/index.ts';
import { comparePeriods } from '#kernel/compared-periods.ts';
import { dayAt, periodUntil } from '#kernel/days.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { defineJob, type OrganizationJob } from '#platform/jobs/define-job.ts';
import { toAssessmentCounts, toUserCounts } from './compare-period.ts';
import { computePoints } from './compute-points.ts';
import { readPeriodNumbers } from './dashboard.views.ts';

/** The points are of as many days as the summary shows unless told. */
const periodDays = 7;

/** The background work of the dashboard. */
export function dashboardJobs({ recordPoints }: Pick<MetricsFeature, 'recordPoints'>): OrganizationJob[] {
  return [
    defineJob({
      name: 'calculate_all_metrics',
      summary: 'Writes engagement and completion of seven days, and the average scores, into the metric store.',
      scope: 'organization',
      schedule: '0 */6 * * *',
      missed: 'once',
      retry: { limit: 3, delaySeconds: 30 },
      timeoutSeconds: 300,
      maxFailures: 10,
      handler: (run) =>
        run.inOrganization(async (tx) => {
          const { accepted } = await recordPoints(tx, await measure(tx, run.now()));
          return accepted > 0 ? { points: accepted } : undefined;
        }),
    }),
  ];
}

async function measure(tx: OrganizationTx, now: Date) {
  const { timezone } = await getOrganizationSettings(tx);
  const nowMs = now.getTime();
  const period = periodUntil(dayAt(nowMs, timezone), periodDays, timezone);
  const { users, assessments, isSettled } = await readPeriodNumbers(tx, comparePeriods(period, { nowMs, timezone }));
  return computePoints({
    organizationId: tx.organizationId,
    now,
    period,
    // A point stands for good: while days are counted anew, none is written of them.
    users: isSettled ? toUserCounts(users) : undefined,
    assessments: toAssessmentCounts(assessments),
    ocean: await readOceanAverages(tx, now),
  });
}
