import { chmod, chown, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeConnector, makeContext } from '#connectors/kit/conformance.ts';
import { findCheckout } from './find-checkout.ts';
import { localGit } from './index.ts';
import { makeHistoryStream, makeRepository } from './make-repository.ts';

async function makeFolder(): Promise<string> {
  return await realpath(await mkdtemp(join(tmpdir(), 'almanac-folder-')));
}

/** 1,500 commits and a tag, enough for two batches. */
async function makeSource() {
  const repository = await makeRepository();
  await repository.git(['fast-import', '--quiet'], { input: makeHistoryStream(1_500) });
  await repository.git(['tag', 'v1.0.0', 'main~3']);
  await repository.git(['reset', '--hard', '--quiet', 'main']);
  const shas = (await repository.git(['rev-list', 'main'])).split('\n');
  const change = async () => {
    await repository.git(['reset', '--hard', '--quiet', 'main~1']);
    await repository.git(['tag', '--delete', 'v1.0.0']);
    const commit = await repository.commit('Another end');
    return { added: [`commit:${commit}`], removed: [`commit:${shas[0]}`, 'tag:v1.0.0'] };
  };
  const ids = [...shas.map((sha) => `commit:${sha}`), 'tag:v1.0.0'];
  return { settings: { path: repository.folder }, ids, change, close: repository.close };
}

describeConnector(
  { describe, it },
  {
    connector: localGit,
    source: makeSource,
    badCredentials: {
      doesNotApply: 'it has no credentials; a repository of another user is tested below, where possible',
    },
    notFound: async () => {
      const folder = await makeFolder();
      return { settings: { path: join(folder, 'nothing') }, close: () => rm(folder, { recursive: true }) };
    },
    rateLimit: { doesNotApply: 'a program on the same machine sets no limits' },
    malformedReply: async () => {
      const repository = await makeRepository();
      const commit = await repository.commit('One', { files: { 'a.txt': 'a' } });
      const path = join(repository.folder, '.git/objects', commit.slice(0, 2), commit.slice(2));
      await chmod(path, 0o600);
      await writeFile(path, 'garbage');
      return { settings: { path: repository.folder }, close: repository.close };
    },
    pageCap: { doesNotApply: 'a history is one stream without pages, of which nothing is left out' },
    secret: async () => {
      const repository = await makeRepository();
      await repository.commit('One', { files: { 'a.txt': 'a' } });
      await repository.git(['remote', 'add', 'origin', 'https://ada:gh-secret-4711@github.com/example/site.git']);
      return { settings: { path: repository.folder }, secret: 'gh-secret-4711', close: repository.close };
    },
  },
);

describe('checking a local git repository', () => {
  const { context } = makeContext();

  it('names a file, and a folder that is no repository', async () => {
    const folder = await makeFolder();
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'notes.txt'), 'x');
    const checkFile = localGit.check({ path: join(folder, 'notes.txt') }, context);
    await expect(checkFile).rejects.toMatchObject({ code: 'not_found', message: expect.stringContaining('is a file') });
    const checkFolder = localGit.check({ path: folder }, context);
    await expect(checkFolder).rejects.toMatchObject({
      code: 'not_found',
      message: `'${folder}' is not a git repository, nor inside one. Name a folder that is.`,
    });
  });

  it.runIf(process.getuid?.() === 0)('says how to trust a repository of another user', async () => {
    const repository = await makeRepository();
    onTestFinished(repository.close);
    await chown(repository.folder, 65_534, 65_534);
    const expected = { code: 'forbidden', message: expect.stringContaining('safe.directory') };
    await expect(localGit.check({ path: repository.folder }, context)).rejects.toMatchObject(expected);
    expect(await findCheckout(repository.folder)).toBeUndefined();
  });

  it('says that git is not installed', async () => {
    const folder = await makeFolder();
    const path = process.env.PATH;
    onTestFinished(async () => {
      process.env.PATH = path;
      await rm(folder, { recursive: true });
    });
    process.env.PATH = folder;
    await expect(localGit.check({ path: folder }, context)).rejects.toMatchObject({ code: 'missing_program' });
    expect(await findCheckout(folder)).toBeUndefined();
  });
});

describe('findCheckout', () => {
  it('finds the top folder from a folder inside, also through a link', async () => {
    const repository = await makeRepository();
    const elsewhere = await makeFolder();
    onTestFinished(async () => {
      await repository.close();
      await rm(elsewhere, { recursive: true });
    });
    await repository.commit('One', { files: { 'deep/er/a.txt': 'a' } });
    await symlink(join(repository.folder, 'deep'), join(elsewhere, 'link'));
    expect(await findCheckout(join(repository.folder, 'deep/er'))).toBe(repository.folder);
    expect(await findCheckout(join(elsewhere, 'link'))).toBe(repository.folder);
  });

  it('finds nothing outside a checkout, in a bare repository, and where there is no folder', async () => {
    const bare = await makeRepository(['--bare']);
    const folder = await makeFolder();
    onTestFinished(async () => {
      await bare.close();
      await rm(folder, { recursive: true });
    });
    expect(await findCheckout(bare.folder)).toBeUndefined();
    expect(await findCheckout(folder)).toBeUndefined();
    expect(await findCheckout(join(folder, 'nothing'))).toBeUndefined();
  });
});
