import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runServer } from '../../server/src/app/run-server.ts';
import { shapeConfig } from '../../server/src/platform/config/config.ts';
import type { VariableValues } from '../../server/src/platform/config/variables.ts';
import { createLogs } from '../../server/src/platform/log/log.ts';

/** The product as it is started, its log written to /dev/null, with a signed-in user in the demo organization. */
await once(process, 'message');
const dataDir = await mkdtemp(join(tmpdir(), 'almanac-bench-'));
const config = shapeConfig({ DATA_DIR: dataDir, PORT: 0, PROJECTS_LOCAL_GIT: [] as string[] } as VariableValues);
const limits = { perMinute: () => 1e9, addressPerMinute: 1e9 };
const server = await runServer({ config, ...createLogs({ level: 'info' }), limits });
const answer = await fetch(`${server.url}/auth/register`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ email: 'bench@example.org', password: 'correct horse battery' }),
});
const { access_token: token } = (await answer.json()) as { access_token: string };
// The user's own organization gets a week's worth of items, so that the answer has the size of a real one.
const items = Array.from({ length: 400 }, (_, index) => ({
  kind: ['upload', 'update', 'decision', 'completion', 'review'][index % 5],
  title: `Item number ${index} of the benchmark`,
  author: `Person ${index % 20}`,
  occurred_at: new Date(Date.now() - index * 60_000).toISOString(),
}));
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
await fetch(`${server.url}/api/weekly/items`, { method: 'POST', headers, body: JSON.stringify({ items }) });
process.send?.({ url: `${server.url}/api/weekly/summary`, headers: { authorization: `Bearer ${token}` } });
process.once('SIGTERM', () => process.exit(0));
