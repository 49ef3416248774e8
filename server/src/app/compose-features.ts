import type { FastifyInstance } from 'fastify';
import { localGit } from '#connectors/local-git/index.ts';
import { csvExporter } from '#exporters/csv/index.ts';
import { jsonExporter } from '#exporters/json/index.ts';
import { createIdentityFeature, type IdentityFeature } from '#features/identity/index.ts';
import { type BuiltIns, createOrganizationsFeature } from '#features/organizations/index.ts';
import { createSourcesFeature, type SourcesFeature } from '#features/sources/index.ts';
import { createWeeklyFeature, type WeeklyFeature } from '#features/weekly/index.ts';
import type { JobDefinition } from '#platform/jobs/define-job.ts';
import type { RealtimeNamespace } from '#platform/realtime/realtime.ts';
import type { Platform } from './compose-platform.ts';

/** The product: every feature, joined. */
export interface Features {
  readonly identity: IdentityFeature;
  readonly weekly: WeeklyFeature;
  readonly sources: SourcesFeature;
  readonly builtIns: BuiltIns;
  readonly jobs: readonly JobDefinition[];
  addRoutes(app: FastifyInstance): void;
  serveEvents(namespace: RealtimeNamespace): void;
}

/** Joins the features, in the order in which they need each other. */
export async function composeFeatures(platform: Platform): Promise<Features> {
  const { config, scopes, limiter, now, log } = platform;
  const organizations = createOrganizationsFeature({ scopes });
  const builtIns = await organizations.putBuiltIns({
    demo: config.isDemoOn,
    anonymous: config.isAnonymousAllowed,
    timezone: config.isProduction ? 'UTC' : Temporal.Now.timeZoneId(),
  });
  const identity = createIdentityFeature({
    config,
    scopes,
    limiter,
    now,
    anonymousUserId: builtIns.anonymousUserId,
    localOrganizationId: builtIns.localOrganizationId,
    makeOrganization: organizations.makeOrganization,
  });
  const weekly = createWeeklyFeature({ ...platform, exporters: [jsonExporter, csvExporter] });
  const { recordActivity } = weekly;
  const sources = createSourcesFeature({ connectors: [localGit], jobs: platform.jobs, recordActivity, log });
  return {
    identity,
    weekly,
    sources,
    builtIns,
    jobs: [...weekly.jobs, ...sources.jobs],
    addRoutes: (app) => {
      organizations.addRoutes(app);
      identity.addRoutes(app);
      weekly.addRoutes(app);
    },
    serveEvents: (namespace) => weekly.serveEvents(namespace),
  };
}
