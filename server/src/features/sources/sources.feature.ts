import type { Connector } from '#connectors/kit/connector.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import type { JobDefinition } from '#platform/jobs/define-job.ts';
import type { Jobs } from '#platform/jobs/jobs.ts';
import type { Log } from '#platform/log/log.ts';
import type { RecordActivity } from './read-source.ts';
import { readSourcesJobName, sourcesJobs } from './sources.jobs.ts';
import { putSource } from './sources.store.ts';

interface SourcesNeeds {
  // biome-ignore lint/suspicious/noExplicitAny: connectors differ in their settings; each checks its own.
  connectors: readonly Connector<any>[];
  jobs: Pick<Jobs, 'enqueue'>;
  recordActivity: RecordActivity;
  log: Log;
}

/** Where numbers come from. */
export interface SourcesFeature {
  readonly jobs: readonly JobDefinition[];
  /** Makes the operator's local repositories sources of the organization and has them read. */
  putLocalRepositories(tx: OrganizationTx, paths: readonly string[]): Promise<void>;
}

const localGitKind = 'local-git';

export function createSourcesFeature({ connectors, jobs, recordActivity, log }: SourcesNeeds): SourcesFeature {
  const localPaths = new Set<string>();
  const isReadable = ({ kind, name }: { kind: string; name: string }) => kind !== localGitKind || localPaths.has(name);
  return {
    jobs: sourcesJobs({ connectors, isReadable, recordActivity, log }),
    putLocalRepositories: async (tx, paths) => {
      for (const path of paths) {
        localPaths.add(path);
        await putSource(tx, { kind: localGitKind, name: path, settings: { path } });
      }
      if (paths.length > 0) jobs.enqueue(tx, readSourcesJobName);
    },
  };
}
