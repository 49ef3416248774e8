import {
  type ActivityBatch,
  type ActivityRecord,
  type ConnectorContext,
  type JsonValue,
  maxBatchItems,
} from '#connectors/kit/connector.ts';
import { describeCommit } from './describe-commit.ts';
import { describeTag } from './describe-tag.ts';
import { type HistoryCursor, parseHistoryCursor } from './history-cursor.ts';
import { listCommits } from './list-commits.ts';
import { planRead, type ReadPlan } from './plan-read.ts';
import { readCommits } from './read-commits.ts';
import { readTags } from './read-tags.ts';
import { readRepositoryState } from './repository-state.ts';

interface HistoryRequest extends Pick<ConnectorContext, 'signal' | 'log'> {
  /** Absolute path. */
  folder: string;
  cursor: JsonValue | undefined;
  /** At most so many items a batch. */
  batchItems?: number;
}

/** What a read hands on and leaves out, for the log. */
interface ReadCounts {
  commits: number;
  tags: number;
  removed: number;
  undated: number;
}

type Batches = AsyncGenerator<ActivityBatch, void, undefined>;

/**
 * Reads commits and tags reachable from branches, remote-tracking branches, tags and HEAD: what `git rev-list --branches
 * --remotes --tags HEAD` lists, tags after all commits. Parents come before their children, so the commits handed on so
 * far are always a history of their own, whose tips make the cursor: reading resumes after each batch of commits, and
 * going on tomorrow is the same as going on after being cut off. Commits and tags that are gone (rebased, deleted) are
 * `removed`. A repository in which nothing changed yields nothing, after four short runs of git.
 *
 * Everything is listed anew, marked as a replacement, without a cursor, when the cursor's commits were pruned, and when
 * something changed on which all descriptions rest: the mailmap, the web address, the depth of the clone.
 *
 * Work between two awaits is bounded by a piece of git's output (64 KiB) or a batch: a few milliseconds either way.
 */
export async function* readHistoryBatches(request: HistoryRequest): Batches {
  const { folder, signal, log } = request;
  const place = { folder, signal };
  const previous = parseHistoryCursor(request.cursor);
  const state = await readRepositoryState(place);
  if (previous && previous.fingerprint === state.fingerprint) return;
  const plan = await planRead(place, state, previous);
  if (state.shallow.size > 0) log.info({ folder }, 'a shallow clone: what lies before its edge is not there to read');
  if (state.isPartial) log.info({ folder }, 'a partial clone: the size of changes is not known');
  const final: HistoryCursor = {
    version: 1,
    fingerprint: state.fingerprint,
    basis: state.basis,
    tips: plan.tips,
    tags: Object.fromEntries(state.tags),
    isReplacing: false,
  };
  yield* markEnds(readSteps(request, plan), plan, final);
}

async function* readSteps(request: HistoryRequest, plan: ReadPlan): Batches {
  const { folder, log } = request;
  const counts: ReadCounts = { commits: 0, tags: 0, removed: 0, undated: 0 };
  yield* readRemoved(request, plan, counts);
  yield* readNewCommits(request, plan, counts);
  yield* readNewTags(request, plan, counts);
  if (counts.undated > 0) log.warn({ folder, ...counts }, 'left out commits or tags whose date cannot be used');
  log.debug({ folder, ...counts }, 'history read');
}

function* readRemoved(request: HistoryRequest, plan: ReadPlan, counts: ReadCounts): Generator<ActivityBatch> {
  const lostTags = Object.keys(plan.known.tags).filter((name) => !plan.state.tags.has(name));
  const removed = [...plan.vanishedCommits.map((sha) => `commit:${sha}`), ...lostTags.map(formatTagId)];
  counts.removed = removed.length;
  for (const part of divide(removed, request)) yield { items: [], removed: part };
}

async function* readNewCommits(request: HistoryRequest, plan: ReadPlan, counts: ReadCounts): Batches {
  const { state, known, isReplacing } = plan;
  const place = { folder: request.folder, signal: request.signal };
  const reached = new Set(known.tips);
  const range = { place, from: plan.tips, except: known.tips, groupSize: request.batchItems ?? maxBatchItems };
  for await (const shas of listCommits(range)) {
    const commits = await readCommits({ ...place, shas, withChurn: !state.isPartial, shallow: state.shallow });
    for (const { sha, parents } of commits) {
      for (const parent of parents) reached.delete(parent);
      reached.add(sha);
    }
    const items = commits.map((commit) => describeCommit(commit, state.web)).filter(isDescribed);
    counts.commits += items.length;
    counts.undated += commits.length - items.length;
    const standing = { fingerprint: null, tips: [...reached], tags: known.tags };
    const cursor: HistoryCursor = { version: 1, basis: state.basis, isReplacing, ...standing };
    yield { items, removed: [], cursor };
  }
}

async function* readNewTags(request: HistoryRequest, { state, known }: ReadPlan, counts: ReadCounts): Batches {
  const moved = [...state.tags].filter(([name, id]) => known.tags[name] !== id).map(([name]) => name);
  const tags = await readTags(request, new Set(moved));
  const items = tags.map((tag) => describeTag(tag, state.web)).filter(isDescribed);
  counts.tags = items.length;
  counts.undated += tags.length - items.length;
  // A tag may have moved from a commit to something without a date.
  const described = new Set(items.map(({ external_id }) => external_id));
  const undated = moved.map(formatTagId).filter((id) => !described.has(id));
  for (const part of divide(undated, request)) yield { items: [], removed: part };
  for (const part of divide(items, request)) yield { items: part, removed: [] };
}

/** Marks the first and the last batch; makes one where there is none, for the cursor's sake. */
async function* markEnds(
  batches: AsyncIterable<ActivityBatch>,
  { isFresh, isReplacing }: Pick<ReadPlan, 'isFresh' | 'isReplacing'>,
  final: HistoryCursor,
): Batches {
  let isFirst = true;
  let held: ActivityBatch | undefined;
  const mark = (batch: ActivityBatch): ActivityBatch => {
    const marked: ActivityBatch = isFirst && isFresh ? { ...batch, replacesAll: true } : batch;
    isFirst = false;
    return marked;
  };
  for await (const batch of batches) {
    if (held) yield mark(held);
    held = batch;
  }
  const last = mark({ items: [], removed: [], ...held, cursor: final });
  yield isReplacing ? { ...last, complete: true } : last;
}

function divide<Item>(items: readonly Item[], { batchItems = maxBatchItems }: HistoryRequest): Item[][] {
  const count = Math.ceil(items.length / batchItems);
  return Array.from({ length: count }, (_, index) => items.slice(index * batchItems, (index + 1) * batchItems));
}

function formatTagId(refname: string): string {
  return `tag:${refname.slice('refs/tags/'.length)}`;
}

function isDescribed(record: ActivityRecord | undefined): record is ActivityRecord {
  return record !== undefined;
}
