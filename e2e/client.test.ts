import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { openBrowser, openPage } from './support/open-browser.ts';
import { runProgram } from './support/run-program.ts';
import { useScene } from './support/scene.ts';
import { type Person, signUp } from './support/sign-up.ts';
import type { StartedServer } from './support/start-server.ts';

const scene = useScene();
const root = join(import.meta.dirname, '..');
let server: StartedServer;
let person: Person;
/** A program's folder, in which the built package is installed. */
let folder: string;

beforeAll(async () => {
  folder = await scene.makeFolder();
  const modules = join(folder, 'node_modules');
  await mkdir(join(modules, '@almanac'), { recursive: true });
  for (const name of ['typebox', 'socket.io-client', '@types']) {
    await symlink(join(root, 'node_modules', name), join(modules, name));
  }
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
  const build = runProgram(process.execPath, [join(root, 'tools/build-client.ts'), join(modules, '@almanac/client')]);
  [server] = await Promise.all([scene.startServer({}), build]);
  expect(await build).toMatchObject({ code: 0, stderr: '' });
  person = await signUp(server.url);
});

/** Waits for its own event, and tells what it was told. */
const program = (url: string, token: string) => `
import { createClient, type FeedEvent } from '@almanac/client';

const almanac = createClient({ baseUrl: '${url}', token: '${token}' });
const tell = ({ type, payload }: FeedEvent<'weekly.changed'>) => console.log(type, payload.version > 0);
const feed = almanac.connectFeed({
  types: ['weekly.changed'],
  onState: async (state) => {
    if (state !== 'live') return;
    const item = { kind: 'update', title: 'A', author: 'B', occurred_at: new Date().toISOString() } as const;
    const { inserted }: { inserted: number } = await almanac.weekly.addItems({ body: { items: [item] } });
    console.log(inserted);
  },
  onEvent: (event) => {
    tell(event);
    feed.close();
  },
});
// @ts-expect-error a field that there is not
void almanac.weekly.getStats({ query: { weak: '' } }).catch(() => undefined);
`;

test('a program elsewhere compiles against the built package, and runs on it', async () => {
  await writeFile(join(folder, 'program.ts'), program(server.url, person.token));
  const options = ['--strict', '--noEmit', '--target', 'es2022', '--lib', 'es2022,dom', '--module', 'nodenext'];
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const compiled = await runProgram(process.execPath, [compiler, ...options, 'program.ts'], { cwd: folder });
  expect(compiled).toMatchObject({ code: 0, stdout: '' });
  const { stdout, stderr } = await runProgram(process.execPath, ['program.ts'], { cwd: folder });
  expect(stderr).toBe('');
  expect(stdout.trim().split('\n').sort()).toEqual(['1', 'weekly.changed true']);
});

/** Signs in by a form's means, forgets it, and follows the feed by the cookie alone. */
const script = (email: string, password: string) => `
import { createClient } from '/client.js';
import { io } from '/socket.io/socket.io.esm.min.js';

const credentials = 'cookie';
await createClient({ credentials, io }).identity.login({ body: { email: '${email}', password: '${password}' } });
const almanac = createClient({ credentials, io });
const feed = almanac.connectFeed({
  onState: (state) => {
    const item = { kind: 'update', title: 'A', author: 'B', occurred_at: new Date().toISOString() };
    if (state === 'live') void almanac.weekly.addItems({ body: { items: [item] } });
  },
  onEvent: async ({ type }) => {
    feed.close();
    document.title = 'told ' + type + ' to ' + (await almanac.identity.getProfile()).email;
  },
});
`;

test('a page follows the feed on the strength of its cookie', async () => {
  const browser = await openBrowser();
  scene.closeLater(() => browser.close());
  const { page } = await openPage(browser);
  const serve = (path: string, body: string) =>
    page.route(path, (route) => route.fulfill({ contentType: 'text/javascript', body }));
  await serve('**/client.js', await readFile(join(folder, 'node_modules/@almanac/client/index.js'), 'utf8'));
  await serve('**/program.js', script(person.email, person.password));
  await page.goto(`${server.url}/docs`);
  await page.addScriptTag({ url: '/program.js', type: 'module' });
  await page.waitForFunction(() => document.title.startsWith('told'));
  expect(await page.title()).toBe(`told weekly.changed to ${person.email}`);
});
