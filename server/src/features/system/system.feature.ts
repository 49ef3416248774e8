import { statfs } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import type { Feed } from '#platform/feed/feed.ts';
import type { InstanceJob } from '#platform/jobs/define-job.ts';
import type { Jobs } from '#platform/jobs/jobs.ts';
import { createReadingsReporter, type ReadingsReporter, type ReporterNeeds } from './report-readings.ts';
import { systemJobs } from './system.jobs.ts';
import { addSystemRoutes } from './system.routes.ts';
import { createSystemService, type SystemService, type SystemServiceNeeds } from './system.service.ts';
import { createSystemJobsService, type SystemJobsNeeds } from './system-jobs.service.ts';

/** How the installation runs: its health, its performance, its jobs and its alerts. */
export interface SystemFeature {
  readonly service: SystemService;
  /** Tells the database what this process measures. */
  readonly reporter: ReadingsReporter;
  readonly jobs: readonly InstanceJob[];
  addRoutes(app: FastifyInstance): void;
}

type SystemNeeds = ReporterNeeds &
  Omit<SystemServiceNeeds, 'readFreeDisk'> &
  SystemJobsNeeds & {
    jobs: Pick<Jobs, 'queueDepth'>;
    feed: Pick<Feed, 'publish'>;
    /** The folder of the embedded database; undefined where PostgreSQL's disk is another machine's matter. */
    dataDir: string | undefined;
  };

export function createSystemFeature(needs: SystemNeeds): SystemFeature {
  const readFreeDisk = () => readFreeDiskOf(needs.dataDir);
  const reporter = createReadingsReporter(needs);
  const service = createSystemService({ ...needs, readFreeDisk });
  const jobsService = createSystemJobsService(needs);
  return {
    service,
    reporter,
    jobs: systemJobs({ jobs: needs.jobs, feed: needs.feed, reporter, readFreeDisk }),
    addRoutes: (app) => addSystemRoutes(app, { system: service, jobs: jobsService }),
  };
}

/** In percent of the disk, as far as this user may fill it. */
async function readFreeDiskOf(folder: string | undefined): Promise<number | undefined> {
  if (folder === undefined) return undefined;
  try {
    const { blocks, bavail } = await statfs(folder);
    return blocks > 0 ? Math.round((1_000 * bavail) / blocks) / 10 : undefined;
  } catch {
    return undefined;
  }
}
