import type { FastifyInstance } from 'fastify';
import { localGit } from '#connectors/local-git/index.ts';
import { csvExporter } from '#exporters/csv/index.ts';
import { jsonExporter } from '#exporters/json/index.ts';
import { type ApiKeysFeature, createApiKeysFeature } from '#features/api-keys/index.ts';
import { type AuditFeature, createAuditFeature } from '#features/audit/index.ts';
import { createIdentityFeature, type IdentityFeature } from '#features/identity/index.ts';
import { createIssuersFeature } from '#features/issuers/index.ts';
import { createMembersFeature } from '#features/members/index.ts';
import type { MetricsFeature } from '#features/metrics/index.ts';
import { createMfaFeature, type MfaFeature } from '#features/mfa/index.ts';
import { type BuiltIns, createOrganizationsFeature } from '#features/organizations/index.ts';
import { createSignInGuard } from '#features/passwords/index.ts';
import { createPrivacyFeature, type PrivacyFeature } from '#features/privacy/index.ts';
import { createSourcesFeature, type SourcesFeature } from '#features/sources/index.ts';
import { createSubscriptionsFeature } from '#features/subscriptions/index.ts';
import type { SystemFeature } from '#features/system/index.ts';
import { createWeeklyFeature, type WeeklyFeature } from '#features/weekly/index.ts';
import { createSealer } from '#platform/crypto/seal.ts';
import type { InstanceTx, OrganizationTx } from '#platform/db/scopes.ts';
import type { JobDefinition } from '#platform/jobs/define-job.ts';
import type { Realtime } from '#platform/realtime/realtime.ts';
import { type Analytics, composeAnalytics } from './compose-analytics.ts';
import { composeBusinesses } from './compose-businesses.ts';
import type { Platform } from './compose-platform.ts';
import { personalData } from './personal-data.ts';

/** The product: every feature, joined. */
export interface Features {
  readonly audit: AuditFeature;
  readonly identity: IdentityFeature;
  readonly privacy: PrivacyFeature;
  readonly metrics: MetricsFeature;
  readonly weekly: WeeklyFeature;
  readonly sources: SourcesFeature;
  readonly system: SystemFeature;
  readonly builtIns: BuiltIns;
  readonly jobs: readonly JobDefinition[];
  addRoutes(app: FastifyInstance): void;
  serveEvents(realtime: Pick<Realtime, 'namespace'>): void;
}

/** Joins the features, in the order in which they need each other. */
export async function composeFeatures(platform: Platform): Promise<Features> {
  const { config, scopes, now, log } = platform;
  const forgetUser = (userId: string) => identity.forget({ userId });
  const forgetOrganization = (organizationId: string) => identity.forget({ organizationId });
  const analytics = composeAnalytics(platform);
  const businesses = composeBusinesses(platform, analytics.metrics);
  const audit = createAuditFeature(platform);
  const organizations = createOrganizationsFeature({ scopes, now, forgetOrganization });
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
  const weekly = createWeeklyFeature({ ...platform, exporters: [jsonExporter, csvExporter] });
  const privacy = createPrivacyFeature({
    ...{ scopes, now, guard, forgetUser, activity: withPoints(weekly, analytics.metrics) },
    ...{ confirmPassword: identity.confirmPassword, checkCode: mfa.checkCode },
    personalData: [analytics.countedPeople, ...businesses.personalData, ...personalData],
  });
  const sources = createSourcesFeature({
    connectors: [localGit],
    jobs: platform.jobs,
    recordActivity: weekly.recordActivity,
    log,
  });
  const accounts = [audit, organizations, members, subscriptions, identity, issuers, mfa, apiKeys, privacy];
  return {
    audit,
    identity,
    privacy,
    metrics: analytics.metrics,
    weekly,
    sources,
    system: analytics.system,
    builtIns,
    jobs: [identity, members, privacy, weekly, sources, analytics].flatMap(({ jobs }) => jobs),
    addRoutes: (app) => {
      for (const feature of [...accounts, weekly, analytics, businesses]) feature.addRoutes(app);
    },
    serveEvents: (realtime) => {
      weekly.serveEvents(realtime.namespace('/'));
      businesses.serveEvents(realtime);
    },
  };
}

/** What the privacy feature removes of an organization that ends: measured values first, then items. */
function withPoints(weekly: WeeklyFeature, metrics: MetricsFeature): WeeklyFeature {
  const removeSomeActivity = async (tx: OrganizationTx) =>
    (await metrics.removeSomePoints(tx)) || weekly.removeSomeActivity(tx);
  return { ...weekly, removeSomeActivity };
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
