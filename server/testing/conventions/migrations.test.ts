import { expect, test } from 'vitest';
import { listPaths } from './repository-files.ts';

const names = listPaths('server/migrations').map((path) => path.replace('server/migrations/', ''));

test('a migration is named by four digits and what it lays down', () => {
  expect(names.filter((name) => !/^\d{4}_[a-z0-9]+(_[a-z0-9]+)*\.sql$/.test(name))).toEqual([]);
});

test('migrations are numbered from 0001 without a gap or a double', () => {
  expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, index) => index + 1));
});
