import { expect, test } from 'vitest';
import { findLines, listPaths, readFiles } from './repository-files.ts';

const source = /\.(ts|js|mjs|tsx|sql|css|html)$/;
const written = /\.(ts|js|mjs|tsx|sql|css|html|md|json|yml)$|^\.ci\//;
const files = readFiles('.', written).filter(({ path }) => path !== 'package-lock.json');
const sources = files.filter(({ path }) => source.test(path));
const testCode = files.filter(({ path }) => /\.test\.ts$|^server\/testing\/|^e2e\//.test(path));

test('a test waits for what happens and never for time to pass', () => {
  const sleep = /\bsleep\(|\bdelay\(|await setTimeout\(|setTimeout\(\s*(\(\) => )?(r|res|resolve|done)\b/;
  expect(findLines(testCode, sleep), 'wait for the event, or pass the clock in').toEqual([]);
});

test('no file names a place outside of the repository', () => {
  const place = /(?<![\w.*:}/-])\/(home|root|tmp|work|Users)\//;
  expect(findLines(files, place), 'use a path from the root of the repository, or tmpdir()').toEqual([]);
});

test('the code leaves no notes for later', () => {
  expect(findLines(sources, /\b(TODO|FIXME|XXX|HACK)(:|\s|$)/), 'do it now, or open an issue').toEqual([]);
});

test('a name says what a thing does, not that it helps or manages', () => {
  const vague = '(manager|helper|util|impl)s?';
  const name = new RegExp(`^export .*\\b(function|class|interface|type|const) \\w*?${vague}\\b`, 'i');
  const path = new RegExp(`\\b${vague}\\b`, 'i');
  expect([...findLines(sources, name), ...listPaths('.').filter((file) => path.test(file))]).toEqual([]);
});
