import type { Connector, ConnectorContext } from '#connectors/kit/connector.ts';
import { isConnectorProblem } from '#connectors/kit/problems.ts';
import { defineJob, type JobResult, type OrganizationJob, type OrganizationRun } from '#platform/jobs/define-job.ts';
import type { Log } from '#platform/log/log.ts';
import { type RecordActivity, readSource } from './read-source.ts';
import { hasSources, keepProblem, listSources, type SourceRow } from './sources.store.ts';

/** The job that reads an organization's sources. */
export const readSourcesJobName = 'read_sources';

export interface SourcesJobOptions {
  // biome-ignore lint/suspicious/noExplicitAny: connectors differ in their settings; each checks its own.
  connectors: readonly Connector<any>[];
  /** True for a source that this installation may read: file paths are the operator's alone. */
  isReadable: (source: Pick<SourceRow, 'kind' | 'name'>) => boolean;
  recordActivity: RecordActivity;
  log: Log;
}

/** The job that reads sources: every minute, and when asked. One source that fails leaves the others read. */
export function sourcesJobs(options: SourcesJobOptions): OrganizationJob[] {
  return [
    defineJob({
      name: readSourcesJobName,
      summary: 'Reads what is new from every source of the organization.',
      scope: 'organization',
      schedule: '* * * * *',
      missed: 'once',
      retry: { limit: 2, delaySeconds: 30 },
      timeoutSeconds: 900,
      maxFailures: 20,
      wantedIn: () => hasSources(options.connectors.map(({ kind }) => kind)),
      handler: (run) => readSources(run, options),
    }),
  ];
}

async function readSources(run: OrganizationRun, options: SourcesJobOptions): Promise<JobResult> {
  const { connectors, isReadable, recordActivity, log } = options;
  const byKind = new Map(connectors.map((connector) => [connector.kind, connector]));
  const sources = await run.inOrganization((tx) => listSources(tx, [...byKind.keys()]));
  const total = { sources: 0, items: 0, removed: 0, failed: 0 };
  const context: ConnectorContext = { signal: run.signal, log, now: () => run.now() };
  for (const source of sources.filter(isReadable)) {
    const connector = byKind.get(source.kind);
    if (!connector) continue;
    total.sources += 1;
    try {
      const counts = await readSource({
        source,
        connector,
        context,
        inOrganization: (work) => run.inOrganization(work),
        recordActivity,
      });
      total.items += counts.items;
      total.removed += counts.removed;
    } catch (error) {
      if (!isConnectorProblem(error)) throw error;
      total.failed += 1;
      log.warn({ source: source.name, kind: source.kind, problem: error.code }, error.message);
      await run.inOrganization((tx) => keepProblem(tx, source.id, error.message));
    }
  }
  return total.items + total.removed + total.failed > 0 ? total : undefined;
}
