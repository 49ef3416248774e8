import { maxBatchItems } from '#connectors/kit/connector.ts';
import { type GitCommand, streamRecords } from './run-git.ts';

export interface CommitRange {
  place: Pick<GitCommand, 'folder' | 'signal'>;
  from: readonly string[];
  except: readonly string[];
  /** At most so many ids at a time. */
  groupSize?: number;
}

/** The ids of the commits reachable from `from` and not from `except`, parents before their children. */
export async function* listCommits(range: CommitRange): AsyncGenerator<string[], void, undefined> {
  const { place, from, except, groupSize = maxBatchItems } = range;
  const excluded = new Set(except);
  const included = from.filter((id) => !excluded.has(id));
  if (included.length === 0) return;
  const input = `${[...included, ...except.map((id) => `^${id}`)].join('\n')}\n`;
  const args = ['rev-list', '--topo-order', '--reverse', '--stdin'];
  let open: string[] = [];
  for await (const shas of streamRecords({ ...place, args, input }, '\n')) {
    open = open.concat(shas);
    while (open.length >= groupSize) {
      yield open.slice(0, groupSize);
      open = open.slice(groupSize);
    }
  }
  if (open.length > 0) yield open;
}
