import { errorCodes } from '@almanac/contract/errors.ts';
import { expect, test } from 'vitest';
import { readFiles } from './repository-files.ts';

const codes = Object.keys(errorCodes);
const sources = readFiles('server/src', /(?<!\.test)\.ts$/).map(({ text }) => text);
const page = readFiles('docs', /^docs\/errors\.md$/)[0]?.text ?? '';

test('every error code is used by the server', () => {
  const unused = codes.filter((code) => !sources.some((text) => text.includes(`'${code}'`)));
  expect(unused, 'throw it or take it out of contract/errors.ts').toEqual([]);
});

test('every error code is documented', () => {
  expect(codes.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
});
