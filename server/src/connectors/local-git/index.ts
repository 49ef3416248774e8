import { resolve } from 'node:path';
import type { Connector } from '#connectors/kit/connector.ts';
import { checkRepository } from './check-repository.ts';
import { type LocalGitSettings, localGitSettings } from './local-git.settings.ts';
import { readHistoryBatches } from './read-history.ts';

/** Commits, merges and tags of a git repository on the server's own disk, read with the git program. */
export const localGit: Connector<LocalGitSettings> = {
  kind: 'local-git',
  title: 'Local git repository',
  settings: localGitSettings,
  check: ({ path }, { signal }) => checkRepository(resolve(path), signal),
  read: ({ path }, cursor, { signal, log }) => readHistoryBatches({ folder: resolve(path), cursor, signal, log }),
};
