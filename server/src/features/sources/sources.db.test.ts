import { mkdtemp, realpath, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { makeHistoryStream, makeRepository } from '#connectors/local-git/make-repository.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { makeWeeklyScene, type WeeklyScene } from '#testing/weekly-scene.ts';

let it: TestApp;
beforeAll(async () => {
  it = await makeTestApp({ runsJobs: true, now: new Date('2025-01-08T12:00:00Z') });
});
afterAll(() => it.close());

interface StoredSource {
  problem: string | null;
  read_number: number;
  has_cursor: boolean;
}

async function openRepository() {
  const repository = await makeRepository();
  onTestFinished(repository.close);
  const scene = await makeWeeklyScene(it);
  const read = async () => {
    await it.platform.jobs.whenIdle();
    await it.platform.jobs.runNow('read_sources', scene.organization.id);
    await it.platform.jobs.whenIdle();
  };
  const put = async () => {
    await scene.within((tx) => it.features.sources.putLocalRepositories(tx, [repository.folder]));
    await it.platform.jobs.whenIdle();
  };
  return { repository, scene, read, put };
}

const listIds = (scene: WeeklyScene) =>
  scene.within(async ({ db }) => {
    const { rows } = await sql<{ external_id: string }>`select external_id from activity_items`.execute(db);
    return rows.map(({ external_id }) => external_id).sort();
  });
const findSource = (scene: WeeklyScene) =>
  scene.within(async ({ db }) => {
    const { rows } = await sql<StoredSource>`
      select problem, read_number, cursor is not null as has_cursor from sources`.execute(db);
    return rows[0];
  });

test('a local repository is read at once, and its commits, merges and tags are the items of their weeks', async () => {
  const { repository, scene, put } = await openRepository();
  const one = await repository.commit('feat: one', { at: '2025-01-06T09:00:00Z', files: { 'a.txt': 'a' } });
  await repository.git(['checkout', '--quiet', '-b', 'side']);
  const two = await repository.commit('fix: two', { at: '2025-01-05T23:30:00Z', files: { 'b.txt': 'b' } });
  await repository.git(['checkout', '--quiet', 'main']);
  await repository.git(['merge', '--quiet', '--no-ff', '-m', 'Merge side', 'side'], { at: '2025-01-07T09:00:00Z' });
  const merge = await repository.git(['rev-parse', 'HEAD']);
  await repository.git(['tag', 'v1', one]);
  await put();
  expect(await listIds(scene)).toEqual([`commit:${one}`, `commit:${two}`, `commit:${merge}`, 'tag:v1'].sort());
  expect((await scene.summary()).stats).toMatchObject({ updates: 1, completedTasks: 1, contributors: 1 });
  expect((await scene.summary('last')).stats.updates).toBe(1);
  expect(await findSource(scene)).toMatchObject({ problem: null, has_cursor: true });
});

test('a rebase and a moved tag leave what is there now, and the weeks follow', async () => {
  const { repository, scene, put, read } = await openRepository();
  const kept = await repository.commit('one', { at: '2025-01-06T09:00:00Z' });
  await repository.commit('two', { at: '2025-01-07T09:00:00Z' });
  await repository.git(['tag', 'v1']);
  await put();
  const before = await scene.summary();
  expect(before.stats.updates).toBe(2);
  await repository.git(['reset', '--hard', '--quiet', kept]);
  await repository.git(['tag', '--force', 'v1']);
  await read();
  expect(await listIds(scene)).toEqual([`commit:${kept}`, 'tag:v1']);
  const after = await scene.summary();
  expect(after.stats.updates).toBe(1);
  expect(after.version).toBeGreaterThan(before.version);
  const rewritten = await repository.commit('three', { at: '2024-12-31T09:00:00Z' });
  await repository.git(['tag', '--delete', 'v1']);
  await read();
  expect(await listIds(scene)).toEqual([`commit:${kept}`, `commit:${rewritten}`].sort());
  expect((await scene.summary('last')).stats.updates).toBe(1);
});

test('reading again what has not changed changes nothing', async () => {
  const { repository, scene, put, read } = await openRepository();
  await repository.commit('one', { at: '2025-01-06T09:00:00Z' });
  await put();
  const { version } = await scene.summary();
  const source = await findSource(scene);
  await read();
  expect((await scene.summary()).version).toBe(version);
  expect(await findSource(scene)).toEqual(source);
});

test('what a clock that is wrong dates in the future counts as of when it was read', async () => {
  const { repository, scene, put } = await openRepository();
  await repository.commit('from elsewhere', { at: '2099-01-06T09:00:00Z' });
  await put();
  const [item] = await scene.within(
    async ({ db }) => (await sql<{ occurred_at: Date }>`select occurred_at from activity_items`.execute(db)).rows,
  );
  expect(item?.occurred_at).toEqual(it.clock.now);
});

test('a long history is read whole', async () => {
  const { repository, scene, put } = await openRepository();
  await repository.git(['fast-import', '--quiet'], { input: makeHistoryStream(2_300) });
  await put();
  expect(await listIds(scene)).toHaveLength(2_300);
});

test('a repository that is gone keeps what was read and says why, until it is back', async () => {
  const { repository, scene, put, read } = await openRepository();
  const one = await repository.commit('one', { at: '2025-01-06T09:00:00Z' });
  await put();
  const elsewhere = join(await realpath(await mkdtemp(join(tmpdir(), 'almanac-gone-'))), 'repository');
  await rename(repository.folder, elsewhere);
  await read();
  expect((await findSource(scene))?.problem).toContain(repository.folder);
  expect(await listIds(scene)).toEqual([`commit:${one}`]);
  await rename(elsewhere, repository.folder);
  await rm(join(elsewhere, '..'), { recursive: true });
  await read();
  expect((await findSource(scene))?.problem).toBeNull();
  const two = await repository.commit('two', { at: '2025-01-07T09:00:00Z' });
  await read();
  expect(await listIds(scene)).toEqual([`commit:${one}`, `commit:${two}`].sort());
});

test('one source that cannot be read leaves the others read, and a folder that nobody configured is never read', async () => {
  const { repository, scene, put, read } = await openRepository();
  const hidden = await makeRepository();
  onTestFinished(hidden.close);
  await hidden.commit('secret', { at: '2025-01-06T09:00:00Z' });
  const one = await repository.commit('one', { at: '2025-01-06T09:00:00Z' });
  const gone = join(repository.folder, 'gone');
  await scene.within(async (tx) => {
    await it.features.sources.putLocalRepositories(tx, [gone]);
    await sql`insert into sources (organization_id, id, kind, name, settings) values (${tx.organizationId},
      gen_random_uuid(), 'local-git', ${hidden.folder}, ${JSON.stringify({ path: hidden.folder })}::jsonb)`.execute(
      tx.db,
    );
  });
  await put();
  await read();
  expect(await listIds(scene)).toEqual([`commit:${one}`]);
});
