import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeRepository, type TestRepository } from './make-repository.ts';
import { readWholeHistory } from './read-whole-history.ts';

async function makeTestRepository(init: readonly string[] = []): Promise<TestRepository> {
  const repository = await makeRepository(init);
  onTestFinished(repository.close);
  return repository;
}

describe('other forms of repositories', () => {
  it('reads bare repositories, linked worktrees and folders inside a checkout alike', async () => {
    const { folder, git, commit } = await makeTestRepository();
    await commit('One', { files: { 'deep/a.txt': 'x\n', 'b.txt': 'x\ny\n' } });
    const linked = `${folder}-linked`;
    const bare = await makeTestRepository(['--bare']);
    onTestFinished(() => rm(linked, { recursive: true }));
    await git(['worktree', 'add', '--quiet', linked, '-b', 'linked']);
    await git(['push', '--quiet', bare.folder, 'main']);
    const [expected, ...others] = await Promise.all(
      [folder, linked, bare.folder, join(folder, 'deep')].map((at) => readWholeHistory(at)),
    );
    expect(expected?.items).toMatchObject([{ category: 'Root' }]);
    for (const { items } of others) expect(items).toEqual(expected?.items);
  });

  it('claims no size for the edge of a shallow clone, and reads the rest when it becomes whole', async () => {
    const { folder, commit } = await makeTestRepository();
    await commit('One', { files: { 'src/a.txt': 'line\n'.repeat(700) } });
    await commit('Two', { files: { 'src/b.txt': 'x\n' } });
    const clone = await makeTestRepository();
    await clone.git(['fetch', '--quiet', '--depth=1', `file://${folder}`, 'main:refs/remotes/origin/main']);
    const shallow = await readWholeHistory(clone.folder);
    expect(shallow.items).toMatchObject([{ title: 'Two', impact: 'low', category: 'Repository' }]);
    expect(shallow.lines.join()).toContain('a shallow clone');
    await clone.git(['fetch', '--quiet', '--unshallow', `file://${folder}`, 'main:refs/remotes/origin/main']);
    const whole = await readWholeHistory(clone.folder, shallow.cursor);
    expect(whole.items.map(({ title, category, impact }) => [title, category, impact])).toEqual([
      ['One', 'src', 'high'],
      ['Two', 'src', 'low'],
    ]);
    expect(whole.batches[0]?.replacesAll).toBe(true);
  });

  it('reads submodules as entries, and tags on other things than commits as far as they have a date', async () => {
    const { folder, git, commit } = await makeTestRepository();
    const sha = await commit('One', { files: { 'a.txt': 'x\n' } });
    await git(['update-index', '--add', '--cacheinfo', `160000,${sha},module`]);
    await git(['commit', '--quiet', '-m', 'Add a module']);
    const blob = await git(['rev-parse', 'HEAD:a.txt']);
    await git(['tag', 'blob', blob]);
    await git(['tag', '-a', '-m', 'A file', 'file', blob]);
    await git(['tag', '-a', '-m', 'Outer', 'outer', 'file']);
    const { items } = await readWholeHistory(folder);
    expect(items.map(({ title }) => title)).toEqual(['One', 'Add a module', 'Tag file: A file', 'Tag outer: Outer']);
  });

  it('says that branches name commits that are not there', async () => {
    const { folder, commit } = await makeTestRepository();
    await commit('One');
    await appendFile(join(folder, '.git/refs/heads/lost'), `${'1'.repeat(40)}\n`);
    await expect(readWholeHistory(folder)).rejects.toMatchObject({ code: 'malformed_reply' });
  });
});
