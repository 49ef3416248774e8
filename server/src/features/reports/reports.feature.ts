import type { FastifyInstance } from 'fastify';
import type { Caches } from '#platform/cache/caches.ts';
import type { OrganizationTx, Scopes } from '#platform/db/scopes.ts';
import type { Feed } from '#platform/feed/feed.ts';
import type { Cursors } from '#platform/http/cursor.ts';
import type { JobDefinition } from '#platform/jobs/define-job.ts';
import type { Jobs } from '#platform/jobs/jobs.ts';
import type { Log } from '#platform/log/log.ts';
import type { PersonalData } from '#platform/privacy/personal-data.ts';
import { declareReports } from './declare-personal-data.ts';
import { reportsJobs } from './reports.jobs.ts';
import { addReportsRoutes } from './reports.routes.ts';
import { createReportsService, type ReportsService, reportsTopic } from './reports.service.ts';
import { createSectionRegistry } from './section-registry.ts';
import type { SectionType } from './section-type.ts';
import { createTemplatesService, type DefaultTemplate } from './templates.service.ts';

interface ReportsNeeds {
  scopes: Pick<Scopes, 'inOrganization'>;
  caches: Pick<Caches, 'reports' | 'invalidateAfter'>;
  cursors: Cursors;
  feed: Pick<Feed, 'publish'>;
  jobs: Pick<Jobs, 'enqueue'>;
  log: Log;
  now: () => Date;
  pause: (ms: number) => Promise<unknown>;
  /** What the features can fill sections with. */
  sectionTypes: readonly SectionType[];
  /** What an organization's reports are of before it makes a template. */
  defaultTemplate: DefaultTemplate;
  /** The jobs whose results the sections show: the weekly report waits for them. */
  inputs: readonly string[];
}

/** Reports of periods, made of the sections that features register. */
export interface ReportsFeature {
  readonly service: ReportsService;
  readonly personalData: PersonalData;
  readonly jobs: readonly JobDefinition[];
  addRoutes(app: FastifyInstance): void;
}

/** Throws where the default template asks for what no feature registers. */
export function createReportsFeature(needs: ReportsNeeds): ReportsFeature {
  const { feed, caches, defaultTemplate } = needs;
  const registry = createSectionRegistry(needs.sectionTypes);
  registry.check(defaultTemplate.sections);
  const forgetReports = (tx: OrganizationTx) => caches.invalidateAfter(tx, [reportsTopic]);
  const options = {
    ...needs,
    registry,
    forgetReports,
    announce: (tx: OrganizationTx, told: { report_id: string; status: 'generated' | 'failed'; title: string }) => {
      feed.publish(tx, { type: 'report_ready', payload: told });
      forgetReports(tx);
    },
    announcePublished: (tx: OrganizationTx, told: { report_id: string; title: string }) =>
      feed.publish(tx, { type: 'report_ready', payload: { ...told, status: 'published' } }),
  };
  const service = createReportsService(options);
  const templates = createTemplatesService(options);
  return {
    service,
    personalData: declareReports(caches) as PersonalData,
    jobs: reportsJobs(options, needs.inputs),
    addRoutes: (app) => addReportsRoutes(app, { service, templates }),
  };
}
