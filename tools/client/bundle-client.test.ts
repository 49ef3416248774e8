import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { bundleClient } from './bundle-client.ts';

test('the client weighs less than 30 kB gzip, and is made of nothing but itself', async () => {
  const { code, files } = await bundleClient();
  expect(gzipSync(code).length).toBeLessThan(30_000);
  expect(files.length).toBeGreaterThan(5);
  expect(files.filter((file) => !/\/sdk\/src\//.test(file))).toEqual([]);
  expect(code.match(/\bimport\(["'][^"']+["']\)/g)).toEqual(['import("socket.io-client")']);
});
