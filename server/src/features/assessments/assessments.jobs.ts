import { sql } from 'kysely';
import { getOrganizationSettings } from '#features/organizations/index.ts';
import { defineJob, type JobDefinition } from '#platform/jobs/define-job.ts';
import { putAggregations } from './aggregations.store.ts';

const aggregationsJobName = 'generate_all_aggregations';
const common = {
  schedule: '0 2 * * *',
  missed: 'once',
  retry: { limit: 3, delaySeconds: 60 },
  timeoutSeconds: 600,
  maxFailures: 10,
} as const;

/** The background work of assessments. */
export function assessmentsJobs(): JobDefinition[] {
  return [
    defineJob({
      ...common,
      name: aggregationsJobName,
      summary: 'Averages the scores of 90 days by department and role; keeps 90 days of averages.',
      scope: 'organization',
      handler: (run) =>
        run.inOrganization(async (tx) => {
          const { timezone } = await getOrganizationSettings(tx);
          const groups = await putAggregations(tx, { now: run.now(), timezone });
          return groups > 0 ? { groups } : undefined;
        }),
    }),
    defineJob({
      ...common,
      name: 'refresh_summary_views',
      summary: 'Refreshes the materialized views of organizations and of their scores.',
      scope: 'instance',
      after: [aggregationsJobName],
      handler: (run) =>
        run.inInstance(async ({ db }) => {
          await sql`set local statement_timeout = 0`.execute(db);
          await sql`select refresh_summaries()`.execute(db);
          return { views: 2 };
        }),
    }),
  ];
}
