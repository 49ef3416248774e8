import { createClient } from '@almanac/client';
import type { Browser, Locator, Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { openBrowser, openPage, type WatchedPage } from './support/open-browser.ts';
import { useScene } from './support/scene.ts';
import { signInOnPage } from './support/sign-in-on-page.ts';
import { newItem, type Person, signUp } from './support/sign-up.ts';
import type { StartedServer } from './support/start-server.ts';
import { waitUntil } from './support/wait-until.ts';

const scene = useScene();
let browser: Browser;
let server: StartedServer;
let person: Person;
let start: (port?: number) => Promise<StartedServer>;

beforeAll(async () => {
  const { url } = await scene.makeDatabase();
  const cwd = await scene.makeFolder();
  start = (port = 0) => scene.startServer({ DATABASE_URL: url, PORT: String(port) }, cwd);
  [browser, server] = await Promise.all([openBrowser(), start()]);
  scene.closeLater(() => browser.close());
  person = await signUp(server.url);
});

async function open(path = '/', viewport?: { width: number; height: number }): Promise<WatchedPage> {
  const opened = await openPage(browser, viewport);
  scene.closeLater(() => opened.page.context().close());
  await opened.page.goto(`${server.url}${path}`);
  return opened;
}

/** The part of the page that shows one organization's week. */
const weekOf = (page: Page, name: string | RegExp): Locator => page.getByRole('region', { name });

/** The number of a tile, by its label. */
const numberOf = (week: Locator, label: string): Locator =>
  week
    .locator('dl > div')
    .filter({ has: week.page().getByText(label, { exact: true }) })
    .locator('dd')
    .first();

test('the page shows the demo organization’s running week, live', async () => {
  const { page, takeComplaints } = await open();
  const demo = weekOf(page, 'Demo');
  await demo.getByText('Live', { exact: true }).waitFor();
  const { stats } = await createClient({ baseUrl: server.url }).weekly.getSummary();
  const shown = { Uploads: stats.newUploads, Updates: stats.updates, Decisions: stats.decisions };
  for (const [label, value] of Object.entries(shown)) {
    await waitUntil(`${label} shows ${value}`, async () => (await numberOf(demo, label).textContent()) === `${value}`);
  }
  await demo.getByText('Demo data').waitFor();
  expect(takeComplaints()).toEqual([]);
});

test('a posted item appears within a second on an open page of a member', async () => {
  const { page, takeComplaints } = await open();
  await signInOnPage(page, person);
  const week = weekOf(page, /organization/);
  await week.getByText('Live', { exact: true }).waitFor();
  for (const number of [1, 2, 3]) {
    await person.on(server.url).weekly.addItems({ body: { items: [newItem(`seen ${number}`)] } });
    const isShown = async () => (await numberOf(week, 'Updates').textContent()) === `${number}`;
    await waitUntil(`${number} updates are shown`, isShown, 1_000);
  }
  expect(takeComplaints()).toEqual([]);
});

test('the page says that it is offline while the server is stopped, and recovers when it is back', async () => {
  const { page, takeComplaints } = await open();
  await signInOnPage(page, person);
  const week = weekOf(page, /organization/);
  await week.getByText('Live', { exact: true }).waitFor();
  expect(takeComplaints()).toEqual([]);
  expect(await server.stop()).toBe(0);
  await week.getByText(/offline/i).waitFor({ timeout: 5_000 });
  server = await start(server.port);
  await person.on(server.url).weekly.addItems({ body: { items: [newItem('posted after the break')] } });
  await week.getByText('Live', { exact: true }).waitFor({ timeout: 10_000 });
  const isShown = async () => (await numberOf(week, 'Updates').textContent()) === '4';
  await waitUntil('the page shows what was posted after the break', isShown);
});

test.each([320, 390, 1280])('nothing scrolls sideways at %i pixels', async (width) => {
  const { page } = await open('/', { width, height: 844 });
  await weekOf(page, 'Demo').getByText('Live', { exact: true }).waitFor();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
});

test('the API reference opens and calls an endpoint, without complaints', async () => {
  const { page, takeComplaints } = await open('/docs');
  const operation = page.locator('.opblock', { hasText: '/api/weekly/activity' });
  await operation.getByRole('button').first().click();
  await operation.getByRole('button', { name: 'Try it out' }).click();
  await operation.getByRole('button', { name: 'Execute' }).click();
  await operation.locator('.live-responses-table', { hasText: '200' }).waitFor();
  expect(takeComplaints()).toEqual([]);
});
