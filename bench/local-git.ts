import { rm } from 'node:fs/promises';
import { makeHistoryStream, makeRepository } from '../server/src/connectors/local-git/make-repository.ts';
import { readWholeHistory } from '../server/src/connectors/local-git/read-whole-history.ts';
import type { Measurement } from './measure.ts';
import { median } from './measure.ts';

const commits = 10_000;
const rounds = 3;

/** Reading a repository of 10,000 commits from the beginning; as many items come of it as git counts commits. */
export async function measureLocalGit(): Promise<Measurement> {
  const repository = await makeRepository();
  await repository.git(['fast-import', '--quiet'], { input: makeHistoryStream(commits) });
  const counted = Number(await repository.git(['rev-list', '--count', '--all']));
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const begun = performance.now();
    const { items } = await readWholeHistory(repository.folder);
    seconds.push((performance.now() - begun) / 1_000);
    const read = items.filter(({ external_id }) => external_id.startsWith('commit:')).length;
    if (read !== counted) throw new Error(`git counts ${counted} commits, ${read} were read.`);
  }
  await rm(repository.folder, { recursive: true });
  return {
    name: 'Reading a local repository of 10,000 commits',
    value: median(seconds),
    unit: 's',
    target: { below: 3 },
    detail: `as many items as \`git rev-list --count\` says, ${rounds} rounds`,
  };
}
