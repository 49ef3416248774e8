import { forgetAbsentPeople } from '#features/audit/index.ts';
import { defineJob } from '#platform/jobs/define-job.ts';

const lookBackMs = 2 * 86_400_000;

/** What a request that was under way during an erasure has written after it, and what no reference holds together. */
export const forgetAbsent = defineJob({
  name: 'forget_erased_people',
  summary: 'Takes people whose accounts were erased out of the audit entries that were under way at that moment.',
  scope: 'instance',
  schedule: '50 3 * * *',
  missed: 'once',
  retry: { limit: 2, delaySeconds: 60 },
  timeoutSeconds: 300,
  maxFailures: 10,
  handler: (run) =>
    run.inInstance(async (tx) => {
      const people = await forgetAbsentPeople(tx, new Date(run.now().getTime() - lookBackMs));
      return people > 0 ? { people } : undefined;
    }),
});
