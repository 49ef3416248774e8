import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeContext } from '#connectors/kit/conformance.ts';
import { findCheckout } from './find-checkout.ts';
import { gitEnvironment } from './git-safety.ts';
import { localGit } from './index.ts';
import { makeRepository } from './make-repository.ts';
import { runGit } from './run-git.ts';

/** A repository whose configuration tries, in every way we know, to run a program that leaves a file behind. */
async function makeHostileRepository() {
  const repository = await makeRepository();
  onTestFinished(repository.close);
  const { folder, git, commit } = repository;
  const mark = join(folder, '.git', 'it-ran');
  const trap = join(folder, '.git', 'trap');
  await commit('One', { files: { 'a.txt': 'x\n', '.gitattributes': '*.txt diff=evil filter=evil\n' } });
  const second = await commit('Two', { files: { 'a.txt': 'x\ny\n' } });
  await git(['tag', '-a', '-m', 'A tag', 'v1']);
  await writeFile(trap, `#!/bin/sh\ntouch '${mark}'\n`);
  await chmod(trap, 0o755);
  const programs = [
    ...['core.fsmonitor', 'core.pager', 'core.editor', 'core.sshCommand', 'core.askPass', 'core.gitProxy'],
    ...[
      'core.alternateRefsCommand',
      'gpg.program',
      'gpg.ssh.program',
      'gpg.x509.program',
      'diff.external',
      'pager.log',
    ],
    ...['pager.rev-list', 'pager.diff-tree', 'pager.for-each-ref', 'pager.config', 'diff.evil.command'],
    ...['diff.evil.textconv', 'filter.evil.clean', 'filter.evil.smudge', 'filter.evil.process', 'credential.helper'],
    ...['sequence.editor', 'interactive.diffFilter', 'trailer.evil.command', 'uploadpack.packObjectsHook'],
  ];
  for (const name of programs) await git(['config', name, trap]);
  const commands = ['log', 'rev-list', 'diff-tree', 'for-each-ref', 'rev-parse', 'cat-file', 'config', 'check-mailmap'];
  for (const name of commands) await git(['config', `alias.${name}`, `!${trap}`]);
  const rest = {
    'log.showSignature': 'true',
    'diff.orderFile': '/nowhere',
    'diff.relative': 'true',
    'color.ui': 'always',
  };
  for (const [name, value] of Object.entries(rest)) await git(['config', name, value]);
  for (const hook of [
    'post-index-change',
    'reference-transaction',
    'pre-auto-gc',
    'post-checkout',
    'fsmonitor-watchman',
  ]) {
    await writeFile(join(folder, '.git/hooks', hook), `#!/bin/sh\ntouch '${mark}'\n`);
    await chmod(join(folder, '.git/hooks', hook), 0o755);
  }
  return { ...repository, mark, trap, second };
}

describe('a hostile repository', () => {
  it('runs nothing of its own when it is checked, read and looked for', async () => {
    const { folder, mark, git } = await makeHostileRepository();
    const before = (await readdir(join(folder, '.git'))).sort();
    const { context } = makeContext();
    await localGit.check({ path: folder }, context);
    const batches = await Array.fromAsync(localGit.read({ path: folder }, undefined, context));
    expect(await findCheckout(folder)).toBe(folder);
    expect(existsSync(mark)).toBe(false);
    expect((await readdir(join(folder, '.git'))).sort()).toEqual(before);
    expect(batches.flatMap(({ items }) => items.map(({ title }) => title))).toEqual(['One', 'Two', 'Tag v1: A tag']);
    // The traps are live: git alone walks into one.
    await git(['diff', '-O/dev/null', 'HEAD~1', 'HEAD']).catch(() => undefined);
    expect(existsSync(mark)).toBe(true);
  });

  it('cannot make git fetch what a partial clone lacks', async () => {
    const { folder, mark, trap, git, second } = await makeHostileRepository();
    await git(['config', 'core.repositoryFormatVersion', '1']);
    await git(['config', 'remote.origin.url', `ext::${trap}`]);
    await git(['config', 'protocol.ext.allow', 'always']);
    await git(['config', 'protocol.allow', 'always']);
    await git(['config', 'remote.origin.promisor', 'true']);
    await git(['config', 'extensions.partialClone', 'origin']);
    const blob = await git(['rev-parse', `${second}:a.txt`]);
    const object = join(folder, '.git/objects', blob.slice(0, 2), blob.slice(2));
    const { context, lines } = makeContext();
    await rm(object);
    const batches = await Array.fromAsync(localGit.read({ path: folder }, undefined, context));
    expect(batches.flatMap(({ items }) => items).map(({ impact }) => impact)).toEqual(['low', 'low', 'medium']);
    expect(lines.join()).toContain('a partial clone');
    const signal = AbortSignal.timeout(10_000);
    await expect(runGit({ folder, signal, args: ['cat-file', '-p', blob] })).rejects.toThrow('git could not read');
    expect(existsSync(mark)).toBe(false);
    await git(['cat-file', '-p', blob]).catch(() => undefined);
    expect(existsSync(mark)).toBe(true);
  });

  it('hands git none of the server’s variables but those it needs to be found', () => {
    process.env.GIT_DIR = '/somewhere/else';
    process.env.JWT_SECRET = 'secret-4711';
    onTestFinished(() => {
      delete process.env.GIT_DIR;
      delete process.env.JWT_SECRET;
    });
    const environment = gitEnvironment();
    expect(environment).not.toHaveProperty('GIT_DIR');
    expect(Object.values(environment)).not.toContain('secret-4711');
    expect(environment.PATH).toBe(process.env.PATH);
  });

  it('is not met by an embedded one: a folder is the repository that git finds from there', async () => {
    const { folder } = await makeHostileRepository();
    await mkdir(join(folder, 'inner'));
    expect(await findCheckout(join(folder, 'inner'))).toBe(folder);
  });
});
