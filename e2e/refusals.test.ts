import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ProgramEnd, runAlmanac } from './support/run-program.ts';
import { sharedSecrets, useScene } from './support/scene.ts';

const scene = useScene();

/** Expects the one line that an operator reads, naming what is wrong. */
function expectRefusal({ code, stdout, stderr }: ProgramEnd, ...parts: string[]): void {
  expect(stderr).toMatch(/^almanac: [^\n]+\n$/);
  for (const part of parts) expect(stderr).toContain(part);
  expect(stdout).not.toContain('"ready"');
  expect(code).toBe(1);
}

test.each([
  ['PORT', 'five thousand', '0 to 65535'],
  ['PORT', '70000', '0 to 65535'],
  ['DATABASE_URL', 'localhost:5432', 'postgres://'],
  ['REDIS_URL', 'http://localhost', 'redis://'],
  ['ALMANAC_ROLE', 'boss', 'all, api, worker'],
  ['LOG_LEVEL', 'loud', 'debug, info'],
  ['ALMANAC_DEMO', 'maybe', 'on or off'],
  ['NODE_ENV', 'prod', 'production'],
  ['CORS_ORIGINS', 'https://a.example/path', 'https://'],
  ['TRUST_PROXY', 'everybody', 'on, off'],
])('does not start with %s=%s and says what it takes', async (name, value, takes) => {
  const end = await runAlmanac(['start'], { cwd: await scene.makeFolder(), env: { [name]: value } });
  expectRefusal(end, name, takes);
});

test('reads a wrong value from the .env file too', async () => {
  const cwd = await scene.makeFolder();
  await writeFile(join(cwd, '.env'), 'PORT=x\n');
  expectRefusal(await runAlmanac(['start'], { cwd }), 'PORT', "'x'");
});

test('does not repeat a secret that it refuses', async () => {
  const end = await runAlmanac(['start'], { cwd: await scene.makeFolder(), env: { JWT_SECRET: 'hunter2' } });
  expectRefusal(end, 'JWT_SECRET', '32 bytes');
  expect(end.stderr).not.toContain('hunter2');
});

test('does not start in production without the secrets and the public address', async () => {
  const cwd = await scene.makeFolder();
  const secrets = sharedSecrets();
  const production = { NODE_ENV: 'production', PORT: '0' };
  const all = ['JWT_SECRET', 'ENCRYPTION_KEY', 'PUBLIC_URL'];
  expectRefusal(await runAlmanac(['start'], { cwd, env: production }), ...all);
  const halfway = { ...production, JWT_SECRET: secrets.JWT_SECRET };
  expectRefusal(await runAlmanac(['start'], { cwd, env: halfway }), 'ENCRYPTION_KEY');
  expectRefusal(await runAlmanac(['start'], { cwd, env: { ...production, ...secrets } }), 'PUBLIC_URL');
});

test('starts in production without TLS or a mail server, and says once what each costs', async () => {
  const production = { NODE_ENV: 'production', HOST: '127.0.0.1', PUBLIC_URL: 'http://almanac.example' };
  const server = await scene.startServer({ ...production, ...sharedSecrets() });
  const told = (start: string) => server.log.filter(({ msg }) => msg.startsWith(start)).map(({ level }) => level);
  const warning = 40;
  expect(told("PUBLIC_URL is 'http://almanac.example'")).toEqual([warning]);
  expect(told('SMTP_URL is not set')).toEqual([warning]);
});

test('does not start where a file stands in the place of the data folder', async () => {
  const cwd = await scene.makeFolder();
  await writeFile(join(cwd, 'file'), '');
  const end = await runAlmanac(['start'], { cwd, env: { DATA_DIR: join(cwd, 'file') } });
  expectRefusal(end, 'DATA_DIR');
});

test('does nothing when the database cannot be reached', async () => {
  const env = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing', PORT: '0' };
  for (const words of [['start'], ['sql', 'select 1'], ['weekly', 'cleanup']]) {
    expectRefusal(await runAlmanac(words, { cwd: await scene.makeFolder(), env }), 'DATABASE_URL', 'ECONNREFUSED');
  }
});

test('does not start when the server has no such database, or no such user', async () => {
  const cwd = await scene.makeFolder();
  const database = await scene.makeDatabase();
  const nowhere = new URL(database.url);
  nowhere.pathname = '/almanac_of_nobody';
  const env = { DATABASE_URL: nowhere.href, PORT: '0' };
  expectRefusal(await runAlmanac(['start'], { cwd, env }), 'DATABASE_URL', 'almanac_of_nobody');
  const stranger = new URL(database.url);
  stranger.username = 'almanac_stranger';
  expectRefusal(await runAlmanac(['start'], { cwd, env: { DATABASE_URL: stranger.href } }), 'almanac_stranger');
});

test('does not start on a port that is in use', async () => {
  const database = await scene.makeDatabase();
  const other = createServer().listen(0, '127.0.0.1');
  scene.closeLater(() => other.close());
  await once(other, 'listening');
  const port = String((other.address() as AddressInfo).port);
  const env = { DATABASE_URL: database.url, PORT: port };
  expectRefusal(await runAlmanac(['start'], { cwd: await scene.makeFolder(), env }), 'PORT', port);
});

test('does not start twice on one data folder, and the first goes on', async () => {
  const cwd = await scene.makeFolder();
  const server = await scene.startServer({}, cwd);
  expectRefusal(await runAlmanac(['start'], { cwd, env: { PORT: '0' } }), '.almanac', 'DATA_DIR');
  expectRefusal(await runAlmanac(['migrate'], { cwd }), '.almanac', 'DATA_DIR');
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
});
