import { defineJob, type JobDefinition } from '../jobs/define-job.ts';
import type { Mail } from './mail.ts';

/** What sends the mails that did not leave at once. */
export function mailJobs({ isSending, deliverDue }: Pick<Mail, 'isSending' | 'deliverDue'>): JobDefinition[] {
  if (!isSending) return [];
  return [
    defineJob({
      name: 'deliver_mails',
      summary: 'Sends the mails that are due: those to be tried again, and those of a process that ended.',
      scope: 'instance',
      schedule: '* * * * *',
      missed: 'once',
      retry: { limit: 0, delaySeconds: 0 },
      timeoutSeconds: 300,
      // An outage of the mail server is written at each mail, and ends by itself.
      maxFailures: 0,
      handler: async ({ signal }) => {
        const counts = await deliverDue(signal);
        const { sent, putOff, failed } = counts;
        return sent + putOff + failed > 0 ? { sent, put_off: putOff, failed } : undefined;
      },
    }),
  ];
}
