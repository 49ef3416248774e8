import type { FastifyInstance } from 'fastify';
import { localGit } from '#connectors/local-git/index.ts';
import { csvExporter } from '#exporters/csv/index.ts';
import { jsonExporter } from '#exporters/json/index.ts';
import { type AuditFeature, createAuditFeature } from '#features/audit/index.ts';
import type { DashboardFeature } from '#features/dashboard/index.ts';
import type { IdentityFeature } from '#features/identity/index.ts';
import { createLiveFeature, type WebSocketService } from '#features/live/index.ts';
import type { MetricsFeature } from '#features/metrics/index.ts';
import type { BuiltIns } from '#features/organizations/index.ts';
import { createPrivacyFeature, type PrivacyFeature } from '#features/privacy/index.ts';
import type { ReportsFeature } from '#features/reports/index.ts';
import { createSourcesFeature, type SourcesFeature } from '#features/sources/index.ts';
import type { SystemFeature } from '#features/system/index.ts';
import { createWeeklyFeature, type WeeklyFeature } from '#features/weekly/index.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import type { JobDefinition } from '#platform/jobs/define-job.ts';
import type { Realtime } from '#platform/realtime/realtime.ts';
import { composeAccounts } from './compose-accounts.ts';
import { composeAnalytics } from './compose-analytics.ts';
import { composeBusinesses } from './compose-businesses.ts';
import type { Platform } from './compose-platform.ts';
import { composeReports } from './compose-reports.ts';
import { personalData } from './personal-data.ts';

const exporters = [jsonExporter, csvExporter];

/** The product: every feature, joined. */
export interface Features {
  readonly audit: AuditFeature;
  readonly identity: IdentityFeature;
  readonly privacy: PrivacyFeature;
  readonly metrics: MetricsFeature;
  readonly dashboard: DashboardFeature;
  readonly weekly: WeeklyFeature;
  readonly sources: SourcesFeature;
  readonly reports: ReportsFeature;
  readonly system: SystemFeature;
  /** Live messages for programs that run the product as a library. */
  readonly webSocketService: WebSocketService;
  readonly builtIns: BuiltIns;
  readonly jobs: readonly JobDefinition[];
  addRoutes(app: FastifyInstance): void;
  serveEvents(realtime: Pick<Realtime, 'namespace'>): void;
  /** Ends what programs were given to hold, such as connections. */
  close(): void;
}

/** Joins the features, in the order in which they need each other. */
export async function composeFeatures(platform: Platform): Promise<Features> {
  const { scopes, now, log } = platform;
  const analytics = composeAnalytics(platform);
  const businesses = composeBusinesses(platform, analytics.metrics);
  const audit = createAuditFeature(platform);
  const weekly = createWeeklyFeature({ ...platform, recordPoints: analytics.metrics.recordPoints, exporters });
  const { recordActivity } = weekly;
  const onCalendarChange = [...analytics.onCalendarChange, weekly.onCalendarChange];
  const accounts = await composeAccounts(platform, { analytics, onCalendarChange });
  const { identity, guard, checkCode, forgetUser } = accounts;
  const { confirmPassword, findMember, findEnded } = identity;
  const reports = composeReports(platform, analytics.metrics);
  const privacy = createPrivacyFeature({
    ...{ scopes, now, guard, confirmPassword, checkCode, forgetUser },
    ...{
      personalData: [...businesses.personalData, reports.personalData, ...personalData],
      told: analytics.countedPeople,
    },
    activity: withPoints(weekly, analytics.metrics),
  });
  const sources = createSourcesFeature({ connectors: [localGit], jobs: platform.jobs, recordActivity, log });
  const live = createLiveFeature({ ...platform, findMember, findEnded, summarize: analytics.dashboard.summarize });
  const bound = [audit, accounts, privacy, weekly, analytics, businesses, reports];
  return {
    audit,
    identity,
    privacy,
    metrics: analytics.metrics,
    dashboard: analytics.dashboard,
    weekly,
    sources,
    reports,
    system: analytics.system,
    webSocketService: live.webSocketService,
    builtIns: accounts.builtIns,
    jobs: [accounts, privacy, weekly, sources, analytics, reports].flatMap(({ jobs }) => jobs),
    addRoutes: (app) => {
      for (const feature of bound) feature.addRoutes(app);
    },
    serveEvents: (realtime) => {
      const root = realtime.namespace('/');
      for (const feature of [weekly, live]) feature.serveEvents(root);
      businesses.serveEvents(realtime);
    },
    close: live.close,
  };
}

/** What the privacy feature removes of an organization that ends: measured values first, then items. */
function withPoints(weekly: WeeklyFeature, metrics: MetricsFeature): WeeklyFeature {
  const removeSomeActivity = async (tx: OrganizationTx) =>
    (await metrics.removeSomePoints(tx)) || weekly.removeSomeActivity(tx);
  return { ...weekly, removeSomeActivity };
}
