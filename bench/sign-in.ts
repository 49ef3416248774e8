import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type RunningServer, runServer } from '../server/src/app/run-server.ts';
import { hashPassword, isPassword } from '../server/src/features/passwords/index.ts';
import { shapeConfig } from '../server/src/platform/config/config.ts';
import type { VariableValues } from '../server/src/platform/config/variables.ts';
import { createLog } from '../server/src/platform/log/log.ts';
import { type Measurement, median } from './measure.ts';

const password = 'correct horse battery';
const accounts = 40;
const rounds = 5;
const atOnce = 8;

interface Scene {
  server: RunningServer;
  emails: readonly string[];
  token: string;
}

async function post(server: RunningServer, path: string, body: object): Promise<{ access_token: string }> {
  const answer = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as { access_token: string };
}

async function makeScene(dataDir: string): Promise<Scene> {
  const values = { DATA_DIR: dataDir, PORT: 0, PROJECTS_LOCAL_GIT: [] as string[], ALMANAC_DEMO: false };
  const limits = { perMinute: () => 1e9, addressPerMinute: 1e9 };
  const config = shapeConfig(values as unknown as VariableValues);
  const server = await runServer({ config, log: createLog({ level: 'silent' }), limits });
  const emails = Array.from({ length: accounts }, (_, index) => `bench-${index}@example.org`);
  let token = '';
  for (const email of emails) token = (await post(server, '/auth/register', { email, password })).access_token;
  return { server, emails, token };
}

/** Milliseconds for all of the work, so many pieces at once. */
async function timeAll(pieces: readonly (() => Promise<unknown>)[]): Promise<number> {
  const waiting = [...pieces];
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let piece = waiting.pop(); piece; piece = waiting.pop()) await piece();
    }),
  );
  return performance.now() - startedAt;
}

async function measureVerification({ server, token }: Scene): Promise<Measurement> {
  const { authenticator } = server.features.identity;
  const credentials = {
    authorization: `Bearer ${token}`,
    apiKey: undefined,
    cookieToken: undefined,
    organization: undefined,
    anonymousOrganization: 'demo',
  } as const;
  const calls = 200_000;
  const lookUps = 300;
  const startedAt = performance.now();
  for (let call = 0; call < lookUps; call += 1) await authenticator.authenticate(credentials);
  const wholeMicroseconds = ((performance.now() - startedAt) / lookUps) * 1_000;
  const taken: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const roundStartedAt = performance.now();
    for (let call = 0; call < calls; call += 1) {
      // As for each request: new credentials, and the principal with the request's own address.
      const known = authenticator.peek({ ...credentials }) ?? (await authenticator.authenticate(credentials));
      if ({ ...known, request: { id: 'x', address: 'x' } }.kind !== 'user') throw new Error('Nobody was recognised.');
    }
    taken.push(((performance.now() - roundStartedAt) / calls) * 1_000);
  }
  return {
    name: 'Verifying an access token, a request',
    value: median(taken),
    unit: 'µs',
    target: { below: 15 },
    detail:
      `${calls} requests of one token, looked up anew after four seconds; ` +
      `${Math.round(wholeMicroseconds)} µs where signature, session and membership are all looked up (embedded database)`,
  };
}

async function measureLogin({ server, emails }: Scene): Promise<Measurement[]> {
  const hash = await hashPassword(password);
  const logins = emails.map((email) => () => post(server, '/auth/login', { email, password }));
  const verifications = emails.map(() => () => isPassword(hash, password));
  await timeAll(logins);
  const ratios: number[] = [];
  const slowest: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const bareMs = await timeAll(verifications);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    ratios.push((await timeAll(logins)) / bareMs);
    delay.disable();
    slowest.push(delay.max / 1e6);
  }
  return [
    {
      name: 'POST /auth/login, of the Argon2id verification alone',
      value: median(ratios),
      unit: 'ratio of time',
      target: { below: 1.5 },
      detail: `${accounts} logins, ${atOnce} at once, embedded database, client in the same process`,
    },
    {
      name: 'Longest the event loop waited during those logins',
      value: median(slowest),
      unit: 'ms',
      target: { below: 50 },
      detail: `median of ${rounds} rounds`,
    },
  ];
}

/** What signing in costs, beside what its password hash costs. */
export async function measureSignIn(): Promise<Measurement[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'almanac-bench-'));
  const scene = await makeScene(dataDir);
  const measured = [await measureVerification(scene), ...(await measureLogin(scene))];
  await scene.server.stop({ graceSeconds: 1 });
  await rm(dataDir, { recursive: true, force: true });
  return measured;
}
