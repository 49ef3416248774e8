import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ActivityBatch, JsonValue } from '#connectors/kit/connector.ts';
import { makeHistoryStream, makeRepository, type TestRepository } from './make-repository.ts';
import { readWholeHistory } from './read-whole-history.ts';

async function makeTestRepository(init: readonly string[] = []): Promise<TestRepository> {
  const repository = await makeRepository(init);
  onTestFinished(repository.close);
  return repository;
}

const listAll = ['rev-list', '--branches', '--remotes', '--tags', 'HEAD'];

function countCommits(items: ActivityBatch['items']): number {
  return items.filter(({ external_id }) => external_id.startsWith('commit:')).length;
}

describe('reading a history', () => {
  it('tells commits, merges and tags as updates, completions and uploads', async () => {
    const { folder, git, commit } = await makeTestRepository();
    await git(['remote', 'add', 'origin', 'git@github.com:example/site.git']);
    const first = await commit('feat: begin', { files: { 'src/a.ts': 'line\n'.repeat(60) } });
    await git(['checkout', '--quiet', '-b', 'topic']);
    const second = await commit('Write more', {
      files: { 'docs/b.md': 'line\n'.repeat(500), 'src/c.ts': 'x\n' },
      author: 'Bob <bob@example.org>',
      authoredAt: '2024-11-01T08:00:00Z',
      at: '2025-01-07T10:00:00+02:00',
    });
    await git(['checkout', '--quiet', 'main']);
    await git(['merge', '--quiet', '--no-ff', '-m', 'Merge the topic', 'topic'], { at: '2025-01-08T12:00:00Z' });
    const merge = await git(['rev-parse', 'HEAD']);
    await git(['tag', '-a', '-m', 'First release', 'v1.0.0'], { at: '2025-01-09T12:00:00Z' });
    await git(['tag', 'nightly', first]);
    const { items, batches } = await readWholeHistory(folder);
    const base = 'https://github.com/example/site';
    const shared = { author: 'Ada', resolved_at: null };
    expect(items).toEqual([
      {
        ...{
          external_id: `commit:${first}`,
          kind: 'update',
          title: 'feat: begin',
          category: 'Feature',
          impact: 'medium',
        },
        ...{ status: 'committed', url: `${base}/commit/${first}`, occurred_at: '2025-01-06T09:00:00.000Z', ...shared },
      },
      {
        ...{ external_id: `commit:${second}`, kind: 'update', title: 'Write more', category: 'docs', impact: 'high' },
        ...{ status: 'committed', url: `${base}/commit/${second}`, occurred_at: '2025-01-07T08:00:00.000Z' },
        ...{ author: 'Bob', resolved_at: null },
      },
      {
        ...{ external_id: `commit:${merge}`, kind: 'completion', title: 'Merge the topic', category: 'Repository' },
        ...{ impact: 'medium', status: 'merged', url: `${base}/commit/${merge}` },
        ...{ occurred_at: '2025-01-08T12:00:00.000Z', ...shared },
      },
      {
        ...{ external_id: 'tag:nightly', kind: 'upload', title: 'Tag nightly', category: 'Release', impact: 'medium' },
        ...{
          status: 'released',
          url: `${base}/releases/tag/nightly`,
          occurred_at: '2025-01-06T09:00:00.000Z',
          ...shared,
        },
      },
      {
        ...{ external_id: 'tag:v1.0.0', kind: 'upload', title: 'Tag v1.0.0: First release', category: 'Release' },
        ...{ impact: 'high', status: 'released', url: `${base}/releases/tag/v1.0.0` },
        ...{ occurred_at: '2025-01-09T12:00:00.000Z', ...shared },
      },
    ]);
    expect(batches).toHaveLength(2);
    expect(batches[0]).toMatchObject({ replacesAll: true });
    expect(batches[1]).toMatchObject({ complete: true });
  });

  it('counts what git counts, over branches, remote branches and tags, and leaves stashes and notes out', async () => {
    const { folder, git, commit } = await makeTestRepository();
    await commit('One', { files: { 'a.txt': '1' } });
    await git(['checkout', '--quiet', '-b', 'other']);
    await commit('On another branch');
    await git(['update-ref', 'refs/remotes/origin/far', await commit('Far away')]);
    await git(['reset', '--quiet', '--hard', 'HEAD~1']);
    await git(['tag', 'kept', await commit('Only tagged')]);
    await git(['checkout', '--quiet', '--detach', 'main']);
    await commit('Detached');
    await writeFile(join(folder, 'a.txt'), 'changed');
    await git(['stash']);
    await git(['notes', 'add', '-m', 'A note']);
    const { items } = await readWholeHistory(folder);
    const shas = (await git(listAll)).split('\n').sort();
    expect(
      items
        .filter(({ kind }) => kind === 'update')
        .map(({ external_id }) => external_id.slice(7))
        .sort(),
    ).toEqual(shas);
    expect(shas).toHaveLength(5);
  });

  it('finds no items in a repository without commits, and its first commit after that', async () => {
    const { folder, commit } = await makeTestRepository();
    const empty = await readWholeHistory(folder);
    expect(empty.batches).toMatchObject([{ items: [], removed: [], replacesAll: true, complete: true }]);
    expect((await readWholeHistory(folder, empty.cursor)).batches).toEqual([]);
    await commit('One');
    expect((await readWholeHistory(folder, empty.cursor)).items).toMatchObject([
      { title: 'One', category: 'Repository' },
    ]);
  });

  it('reads names and messages as they are: strange, long, empty, not UTF-8', async () => {
    const { folder, git, commit } = await makeTestRepository();
    await commit('', { files: { 'tab\there/new\nline "quoted"/ü.txt': 'x\n', 'commit abc/d': 'x\ny\n' } });
    await commit(`${'ä🙂'.repeat(200)}`);
    await commit('colour\u001b[31m and\ttabs');
    const body = Buffer.concat([
      Buffer.from(`tree ${await git(['rev-parse', 'HEAD^{tree}'])}\nauthor `),
      latin1('J\xf6rg'),
    ]);
    const people = ' <j@example.org> 1736154000 +0000\ncommitter J <j@example.org> 1736154000 +0000\n';
    const rest = Buffer.concat([Buffer.from(`${people}encoding ISO-8859-1\n\n`), latin1('Stra\xdfe\n')]);
    const raw = Buffer.concat([body, rest]);
    const encoded = await git(['hash-object', '-w', '-t', 'commit', '--stdin'], { input: raw });
    await git(['branch', 'encoded', encoded]);
    const broken = raw.toString('latin1').replace('encoding ISO-8859-1\n', '');
    const lying = await git(['hash-object', '-w', '-t', 'commit', '--stdin'], { input: latin1(broken) });
    await git(['branch', 'lying', lying]);
    const { items } = await readWholeHistory(folder);
    const byId = new Map(items.map((item) => [item.external_id, item]));
    expect(items.find(({ title }) => title === '(no message)')).toMatchObject({
      category: 'commit abc',
      impact: 'low',
    });
    expect(items.find(({ title }) => title.startsWith('ä'))?.title).toBe(`${'ä🙂'.repeat(149)}ä…`);
    expect(items.some(({ title }) => title === 'colour [31m and tabs')).toBe(true);
    expect(byId.get(`commit:${encoded}`)).toMatchObject({ title: 'Straße', author: 'Jörg' });
    expect(byId.get(`commit:${lying}`)).toMatchObject({ title: 'Stra\ufffde', author: 'J\ufffdrg' });
  });

  it('weighs text by changed lines: not renames, not binary files', async () => {
    const { folder, git, commit } = await makeTestRepository();
    const lines = Array.from({ length: 600 }, (_, index) => `line ${index}\n`).join('');
    await commit('Begin', { files: { 'old/a.txt': lines } });
    await git(['mv', 'old', 'new']);
    await commit('Rename');
    await commit('Draw', {
      files: { 'art/b.bin': Buffer.alloc(5_000), 'art/c.bin': Buffer.alloc(10), 'new/d.txt': 'x\n' },
    });
    const { items } = await readWholeHistory(folder);
    expect(items).toMatchObject([
      { title: 'Begin', impact: 'high', category: 'old' },
      { title: 'Rename', impact: 'low', category: 'new' },
      { title: 'Draw', impact: 'low', category: 'art' },
    ]);
  });

  it('names people as the mailmap does, and tells everything anew when it changes', async () => {
    const { folder, git, commit } = await makeTestRepository();
    await commit('One', { author: 'ada <ada@old.example>' });
    await git(['tag', '-a', '-m', 'A tag', 'v1']);
    const before = await readWholeHistory(folder);
    expect(before.items.map(({ author }) => author)).toEqual(['ada', 'Ada']);
    const files = { '.mailmap': 'Ada Lovelace <ada@new.example> <ada@old.example>\nCountess <ada@example.org>\n' };
    await commit('Add the mailmap', { files });
    const after = await readWholeHistory(folder, before.cursor);
    expect(after.items.map(({ author }) => author)).toEqual(['Ada Lovelace', 'Countess', 'Countess']);
    expect(after.batches[0]?.replacesAll).toBe(true);
  });

  it('leaves commits out whose date no calendar holds, and says how many', async () => {
    const { folder, git, commit } = await makeTestRepository();
    const tree = await git(['rev-parse', `${await commit('Fine')}^{tree}`]);
    let parent = await git(['rev-parse', 'HEAD']);
    for (const date of ['99999999999999', '-100', '18446744073709551615', 'yesterday', '0']) {
      const who = `A <a@example.org> ${date} +0000`;
      const input = `tree ${tree}\nparent ${parent}\nauthor ${who}\ncommitter ${who}\n\nAt ${date}\n`;
      parent = await git(['hash-object', '-w', '-t', 'commit', '--literally', '--stdin'], { input });
    }
    await git(['update-ref', 'refs/heads/main', parent]);
    const { items, lines, cursor } = await readWholeHistory(folder);
    const times = items.map(({ title, occurred_at }) => [title, occurred_at]);
    expect(times[0]).toEqual(['Fine', '2025-01-06T09:00:00.000Z']);
    expect(times.at(-1)).toEqual(['At 0', '1970-01-01T00:00:00.000Z']);
    const warning = lines.map((line) => JSON.parse(line)).find(({ level }) => level === 40);
    expect(warning.undated + items.length).toBe(6);
    expect((await readWholeHistory(folder, cursor)).batches).toEqual([]);
  });
});

describe('reading on from a cursor', () => {
  it('brings new commits, moved and deleted tags, and what a rebase replaced', async () => {
    const { folder, git, commit } = await makeTestRepository();
    const kept = await commit('Kept');
    const old = await commit('Old', { files: { 'a.txt': '1' } });
    await git(['tag', 'moving', kept]);
    await git(['tag', 'going', kept]);
    const first = await readWholeHistory(folder);
    await git(['commit', '--quiet', '--amend', '-m', 'Reworded']);
    const reworded = await git(['rev-parse', 'HEAD']);
    await git(['tag', '--force', 'moving']);
    await git(['tag', '--delete', 'going']);
    const second = await readWholeHistory(folder, first.cursor);
    expect(second.items.map(({ external_id }) => external_id)).toEqual([`commit:${reworded}`, 'tag:moving']);
    expect(second.removed).toEqual([`commit:${old}`, 'tag:going']);
    expect(second.batches.some((batch) => batch.replacesAll || batch.complete)).toBe(false);
    expect((await readWholeHistory(folder, second.cursor)).batches).toEqual([]);
  });

  it('removes the commits of a deleted branch, and none that another branch still holds', async () => {
    const { folder, git, commit } = await makeTestRepository();
    await commit('Shared');
    await git(['checkout', '--quiet', '-b', 'topic']);
    const own = await commit('Own');
    const first = await readWholeHistory(folder);
    await git(['checkout', '--quiet', 'main']);
    await git(['branch', '-D', 'topic']);
    const second = await readWholeHistory(folder, first.cursor);
    expect(second.items).toEqual([]);
    expect(second.removed).toEqual([`commit:${own}`]);
  });

  it('lists everything anew when the old commits were pruned', async () => {
    const { folder, git, commit } = await makeTestRepository();
    await commit('One');
    await commit('Two');
    const first = await readWholeHistory(folder);
    await git(['commit', '--quiet', '--amend', '--allow-empty', '-m', 'Two again']);
    await git(['reflog', 'expire', '--expire=now', '--all']);
    await git(['gc', '--quiet', '--prune=now']);
    const second = await readWholeHistory(folder, first.cursor);
    expect(second.items.map(({ title }) => title)).toEqual(['One', 'Two again']);
    expect(second.batches).toMatchObject([{ replacesAll: true, complete: true }]);
  });

  it('takes a cursor that is not one of its own for none', async () => {
    const { folder, commit } = await makeTestRepository();
    await commit('One');
    const { cursor } = await readWholeHistory(folder);
    const strange = [7, null, ['x'], { version: 2 }, { ...(cursor as object), tips: ['--all'] } as JsonValue];
    for (const value of strange)
      expect((await readWholeHistory(folder, value)).batches).toMatchObject([{ replacesAll: true }]);
  });
});

describe('a long history', () => {
  it('is read whole, in batches of 1,000, as git counts it', async () => {
    const { folder, git } = await makeTestRepository(['--bare']);
    await git(['fast-import', '--quiet'], { input: makeHistoryStream(2_500) });
    const { batches, items } = await readWholeHistory(folder);
    expect(batches.map((batch) => batch.items.length)).toEqual([1_000, 1_000, 500]);
    for (const { cursor } of batches) expect(cursor).toMatchObject({ tips: [expect.any(String)] });
    expect(countCommits(items)).toBe(Number(await git([...listAll, '--count'])));
    expect(new Set(items.map(({ external_id }) => external_id)).size).toBe(2_500);
  });
});

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}
