import type { FastifyInstance } from 'fastify';
import type { JobDefinition } from '#platform/jobs/define-job.ts';
import type { PersonalData } from '#platform/privacy/personal-data.ts';
import { accountCovers, accountData } from './declare-account-data.ts';
import { type AuthorErasure, declareAuthoredItems } from './declare-authored-items.ts';
import { forgetAbsent } from './privacy.jobs.ts';
import { addPrivacyRoutes } from './privacy.routes.ts';
import { createPrivacyService, type PrivacyOptions } from './privacy.service.ts';

interface PrivacyNeeds extends Omit<PrivacyOptions, 'removeSomeActivity'> {
  /** What the other owners of tables hold about people. */
  personalData: readonly PersonalData[];
  /** What tells the organizations of an erasure: after the items, as their writers tell theirs, so that neither waits for the other in a circle. */
  told: PersonalData;
  activity: AuthorErasure & Pick<PrivacyOptions, 'removeSomeActivity'>;
}

/** What is held about people: handed out to them, and erased. */
export interface PrivacyFeature {
  readonly jobs: readonly JobDefinition[];
  /** The columns, as `table.column`, that are handed out or erased. */
  readonly covers: readonly string[];
  addRoutes(app: FastifyInstance): void;
}

export function createPrivacyFeature(needs: PrivacyNeeds): PrivacyFeature {
  const { activity } = needs;
  // The items late: from there on other work in the organizations waits for the end of the transaction.
  const personalData = [...accountData, ...needs.personalData, declareAuthoredItems(activity), needs.told];
  const service = createPrivacyService({
    ...needs,
    personalData,
    removeSomeActivity: (tx) => activity.removeSomeActivity(tx),
  });
  return {
    jobs: [forgetAbsent],
    covers: [...accountCovers, ...personalData.flatMap(({ covers }) => covers)],
    addRoutes: (app) => addPrivacyRoutes(app, service),
  };
}
