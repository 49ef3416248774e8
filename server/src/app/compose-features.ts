import type { FastifyInstance } from 'fastify';
import { localGit } from '#connectors/local-git/index.ts';
import { csvExporter } from '#exporters/csv/index.ts';
import { jsonExporter } from '#exporters/json/index.ts';
import { createApiKeysFeature } from '#features/api-keys/index.ts';
import { type AuditFeature, createAuditFeature } from '#features/audit/index.ts';
import { createIdentityFeature, type IdentityFeature } from '#features/identity/index.ts';
import { createIssuersFeature } from '#features/issuers/index.ts';
import { createMembersFeature } from '#features/members/index.ts';
import { createMfaFeature } from '#features/mfa/index.ts';
import { type BuiltIns, createOrganizationsFeature } from '#features/organizations/index.ts';
import { createSignInGuard } from '#features/passwords/index.ts';
import { createPrivacyFeature, type PrivacyFeature } from '#features/privacy/index.ts';
import { createSourcesFeature, type SourcesFeature } from '#features/sources/index.ts';
import { createSubscriptionsFeature } from '#features/subscriptions/index.ts';
import { createWeeklyFeature, type WeeklyFeature } from '#features/weekly/index.ts';
import { createSealer } from '#platform/crypto/seal.ts';
import type { JobDefinition } from '#platform/jobs/define-job.ts';
import type { RealtimeNamespace } from '#platform/realtime/realtime.ts';
import type { Platform } from './compose-platform.ts';
import { personalData } from './personal-data.ts';

/** The product: every feature, joined. */
export interface Features {
  readonly audit: AuditFeature;
  readonly identity: IdentityFeature;
  readonly privacy: PrivacyFeature;
  readonly weekly: WeeklyFeature;
  readonly sources: SourcesFeature;
  readonly builtIns: BuiltIns;
  readonly jobs: readonly JobDefinition[];
  addRoutes(app: FastifyInstance): void;
  serveEvents(namespace: RealtimeNamespace): void;
}

/** Joins the features, in the order in which they need each other. */
export async function composeFeatures(platform: Platform): Promise<Features> {
  const { config, scopes, now, log } = platform;
  const forgetUser = (userId: string) => identity.forget({ userId });
  const forgetOrganization = (organizationId: string) => identity.forget({ organizationId });
  const audit = createAuditFeature(platform);
  const organizations = createOrganizationsFeature({ scopes, now, forgetOrganization });
  const builtIns = await organizations.putBuiltIns({
    demo: config.isDemoOn,
    anonymous: config.isAnonymousAllowed,
    timezone: config.isProduction ? 'UTC' : Temporal.Now.timeZoneId(),
  });
  const guard = createSignInGuard(platform);
  const mfa = createMfaFeature({ config, scopes, sealer: createSealer(config.encryptionKey), guard, now, forgetUser });
  const apiKeys = createApiKeysFeature({
    ...platform,
    forgetApiKey: (apiKeyId) => identity.forget({ apiKeyId }),
  });
  const issuers = createIssuersFeature(platform);
  const identity: IdentityFeature = createIdentityFeature({
    ...platform,
    ...builtIns,
    guard,
    checkCode: mfa.checkCode,
    verifyApiKey: apiKeys.verify,
    issuers,
    makeOrganization: organizations.makeOrganization,
  });
  const subscriptions = createSubscriptionsFeature({ scopes, now, forgetOrganization });
  const members = createMembersFeature({ ...platform, forgetUser });
  const weekly = createWeeklyFeature({ ...platform, exporters: [jsonExporter, csvExporter] });
  const { recordActivity, forgetAuthors } = weekly;
  const { confirmPassword } = identity;
  const privacy = createPrivacyFeature({ scopes, now, personalData, confirmPassword, forgetUser, forgetAuthors });
  const sources = createSourcesFeature({ connectors: [localGit], jobs: platform.jobs, recordActivity, log });
  return {
    audit,
    identity,
    privacy,
    weekly,
    sources,
    builtIns,
    jobs: [...identity.jobs, ...members.jobs, ...privacy.jobs, ...weekly.jobs, ...sources.jobs],
    addRoutes: (app) => {
      audit.addRoutes(app);
      organizations.addRoutes(app);
      members.addRoutes(app);
      subscriptions.addRoutes(app);
      identity.addRoutes(app);
      issuers.addRoutes(app);
      mfa.addRoutes(app);
      apiKeys.addRoutes(app);
      privacy.addRoutes(app);
      weekly.addRoutes(app);
    },
    serveEvents: (namespace) => weekly.serveEvents(namespace),
  };
}
