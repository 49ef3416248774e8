import { refuseOtherChanges as refuseOthers } from '#platform/http/refuse-other-changes.ts';

/** What of an organization its settings do not change, and where it is changed. */
const changedElsewhere: Readonly<Record<string, string>> = {
  subscription_tier: 'change it at POST /users/upgrade',
  role: 'change it at PUT /api/organizations/:id/members/:user_id',
};

type Sendable = Readonly<Record<string, string | number | boolean>>;

/** Takes what a client read and sends back, and throws VALIDATION_ERROR for what it means to change but cannot here. */
export function refuseOtherChanges(current: Sendable, sent: Partial<Sendable>): void {
  refuseOthers({ current, sent, changedElsewhere });
}
