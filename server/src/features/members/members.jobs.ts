import { defineJob } from '#platform/jobs/define-job.ts';
import { deleteExpired } from './invitations.store.ts';

/** Nobody can accept an expired invitation: the address in it is kept for no reason. */
export const pruneInvitations = defineJob({
  name: 'prune_invitations',
  summary: 'Removes invitations that have expired.',
  scope: 'instance',
  schedule: '50 * * * *',
  missed: 'once',
  retry: { limit: 2, delaySeconds: 60 },
  timeoutSeconds: 60,
  maxFailures: 10,
  handler: (run) =>
    run.inInstance(async (tx) => {
      const invitations = await deleteExpired(tx, run.now());
      return invitations > 0 ? { invitations } : undefined;
    }),
});
