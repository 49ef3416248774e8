import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeEach, expect, test } from 'vitest';
import { loadOrMakeSecrets } from './secrets.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'secrets-'));
  return () => rmSync(folder, { recursive: true });
});

test('secrets are made once, for their owner alone', () => {
  const dataDir = join(folder, 'deep', 'data');
  const made = loadOrMakeSecrets(dataDir);
  expect(Buffer.from(made.jwtSecret, 'base64')).toHaveLength(48);
  expect(made.jwtSecret).not.toBe(made.encryptionKey);
  expect(loadOrMakeSecrets(dataDir)).toEqual(made);
  expect(statSync(join(dataDir, 'secrets.json')).mode & 0o777).toBe(0o600);
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
});

test('processes that start at once agree, and leave no drafts', async () => {
  const module = join(import.meta.dirname, 'secrets.ts');
  const script = `import { loadOrMakeSecrets } from ${JSON.stringify(module)}; console.log(loadOrMakeSecrets(process.argv[1]).jwtSecret);`;
  const read = () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return text(child.stdout);
  };
  const seen = await Promise.all([read(), read(), read()]);
  expect(new Set(seen).size).toBe(1);
  expect(seen[0]).toMatch(/^\S{64}\n$/);
  expect(readdirSync(folder)).toEqual(['secrets.json']);
});

test.each(['', '{', '{}', '[]', 'null', '{"jwtSecret":"short","encryptionKey":"short"}'])(
  'a file that holds %j is refused and kept',
  (body) => {
    const path = join(folder, 'secrets.json');
    writeFileSync(path, body);
    expect(() => loadOrMakeSecrets(folder)).toThrow(
      /^The file .* does not hold the secrets that were kept there: [^\n]+$/,
    );
    expect(existsSync(path)).toBe(true);
  },
);

test('a data folder that is a file is told in one line', () => {
  writeFileSync(join(folder, 'file'), '');
  mkdirSync(join(folder, 'other'));
  expect(() => loadOrMakeSecrets(join(folder, 'file'))).toThrow(/^DATA_DIR [^\n]+$/);
  expect(() => loadOrMakeSecrets(join(folder, 'file', 'deeper'))).toThrow(/^DATA_DIR [^\n]+$/);
});
