import type { FastifyInstance } from 'fastify';
import { type ApiKeysFeature, createApiKeysFeature } from '#features/api-keys/index.ts';
import { createIdentityFeature, type IdentityFeature } from '#features/identity/index.ts';
import { createIssuersFeature } from '#features/issuers/index.ts';
import { createMembersFeature } from '#features/members/index.ts';
import { createMfaFeature, type MfaFeature } from '#features/mfa/index.ts';
import { type BuiltIns, createOrganizationsFeature, type OnCalendarChange } from '#features/organizations/index.ts';
import { createSignInGuard } from '#features/passwords/index.ts';
import { createSubscriptionsFeature } from '#features/subscriptions/index.ts';
import { createSealer } from '#platform/crypto/seal.ts';
import type { InstanceTx } from '#platform/db/scopes.ts';
import type { JobDefinition } from '#platform/jobs/define-job.ts';
import type { Analytics } from './compose-analytics.ts';
import type { Platform } from './compose-platform.ts';

/** Who may do what: accounts, their credentials, organizations, members and subscriptions. */
export interface Accounts {
  readonly identity: IdentityFeature;
  readonly builtIns: BuiltIns;
  readonly guard: ReturnType<typeof createSignInGuard>;
  readonly checkCode: MfaFeature['checkCode'];
  readonly jobs: readonly JobDefinition[];
  /** Has the standing of an account looked up anew. */
  forgetUser(userId: string): void;
  addRoutes(app: FastifyInstance): void;
}

interface AccountsNeeds {
  analytics: Pick<Analytics, 'forgetDashboardsOf'>;
  /** What follows when an organization counts its days and weeks in another way. */
  onCalendarChange: readonly OnCalendarChange[];
}

/** Joins what accounts are made of. */
export async function composeAccounts(
  platform: Platform,
  { analytics, onCalendarChange }: AccountsNeeds,
): Promise<Accounts> {
  const { config, scopes, feed, now } = platform;
  const forgetUser = (userId: string) => identity.forget({ userId });
  const forgetOrganization = everywhere(platform, (organizationId) => identity.forget({ organizationId }));
  const organizations = createOrganizationsFeature({ scopes, feed, now, forgetOrganization, onCalendarChange });
  const builtIns = await organizations.putBuiltIns({
    demo: config.isDemoOn,
    anonymous: config.isAnonymousAllowed,
    timezone: config.isProduction ? 'UTC' : Temporal.Now.timeZoneId(),
  });
  const guard = createSignInGuard(platform);
  const mfa = createMfaFeature({ config, scopes, sealer: createSealer(config.encryptionKey), guard, now, forgetUser });
  const apiKeys = createApiKeysFeature({ ...platform, forgetApiKey: (apiKeyId) => identity.forget({ apiKeyId }) });
  const issuers = createIssuersFeature(platform);
  const identity: IdentityFeature = createIdentityFeature({
    ...platform,
    ...builtIns,
    guard,
    checkCode: mfa.checkCode,
    verifyApiKey: apiKeys.verify,
    issuers,
    makeOrganization: organizations.makeOrganization,
    disown: (tx, account) => disown(tx, account, { apiKeys, mfa }),
  });
  const subscriptions = createSubscriptionsFeature({ scopes, now, forgetOrganization });
  const forgetMember = makeForgetMember(identity, analytics);
  const members = createMembersFeature({ ...platform, forgetMember, endKeysOf: apiKeys.endKeysOf });
  const bound = [organizations, members, subscriptions, identity, issuers, mfa, apiKeys];
  return {
    ...{ identity, builtIns, guard, forgetUser, checkCode: mfa.checkCode },
    jobs: [identity, members].flatMap(({ jobs }) => jobs),
    addRoutes: (app) => {
      for (const feature of bound) feature.addRoutes(app);
    },
  };
}

/** Has an organization forgotten here at once, and by the other processes before it resolves. */
function everywhere({ bus }: Pick<Platform, 'bus'>, forget: (organizationId: string) => void) {
  const topic = 'organization.changed';
  bus.subscribe(topic, (organizationId) => {
    if (typeof organizationId === 'string') forget(organizationId);
  });
  return (organizationId: string) => {
    forget(organizationId);
    return bus.publishAndSettle(topic, organizationId);
  };
}

/** What is looked up anew after a member has come, gone or changed: their standing, and whom dashboards count. */
function makeForgetMember(identity: Pick<IdentityFeature, 'forget'>, analytics: Pick<Analytics, 'forgetDashboardsOf'>) {
  return ({ organizationId, userId }: { organizationId: string; userId: string }) => {
    identity.forget({ userId });
    return analytics.forgetDashboardsOf(organizationId);
  };
}

/** Takes from an account what somebody may have left in it before its address was proven. */
async function disown(
  tx: InstanceTx,
  { user_id: userId, own_organization_id: organizationId }: { user_id: string; own_organization_id: string | null },
  { apiKeys, mfa }: { apiKeys: Pick<ApiKeysFeature, 'endKeysOf'>; mfa: Pick<MfaFeature, 'turnOff'> },
): Promise<void> {
  await mfa.turnOff(tx, userId);
  if (organizationId !== null) await apiKeys.endKeysOf(tx, { userId, organizationId });
}
