import type { EndpointAnswer } from '@almanac/contract/endpoint.ts';
import { isPermitted } from '@almanac/contract/permissions.ts';
import type { getSubscription } from '@almanac/contract/subscription.ts';
import { entitlements, type Tier } from '@almanac/contract/tiers.ts';
import { recordChange } from '#features/audit/index.ts';
import { lockForChange } from '#features/organizations/index.ts';
import { forbidden, type UserPrincipal } from '#platform/access/principal.ts';
import type { Scopes } from '#platform/db/scopes.ts';
import { notFound } from '#platform/errors/app-error.ts';
import { refuseTooSmall } from './check-tier.ts';
import { countUsage, findTier, setTier, type Usage } from './subscriptions.store.ts';

type SubscriptionView = EndpointAnswer<typeof getSubscription>;

/** The use cases of subscriptions. */
export interface SubscriptionsService {
  get(principal: UserPrincipal): Promise<SubscriptionView>;
  /** Changes the tier at once. Throws CONFLICT where the organization has more than a smaller tier includes. */
  change(principal: UserPrincipal, tier: Tier): Promise<SubscriptionView>;
}

export interface SubscriptionsOptions {
  scopes: Pick<Scopes, 'inInstance'>;
  now: () => Date;
  /** Has what is known of an organization's members looked up anew, in every process. */
  forgetOrganization: (organizationId: string) => Promise<void>;
}

export function createSubscriptionsService(options: SubscriptionsOptions): SubscriptionsService {
  const { scopes, now, forgetOrganization } = options;
  return {
    get: ({ organizationId }) =>
      scopes.inInstance(async (tx) => {
        const tier = await findTier(tx, organizationId);
        if (!tier) throw notFound('organization', organizationId);
        return present({ organizationId, tier, usage: await countUsage(tx, organizationId) });
      }),
    change: async (principal, tier) => {
      const { organizationId } = principal;
      const view = await scopes.inInstance(async (tx) => {
        const { tier: from, role, requiresMfa } = await lockForChange(tx, principal);
        if (!isPermitted(role, 'subscription:write')) throw forbidden(`Owners change the tier; you are ${role} now.`);
        const usage = await countUsage(tx, organizationId);
        if (tier !== from) {
          refuseTooSmall({ from, to: tier, usage, requiresMfa });
          await setTier(tx, organizationId, tier);
          const target = `organization:${organizationId}`;
          await recordChange(tx, principal, {
            action: 'subscription.change',
            at: now(),
            target,
            details: { from, to: tier },
          });
        }
        return present({ organizationId, tier, usage });
      });
      await forgetOrganization(organizationId);
      return view;
    },
  };
}

function present({ organizationId, tier, usage }: { organizationId: string; tier: Tier; usage: Usage }) {
  return { organization_id: organizationId, tier, entitlements: entitlements[tier], usage };
}
