import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io } from 'socket.io-client';
import type { Measurement } from './measure.ts';
import { startProcess } from './start-process.ts';

const posts = 60;
const main = join(import.meta.dirname, '../server/src/main.ts');

/** From sending POST /api/weekly/items with one update to a subscribed socket having the new object, 300 ms apart. */
export async function measureLiveLatency(): Promise<Measurement> {
  const folder = await mkdtemp(join(tmpdir(), 'almanac-live-'));
  const started = await startProcess({
    command: process.execPath,
    words: [main, 'start'],
    folder,
    environment: { DATA_DIR: folder },
  });
  const post = (path: string, body: object, token?: string) =>
    fetch(`${started.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify(body),
    });
  const registered = await post('/auth/register', { email: 'bench@example.org', password: 'correct horse battery' });
  const { access_token: token } = (await registered.json()) as { access_token: string };
  const socket = io(started.url, { auth: { token }, transports: ['websocket'] });
  socket.emit('subscribe_weekly_updates', { week: 'current' });
  await once(socket as never, 'weekly_data_update');
  const latencies: number[] = [];
  for (let index = 0; index < posts; index += 1) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const onUpdate = (data: { stats: { updates: number } }) => {
      if (data.stats.updates === index + 1) resolve();
    };
    socket.on('weekly_data_update', onUpdate);
    const begun = performance.now();
    const item = { kind: 'update', title: `Update ${index}`, author: 'Ada', occurred_at: new Date().toISOString() };
    await post('/api/weekly/items', { items: [item] }, token);
    await promise;
    latencies.push(performance.now() - begun);
    socket.off('weekly_data_update', onUpdate);
    await new Promise((done) => setTimeout(done, 300));
  }
  socket.close();
  await started.stop();
  await rm(folder, { recursive: true });
  const sorted = latencies.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
  return {
    name: 'POST /api/weekly/items to the new object on a subscribed socket, 95th percentile',
    value: at(0.95),
    unit: 'ms',
    target: { below: 250 },
    detail: `embedded database, ${posts} posts, median ${Math.round(at(0.5))} ms, slowest ${Math.round(at(1))} ms`,
  };
}
