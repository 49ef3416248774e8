import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '@almanac/client';
import type { WeeklyData } from '@almanac/contract/weekly.ts';
import { io } from 'socket.io-client';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Checkout, countSince, makeCheckout } from './support/make-checkout.ts';
import { openSocket } from './support/open-socket.ts';
import { runAlmanac, runProgram } from './support/run-program.ts';
import { useScene } from './support/scene.ts';
import { errorLines, type StartedServer } from './support/start-server.ts';
import { waitUntil } from './support/wait-until.ts';

const scene = useScene();
const threeWeeksMs = 21 * 24 * 3_600_000;
let checkout: Checkout;
let server: StartedServer;

beforeAll(async () => {
  checkout = await makeCheckout(await scene.makeFolder());
  await checkout.commit('feat: begin', new Date(Date.now() - threeWeeksMs));
  await checkout.git('tag', 'v0.1.0');
  await checkout.commit('docs: say what it is');
  await checkout.git('switch', '--quiet', '-c', 'side');
  await checkout.commit('fix: a corner');
  await checkout.git('switch', '--quiet', 'main');
  await checkout.commit('feat: a middle');
  await checkout.git('merge', '--quiet', '--no-ff', '-m', 'Merge side', 'side');
  await checkout.git('tag', '-a', '-m', 'The first one', 'v1.0.0');
  server = await scene.startServer({}, checkout.folder);
});

/** Runs the lines of an example in a shell, at the port that this server has. */
async function runExample(lines: string, cwd?: string): Promise<string> {
  const here = lines.replaceAll('http://localhost:5000', server.url);
  const { code, stdout, stderr } = await runProgram('sh', ['-c', here], { cwd });
  expect(code, stderr).toBe(0);
  return stdout;
}

function readData<T>(answer: string): T {
  const body = JSON.parse(answer) as { success: boolean; data: T };
  expect(body.success).toBe(true);
  return body.data;
}

const statNames = ['newUploads', 'updates', 'decisions', 'completedTasks', 'contributors', 'pendingReviews'];

describe('the examples of the weekly dashboard, as written', () => {
  test('curl gets the weekly summary', async () => {
    const data = readData<WeeklyData>(await runExample('curl "http://localhost:5000/api/weekly/summary?week=current"'));
    expect(data.period).toMatch(/^[A-Z][a-z]{2} \d{1,2}(, \d{4})? - [A-Z][a-z]{2} \d{1,2}, \d{4}$/);
    expect(data.generated).toMatch(/^\d{4}-\d{2}-\d{2} \d{2}:\d{2} [AP]M$/);
    expect(Object.keys(data.stats).sort()).toEqual([...statNames].sort());
    expect(data.chartData.weeklyActivity).toHaveLength(7);
    expect(data.demo).toBe(true);
  });

  test('curl gets the weekly statistics', async () => {
    const data = readData<Record<string, number>>(
      await runExample('curl "http://localhost:5000/api/weekly/stats?week=current"'),
    );
    for (const name of statNames) expect(data[name]).toBeTypeOf('number');
  });

  test('curl refreshes the data', async () => {
    const answer = await runExample(`curl -X POST "http://localhost:5000/api/weekly/refresh" \\
  -H "Content-Type: application/json" \\
  -d '{"week": "current"}'`);
    expect(readData<WeeklyData>(answer).demo).toBe(true);
  });

  test('curl exports the report, under the name of its week', async () => {
    const example = 'curl "http://localhost:5000/api/weekly/export?week=current"';
    const exported = JSON.parse(await runExample(example)) as WeeklyData;
    const folder = await scene.makeFolder();
    await runExample(example.replace('curl', 'curl -OJ'), folder);
    const name = `weekly-report-${exported.week.id}.json`;
    expect(await readdir(folder)).toEqual([name]);
    const saved = JSON.parse(await readFile(join(folder, name), 'utf8')) as WeeklyData;
    expect(saved.stats).toEqual(exported.stats);
  });

  test('a Socket.IO client without options subscribes, is sent the week, and requests a refresh', async () => {
    const socket = io(server.url);
    scene.closeLater(() => socket.disconnect());
    const updates: WeeklyData[] = [];
    const next = () => new Promise<WeeklyData>((resolve) => socket.once('weekly_data_update', resolve));
    const subscribed = next();
    socket.emit('subscribe_weekly_updates', { week: 'current' });
    socket.on('weekly_data_update', (data: WeeklyData) => updates.push(data));
    expect((await subscribed).stats).toHaveProperty('newUploads');
    const refreshed = next();
    socket.emit('request_weekly_refresh', { week: 'current' });
    expect((await refreshed).week.id).toBe(updates[0]?.week.id);
  });

  test('the three SQL queries run in the demo organization and agree with the API', async () => {
    const query = async (statement: string) => {
      const words = ['sql', '--organization', 'demo', statement];
      const { code, stdout, stderr } = await runAlmanac(words, { cwd: checkout.folder });
      expect(code, stderr).toBe(0);
      return stdout;
    };
    const stats = `SELECT stat_name, stat_value FROM weekly_stats 
WHERE week_start_date = '2024-12-16';`;
    const activity = `SELECT day_name, uploads, updates, decisions, completed 
FROM weekly_activity 
WHERE week_start_date = '2024-12-16'
ORDER BY day_date;`;
    expect(await query("SELECT * FROM weekly_data WHERE week_type = 'current';")).toMatch(/\(1 row\)\n$/);
    expect(await query(stats)).toMatch(/\(\d+ rows\)\n$/);
    expect(await query(activity)).toMatch(/\(\d+ rows\)\n$/);
    const { chartData, stats: numbers, week } = await createClient({ baseUrl: server.url }).weekly.getSummary();
    const monday = week.start.slice(0, 10);
    const counted = await query(stats.replace('2024-12-16', monday));
    for (const [name, value] of Object.entries(numbers))
      expect(counted).toMatch(new RegExp(`${name} +\\| ${value}\\n`));
    const days = await query(activity.replace('2024-12-16', monday));
    for (const { day, uploads, updates } of chartData.weeklyActivity)
      expect(days).toMatch(new RegExp(`${day} +\\| ${uploads} +\\| ${updates} +\\|`));
  });
});

describe('the checkout that the server was started in', () => {
  const local = () => createClient({ baseUrl: server.url, organization: 'local' });

  test('shows its commits, merges and tags of this week, as many as git counts', async () => {
    const read = await waitUntil('the checkout was read', async () => {
      const week = await local().weekly.getSummary();
      return week.stats.completedTasks > 0 && week;
    });
    const { commits, merges } = await countSince(checkout, read.week.start);
    expect({ commits, merges }).toEqual({ commits: 3, merges: 1 });
    expect(read.demo).toBe(false);
    expect(read.stats).toMatchObject({ updates: commits, completedTasks: merges, newUploads: 1, contributors: 1 });
    expect(read.uploads.map(({ title }) => title)).toEqual(['Tag v1.0.0: The first one']);
    expect(read.completed.map(({ title }) => title)).toEqual(['Merge side']);
    const days = await local().weekly.getActivity({ query: { week: 'current' } });
    expect(days.reduce((sum, { updates }) => sum + updates, 0)).toBe(commits);
  });

  test('shows a commit that is made while the server runs', async () => {
    const listener = await openSocket(server.url, { organization: 'local' });
    scene.closeLater(() => listener.close());
    await checkout.commit('fix: found while it runs');
    // The repository is read at each full minute.
    const week = await listener.week(({ stats }) => stats.updates === 4);
    expect(week.updates[0]?.title).toBe('fix: found while it runs');
  }, 90_000);

  test('shows a commit that is made while the server is stopped, at the next start', async () => {
    expect(await server.stop()).toBe(0);
    expect(errorLines(server)).toEqual([]);
    await checkout.commit('fix: found at the start');
    server = await scene.startServer({}, checkout.folder);
    const week = await waitUntil('the new commit shows', async () => {
      const read = await local().weekly.getSummary();
      return read.stats.updates === 5 && read;
    });
    expect((await countSince(checkout, week.week.start)).commits).toBe(5);
  });
});
