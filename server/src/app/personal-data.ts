import { apiKeysPersonalData } from '#features/api-keys/index.ts';
import { assessmentsPersonalData } from '#features/assessments/index.ts';
import { auditPersonalData } from '#features/audit/index.ts';
import { activityPersonalData } from '#features/engagement/index.ts';
import { invitationsPersonalData } from '#features/members/index.ts';
import { mfaPersonalData } from '#features/mfa/index.ts';
import { organizationsPersonalData } from '#features/organizations/index.ts';
import { signInPersonalData } from '#features/passwords/index.ts';
import { personalAnswers } from '#platform/db/personal-answers.ts';
import { personalEvents } from '#platform/feed/personal-events.ts';
import { personalRuns } from '#platform/jobs/personal-runs.ts';
import { personalMails } from '#platform/mail/personal-mails.ts';
import type { PersonalData } from '#platform/privacy/personal-data.ts';

/** What is held about people beside their accounts, in the order of the exported file and of an erasure. */
export const personalData: readonly PersonalData[] = [
  organizationsPersonalData,
  mfaPersonalData,
  apiKeysPersonalData,
  invitationsPersonalData,
  signInPersonalData,
  ...activityPersonalData,
  assessmentsPersonalData,
  personalMails,
  personalEvents,
  personalAnswers,
  personalRuns,
  auditPersonalData,
];
