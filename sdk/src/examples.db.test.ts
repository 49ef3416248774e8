import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readExamples } from '../../tools/client/read-examples.ts';
import { openServer, type TestServer } from '../testing/open-server.ts';
import { createClient } from './index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const examples = readExamples(await readFile(join(root, 'docs/client.md'), 'utf8'));
const run = promisify(execFile);

let server: TestServer;
let folder: string;
let env: Record<string, string>;

beforeAll(async () => {
  server = await openServer();
  // The programs run by the machine's clock.
  Object.defineProperty(server.clock, 'now', { get: () => new Date() });
  folder = await mkdtemp(join(tmpdir(), 'almanac-examples-'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
  for (const { line, code } of examples) {
    await writeFile(join(folder, `line-${line}.ts`), code.replaceAll('http://localhost:5000', server.url));
  }
  const [email, password] = ['ada@example.org', 'correct horse battery'];
  const almanac = createClient({ baseUrl: server.url });
  const { access_token: token, refresh_token } = await almanac.identity.register({ body: { email, password } });
  const { key } = await almanac.apiKeys.create({ body: { name: 'Examples', scopes: ['weekly:read', 'weekly:write'] } });
  env = {
    ALMANAC_EMAIL: email,
    ALMANAC_PASSWORD: password,
    ALMANAC_TOKEN: token,
    ALMANAC_REFRESH_TOKEN: refresh_token,
    ALMANAC_API_KEY: key,
  };
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await server.close();
});

test('the programs of the page compile', () => {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const files = examples.map(({ line }) => join(folder, `line-${line}.ts`));
  const program = ts.createProgram(files, {
    ...options,
    incremental: false,
    types: [join(root, 'node_modules/@types/node')],
  });
  const faults = files.flatMap((file) => program.getSemanticDiagnostics(program.getSourceFile(file)));
  expect(
    faults.map(({ file, messageText }) => [file?.fileName, ts.flattenDiagnosticMessageText(messageText, '\n')]),
  ).toEqual([]);
});

test('there are programs on the page', () => {
  expect(examples.length).toBeGreaterThan(5);
});

test.each(examples.filter(({ isForPage }) => !isForPage))('the program in line $line runs', async ({ line }) => {
  const { stdout, stderr } = await run(process.execPath, [`line-${line}.ts`], { cwd: folder, env, timeout: 15_000 });
  expect(stderr).toBe('');
  expect(stdout).not.toBe('');
});
