import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { weeklyMetrics } from '#features/activity/index.ts';
import { createAssessmentsFeature } from '#features/assessments/index.ts';
import { businessMetrics } from '#features/businesses/index.ts';
import {
  createDashboardFeature,
  type DashboardFeature,
  dashboardMetrics,
  dashboardTopic,
} from '#features/dashboard/index.ts';
import { createEngagementFeature } from '#features/engagement/index.ts';
import { createMetricsFeature, type MetricsFeature } from '#features/metrics/index.ts';
import type { OnCalendarChange } from '#features/organizations/index.ts';
import { createSystemFeature, type SystemFeature } from '#features/system/index.ts';
import { systemPrincipal } from '#platform/access/principal.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import type { JobDefinition } from '#platform/jobs/define-job.ts';
import type { PersonalData } from '#platform/privacy/personal-data.ts';
import type { Platform } from './compose-platform.ts';

/** What is measured, of organizations and of the installation, and the dashboard that shows it. */
export interface Analytics {
  readonly metrics: MetricsFeature;
  readonly system: SystemFeature;
  readonly dashboard: DashboardFeature;
  /** A person as one of those whom dashboards count. */
  readonly countedPeople: PersonalData;
  readonly jobs: readonly JobDefinition[];
  /** What follows when an organization counts its days in another way. */
  readonly onCalendarChange: readonly OnCalendarChange[];
  /** Has the organization's dashboards computed anew. Never rejects. */
  forgetDashboardsOf(organizationId: string): Promise<void>;
  addRoutes(app: FastifyInstance): void;
}

/** Joins the metric store, what members do, how they are assessed, and the dashboard. */
export function composeAnalytics(platform: Platform): Analytics {
  const { config, caches, feed, scopes, log } = platform;
  const announceDashboards = (tx: OrganizationTx) =>
    feed.publish(tx, { type: 'dashboard_update', subject: dashboardTopic, payload: {} });
  const forgetDashboards = (tx: OrganizationTx) => {
    announceDashboards(tx);
    caches.invalidateAfter(tx, [dashboardTopic]);
  };
  const metrics = createMetricsFeature({
    ...platform,
    random: Math.random,
    caches: andDashboards(caches),
    announceDashboards,
    declared: [...dashboardMetrics, ...weeklyMetrics, ...businessMetrics],
  });
  const dataDir = config.databaseUrl === undefined ? config.dataDir : undefined;
  const system = createSystemFeature({ ...platform, dataDir });
  const engagement = createEngagementFeature({ ...platform, random: Math.random, forgetDashboards });
  const assessments = createAssessmentsFeature({ ...platform, forgetDashboards });
  const dashboard = createDashboardFeature({
    ...platform,
    readHeadlines: metrics.readHeadlines,
    readSystemStatus: system.service.getSystemHealth,
    recordPoints: metrics.recordPoints,
  });
  return {
    metrics,
    system,
    dashboard,
    countedPeople: declareCountedPeople(forgetDashboards),
    forgetDashboardsOf: async (organizationId) => {
      try {
        await scopes.inOrganization(systemPrincipal(organizationId), async (tx) => forgetDashboards(tx));
      } catch (error) {
        await caches.invalidate(organizationId, [dashboardTopic]);
        log.warn({ err: error, organization: organizationId }, 'a change of members could not be announced');
      }
    },
    jobs: [system, metrics, engagement, assessments, dashboard].flatMap(({ jobs }) => jobs),
    onCalendarChange: [metrics, engagement, assessments].map((feature) => feature.onCalendarChange),
    addRoutes: (app) => {
      for (const feature of [system, metrics, engagement, assessments, dashboard]) feature.addRoutes(app);
    },
  };
}

/** The caches for a feature whose numbers the dashboard shows too: where it has its own forgotten, so are those. */
function andDashboards(caches: Platform['caches']): Platform['caches'] {
  return {
    ...caches,
    invalidateAfter: (tx, topics) => caches.invalidateAfter(tx, [...topics, dashboardTopic]),
  };
}

/** Where a person was a member, dashboards are computed anew once the account is erased. Nothing is kept of it. */
function declareCountedPeople(forgetDashboards: (tx: OrganizationTx) => void): PersonalData {
  return {
    section: 'dashboards',
    covers: [],
    erase: async (tx, { userId }) => {
      const { rows } = await sql<{ organization_id: string }>`
        select organization_id from user_organizations where user_id = ${userId}
        order by organization_id`.execute(tx.db);
      for (const { organization_id } of rows) {
        await tx.inOrganization(organization_id, async (organizationTx) => forgetDashboards(organizationTx));
      }
    },
  };
}
