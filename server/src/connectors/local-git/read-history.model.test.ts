import { expect, it, onTestFinished } from 'vitest';
import { makeContext } from '#connectors/kit/conformance.ts';
import type { ActivityBatch, JsonValue } from '#connectors/kit/connector.ts';
import { makeRepository, type TestRepository } from './make-repository.ts';
import { readHistoryBatches } from './read-history.ts';

/** What a caller keeps of one source: items by external id with the replacement they were last met in, and the cursor. */
class ItemStore {
  readonly metIn = new Map<string, number>();
  cursor: JsonValue | undefined;
  #replacement = 0;

  take({ items, removed, cursor, replacesAll, complete }: ActivityBatch): void {
    if (replacesAll) this.#replacement += 1;
    for (const id of removed) this.metIn.delete(id);
    for (const { external_id } of items) this.metIn.set(external_id, this.#replacement);
    if (complete) for (const [id, met] of this.metIn) if (met < this.#replacement) this.metIn.delete(id);
    if (cursor !== undefined) this.cursor = JSON.parse(JSON.stringify(cursor));
  }
}

/** Reproducible: the same seed gives the same course. */
function makeDice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return Math.floor((state / 4_294_967_296) * sides);
  };
}

async function changeSomething({ git, commit }: TestRepository, dice: (sides: number) => number): Promise<void> {
  const name = `b${dice(3)}`;
  const steps = [
    async () => {
      for (let index = 0; index < 5; index += 1) await commit(`Commit ${dice(1_000_000)}`);
    },
    () => git(['checkout', '--quiet', '-B', name, `HEAD~${dice(2)}`]),
    () => git(['merge', '--quiet', '--no-ff', '-m', `Merge ${dice(1_000_000)}`, name]),
    () => git(['commit', '--quiet', '--amend', '--allow-empty', '-m', `Amended ${dice(1_000_000)}`]),
    () => git(['reset', '--quiet', '--hard', `HEAD~${dice(4)}`]),
    () => git(['branch', '-D', name]),
    () => git(['tag', '--force', '-a', '-m', 'x', `t${dice(3)}`]),
    () => git(['tag', '--delete', `t${dice(3)}`]),
    async () => {
      await git(['reflog', 'expire', '--expire=now', '--all']);
      await git(['gc', '--quiet', '--prune=now']);
    },
  ];
  // Some are not possible where the repository stands: then nothing changes.
  await steps[dice(steps.length)]?.().catch(() => undefined);
}

async function listTruth({ git }: TestRepository): Promise<string[]> {
  const commits = await git(['rev-list', '--branches', '--remotes', '--tags', 'HEAD']);
  const tags = await git(['tag', '--list']);
  const ids = [...commits.split('\n').map((id) => `commit:${id}`), ...tags.split('\n').map((name) => `tag:${name}`)];
  return ids.filter((id) => !id.endsWith(':')).sort();
}

it.each([1, 2, 3])(
  'holds what git holds, whatever is done to the history and wherever a read is cut off (course %i)',
  async (seed) => {
    const repository = await makeRepository();
    onTestFinished(repository.close);
    const dice = makeDice(seed);
    const store = new ItemStore();
    const { context } = makeContext();
    await repository.commit('Begin');
    for (let round = 0; round < 12; round += 1) {
      await changeSomething(repository, dice);
      await changeSomething(repository, dice);
      let allowed = dice(4);
      const request = { ...context, folder: repository.folder, batchItems: 3 };
      for await (const batch of readHistoryBatches({ ...request, cursor: store.cursor })) {
        if (allowed === 0) break;
        allowed -= 1;
        store.take(batch);
      }
      if (round % 3 > 0) continue;
      for await (const batch of readHistoryBatches({ ...request, cursor: store.cursor })) store.take(batch);
      expect([...store.metIn.keys()].sort()).toEqual(await listTruth(repository));
    }
  },
  30_000,
);
