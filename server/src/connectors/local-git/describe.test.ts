import { describe, expect, it } from 'vitest';
import { cleanText, formatUnixTime } from './clean-text.ts';
import { type Churn, categorizeCommit, rateChurn } from './describe-commit.ts';
import { describeTag, isMajorVersion, parseSignature } from './describe-tag.ts';
import { commitUrl, findWebAddress, tagUrl } from './find-web-address.ts';
import { createCommitParser } from './parse-commits.ts';

function churnOf(folders: Record<string, number>): Churn {
  return { lines: 0, folders: new Map(Object.entries(folders)) };
}

describe('the category of a commit', () => {
  it.each([
    ['feat: add', 'Feature'],
    ['Fix(api)!: mend', 'Fix'],
    ['docs(readme): tell', 'Documentation'],
    ['ci: run', 'Build'],
    ['chore!: tidy', 'Maintenance'],
    ['server: not a type', 'src'],
    ['feat without a colon', 'src'],
    ['constructor: not a type either', 'src'],
  ])('of "%s" is %s', (subject, category) => {
    expect(categorizeCommit({ subject, churn: churnOf({ src: 5, '': 3 }) })).toBe(category);
  });

  it('is the folder with the most lines, the first by name among equals, Root for loose files', () => {
    expect(categorizeCommit({ subject: 'x', churn: churnOf({ web: 4, docs: 4, src: 1 }) })).toBe('docs');
    expect(categorizeCommit({ subject: 'x', churn: churnOf({ '': 4, docs: 1 }) })).toBe('Root');
    expect(categorizeCommit({ subject: 'x', churn: churnOf({}) })).toBe('Repository');
    expect(categorizeCommit({ subject: 'x', churn: undefined })).toBe('Repository');
  });
});

describe('the impact', () => {
  it('of a commit follows its changed lines', () => {
    const rate = (lines: number) => rateChurn({ lines, folders: new Map() });
    expect([0, 49, 50, 499, 500].map(rate)).toEqual(['low', 'low', 'medium', 'medium', 'high']);
    expect(rateChurn(undefined)).toBe('low');
  });

  it('of a tag is high for a new major version alone', () => {
    expect(['1.0.0', 'v2.0.0', 'release-10.0.0', 'core@3.0.0'].map(isMajorVersion)).toEqual([true, true, true, true]);
    const others = ['v0.0.0', 'v1.2.0', 'v1.0.1', 'v2.0.0-rc.1', '1.1.0.0', 'nightly', 'v20.0'];
    expect(others.filter(isMajorVersion)).toEqual([]);
  });
});

describe('a tag', () => {
  it('without a known date is not described', () => {
    expect(describeTag({ name: 'blob', message: '', signature: undefined }, undefined)).toBeUndefined();
  });

  it('is titled with its message unless that repeats the name', () => {
    const signature = { name: 'Ada', email: 'a@example.org', at: 0 };
    expect(describeTag({ name: 'v1', message: 'v1', signature }, undefined)?.title).toBe('Tag v1');
    expect(describeTag({ name: 'v1', message: 'Out\nnow', signature }, undefined)?.title).toBe('Tag v1: Out now');
  });

  it('is signed by name, address and time', () => {
    expect(parseSignature('Ada L <a@example.org> 17 +0100')).toEqual({ name: 'Ada L', email: 'a@example.org', at: 17 });
    expect(parseSignature('<a@example.org> 17 +0100')).toEqual({ name: '', email: 'a@example.org', at: 17 });
    expect(parseSignature('')).toBeUndefined();
  });
});

describe('the web address', () => {
  it.each([
    ['https://github.com/example/site.git', 'https://github.com/example/site'],
    ['https://ada:token@github.com/example/site/', 'https://github.com/example/site'],
    ['git@github.com:example/site.git', 'https://github.com/example/site'],
    ['ssh://git@gitlab.example.org:2222/group/sub/site.git', 'https://gitlab.example.org/group/sub/site'],
    ['https://gitlab.example.org:8443/group/site?private_token=x#y', 'https://gitlab.example.org:8443/group/site'],
    ['git@bitbucket.org:team/site.git', 'https://bitbucket.org/team/site'],
    ['https://codeberg.org/example/site', 'https://codeberg.org/example/site'],
    ['GIT@GitHub.COM:Example/Site.git', 'https://github.com/Example/Site'],
  ])('of %s is %s', (remote, base) => {
    expect(findWebAddress(remote)?.base).toBe(base);
  });

  it.each([
    ...['', '/srv/git/site.git', '../site', 'file:///srv/git/site.git', 'http://github.com/a/b', 'git@example.org:a/b'],
    ...[
      'https://github.com/example',
      'https://github.com/a/b/c',
      'https://github.com//b',
      'ext::sh -c x',
      'github:a/b',
    ],
    ...['https://github.com.example.org@evil.example/a/b', 'C:\\git\\site', 'javascript:alert(1)//github.com/a/b'],
  ])('of %s is not known', (remote) => {
    expect(findWebAddress(remote)).toBeUndefined();
  });

  it('leads to commits and tags in the way of each forge', () => {
    const addresses = ['github.com:a/b', 'gitlab.com:a/b', 'bitbucket.org:a/b', 'codeberg.org:a/b'].map(findWebAddress);
    expect(addresses.map((web) => commitUrl(web, 'abc'))).toEqual([
      'https://github.com/a/b/commit/abc',
      'https://gitlab.com/a/b/-/commit/abc',
      'https://bitbucket.org/a/b/commits/abc',
      'https://codeberg.org/a/b/commit/abc',
    ]);
    expect(tagUrl(addresses[0], 'core/v1#2')).toBe('https://github.com/a/b/releases/tag/core/v1%232');
    expect(commitUrl(undefined, 'abc')).toBeNull();
  });
});

describe('cleaning text', () => {
  it('makes one line and cuts between characters', () => {
    expect(cleanText(' a\u0000\n\tb\u2028c\u00a0 ', 10)).toBe('a b c');
    expect(cleanText('🙂🙂🙂', 3)).toBe('🙂🙂🙂');
    expect(cleanText('🙂🙂🙂🙂', 3)).toBe('🙂🙂…');
    expect(cleanText(`${'x'.repeat(23)}🙂`, 3)).toBe('xx…');
  });

  it('writes Unix times of the years 1 to 9999', () => {
    expect(formatUnixTime(0)).toBe('1970-01-01T00:00:00.000Z');
    expect(formatUnixTime(253_402_300_799)).toBe('9999-12-31T23:59:59.000Z');
    expect([253_402_300_800, -62_135_596_801, Number.NaN, 1.5].map(formatUnixTime)).toEqual(Array(4).fill(undefined));
  });
});

describe('parsing commits', () => {
  it('takes paths that look like headers for paths, and commits without changes for whole', () => {
    const found: unknown[] = [];
    const take = createCommitParser((commit) => found.push(commit));
    const head = (sha: string) => [`commit ${sha}`, 'p1 p2', '17', 'Ada', ''];
    const rename = ['\n2\t1\t', 'commit old/a', 'commit new/a', '-\t-\tart/x.bin', '3\t0\tloose\tfile'];
    for (const field of [...head('aa'), ...head('bb'), ...rename, undefined]) take(field);
    const shared = { parents: ['p1', 'p2'], committedAt: 17, author: 'Ada', subject: '' };
    const folders = new Map([
      ['commit new', 3],
      ['art', 1],
      ['', 3],
    ]);
    expect(found).toEqual([
      { sha: 'aa', ...shared, churn: { lines: 0, folders: new Map() } },
      { sha: 'bb', ...shared, churn: { lines: 6, folders } },
    ]);
  });
});
