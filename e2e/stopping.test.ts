import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { AlmanacError } from '@almanac/client';
import { addItems, type NewItem } from '@almanac/contract/weekly.ts';
import { expect, test } from 'vitest';
import { openSocket } from './support/open-socket.ts';
import { useScene } from './support/scene.ts';
import { newItem, type Person, signUp } from './support/sign-up.ts';
import { errorLines, type StartedServer } from './support/start-server.ts';

const scene = useScene();

interface Outcome {
  id: string;
  startedAt: number;
  result: 'taken' | 'refused' | 'unreachable';
}

/** Posts and reads from several sides until the server takes nothing more. */
async function load(person: Person, { url }: StartedServer, onTaken: (count: number) => void): Promise<Outcome[]> {
  const client = person.on(url);
  const outcomes: Outcome[] = [];
  const work = async () => {
    for (;;) {
      const outcome: Outcome = { id: randomUUID(), startedAt: performance.now(), result: 'taken' };
      outcomes.push(outcome);
      try {
        await client.weekly.addItems({ body: { items: [newItem(outcome.id)] } });
        onTaken(outcomes.length);
        await client.weekly.getSummary();
      } catch (error) {
        const isRefusal = error instanceof AlmanacError && error.code === 'SHUTTING_DOWN';
        outcome.result = isRefusal ? 'refused' : 'unreachable';
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  return outcomes;
}

/** Sends a large call and answers, when the server has begun on it and its last byte is out, what will come back. */
async function sendLargeCall(person: Person, { port }: StartedServer, items: NewItem[]) {
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${person.token}`,
    expect: '100-continue',
  };
  const sent = request({ host: '127.0.0.1', port, path: addItems.path, method: 'POST', headers });
  const answered = once(sent, 'response').then(async ([response]) => ({
    status: response.statusCode as number,
    body: JSON.parse(await text(response)) as unknown,
  }));
  answered.catch(() => undefined);
  sent.flushHeaders();
  await once(sent, 'continue');
  sent.end(JSON.stringify({ items }));
  await once(sent, 'finish');
  return { answered };
}

test.each(['embedded', 'PostgreSQL'])(
  'SIGTERM under load finishes what is under way and ends well: %s',
  async (kind) => {
    const cwd = await scene.makeFolder();
    const env = kind === 'embedded' ? {} : { DATABASE_URL: (await scene.makeDatabase()).url };
    const server = await scene.startServer(env, cwd);
    const person = await signUp(server.url);
    const listener = await openSocket(server.url, { token: person.token });
    scene.closeLater(() => listener.close());
    const headers = { authorization: `Bearer ${person.token}` };
    const stream = await fetch(`${server.url}/api/feed/stream`, { headers });
    const isTold = once(listener.socket as unknown as NodeJS.EventEmitter, 'server_draining');
    const isUnderLoad = Promise.withResolvers<void>();
    const loading = load(person, server, (count) => count >= 50 && isUnderLoad.resolve());
    await isUnderLoad.promise;
    const { answered } = await sendLargeCall(
      person,
      server,
      Array.from({ length: 2_000 }, (_, index) => newItem(`large-${index}`)),
    );

    const stoppedAt = performance.now();
    const code = await server.stop();
    expect(code).toBe(0);
    expect(performance.now() - stoppedAt).toBeLessThan(10_000);
    expect(await stream.text()).toMatch(/^retry: /);
    expect(await isTold).toEqual([{ reason: 'This process is stopping.' }]);
    expect(await answered).toMatchObject({ status: 200, body: { data: { inserted: 2_000 } } });
    const outcomes = await loading;
    const cutOff = outcomes.filter(({ result, startedAt }) => result === 'unreachable' && startedAt < stoppedAt);
    expect(cutOff).toEqual([]);
    expect(errorLines(server)).toEqual([]);
    expect(await server.stderr).toBe('');

    const again = await scene.startServer(env, cwd);
    const csv = await (await person.on(again.url).weekly.export({ query: { format: 'csv' } })).text();
    for (const { id, result } of outcomes) if (result === 'taken') expect(csv).toContain(id);
    expect(errorLines(again)).toEqual([]);
    expect(await again.stop()).toBe(0);
  },
);
