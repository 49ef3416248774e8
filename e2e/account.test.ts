import { randomUUID } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { computeTotp } from './support/compute-totp.ts';
import { openBrowser, openPage, type WatchedPage } from './support/open-browser.ts';
import { useScene } from './support/scene.ts';
import { enterPassword, signInOnPage } from './support/sign-in-on-page.ts';
import { newItem, type Person, signUp } from './support/sign-up.ts';
import type { StartedServer } from './support/start-server.ts';
import { waitUntil } from './support/wait-until.ts';

const scene = useScene();
let browser: Browser;
let server: StartedServer;
/** The first account, which administers the installation and reads the mails it keeps. */
let administrator: Person;

beforeAll(async () => {
  const { url } = await scene.makeDatabase();
  [browser, server] = await Promise.all([openBrowser(), scene.startServer({ DATABASE_URL: url })]);
  scene.closeLater(() => browser.close());
  administrator = await signUp(server.url);
});

/** Opens a page in a browser profile of its own. */
async function open(path = '/', viewport?: { width: number; height: number }): Promise<WatchedPage> {
  const opened = await openPage(browser, viewport);
  opened.page.setDefaultTimeout(10_000);
  scene.closeLater(() => opened.page.context().close());
  await opened.page.goto(`${server.url}${path}`);
  return opened;
}

/** The path of the newest link of that kind among the mails that are kept for an address. */
function findLink(recipient: string, kind: string): Promise<string> {
  return waitUntil(`a mail to ${recipient} links to ${kind}`, async () => {
    const { items } = await administrator.on(server.url).mail.list({ query: {} });
    const pattern = new RegExp(`/#${kind}=[\\w-]{43}`);
    const texts = items.filter((mail) => mail.recipient === recipient).map((mail) => mail.body_text ?? '');
    return texts.map((text) => pattern.exec(text)?.[0]).find((link) => link !== undefined);
  });
}

/** Where a token could be found afterwards: the address, the entries of the history, the storage. */
function readTraces(page: Page): Promise<string> {
  return page.evaluate(() => {
    const { navigation } = window as unknown as { navigation: { entries(): { url: string }[] } };
    const entries = navigation.entries().map(({ url }) => url);
    return JSON.stringify([location.href, entries, { ...localStorage }, { ...sessionStorage }]);
  });
}

const weekOfDemo = (page: Page) => page.getByRole('region', { name: 'Demo' });

const openSection = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Account' }).getByRole('link', { name }).click();

test('somebody registers, is told what is wrong with a password, and confirms the address by mail', async () => {
  const email = `${randomUUID()}@example.org`;
  const { page, takeComplaints } = await open();
  await page.getByText('Sign in', { exact: true }).first().click();
  await page.getByRole('button', { name: 'Make an account' }).click();
  await page.getByLabel('Your name').fill('Grace');
  await page.getByLabel('E-mail').fill(email);
  const password = page.getByLabel('Password');
  await password.fill('password123');
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByText('Password is one of the most common passwords').waitFor();
  expect(await password.getAttribute('aria-invalid')).toBe('true');
  expect(await password.evaluate((input) => input === document.activeElement)).toBe(true);
  expect(takeComplaints()).toEqual([expect.stringContaining('400')]);

  await password.fill('correct horse battery');
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByRole('link', { name: 'Account' }).click();
  await page.getByText('Not confirmed yet').waitFor();
  const first = await findLink(email, 'verify-email');
  await page.getByRole('button', { name: 'Mail the link again' }).click();
  await page.getByText(`A link to confirm ${email} is on its way`).waitFor();
  const link = await findLink(email, 'verify-email');
  expect(link).not.toBe(first);
  await page.goto(`${server.url}${link}`);
  await page.getByText(`${email} is confirmed.`).waitFor();
  expect(await readTraces(page)).not.toContain(link.split('=')[1]);
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('link', { name: 'Account' }).click();
  await page.getByText('Confirmed on').waitFor();
  expect(takeComplaints()).toEqual([]);
});

test('a second factor is set up, and signing in then takes its code or a recovery code', async () => {
  const person = await signUp(server.url);
  const { page } = await open('/#account/second-factor');
  await signInOnPage(page, person);
  await page.getByRole('button', { name: 'Set up a second factor' }).click();
  const picture = page.getByAltText('QR code');
  await picture.waitFor();
  expect(await picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  const secret = ((await page.locator('code').first().textContent()) ?? '').replaceAll(' ', '');
  await page.getByLabel('Code').fill(computeTotp(secret));
  await page.getByRole('button', { name: 'Turn it on' }).click();
  const [recoveryCode = '', another = ''] = ((await page.getByLabel('Recovery codes').textContent()) ?? '').split('\n');
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await page.getByText('The second factor is on.').waitFor();

  await page.getByRole('button', { name: 'Sign out' }).click();
  await weekOfDemo(page).waitFor();
  await enterPassword(page, person);
  await page.getByLabel('Code').fill(computeTotp(secret, 1));
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();

  const other = await open();
  await enterPassword(other.page, person);
  await other.page.getByRole('button', { name: 'Use a recovery code' }).click();
  await other.page.getByLabel('Code').fill(recoveryCode);
  await other.page.getByRole('button', { name: 'Go on' }).click();
  await other.page.getByRole('button', { name: 'Sign out' }).waitFor();

  await other.page.getByRole('link', { name: 'Account' }).click();
  await openSection(other.page, 'Your data');
  await other.page.getByLabel('Your e-mail address').fill(person.email);
  await other.page.getByLabel('Password').fill(person.password);
  await other.page.getByLabel('Code').fill(another);
  await other.page.getByRole('button', { name: 'Delete the account' }).click();
  await weekOfDemo(other.page).waitFor();
});

test('a forgotten password is replaced through the mailed link, which works once', async () => {
  const person = await signUp(server.url);
  const { page } = await open();
  await page.getByText('Sign in', { exact: true }).first().click();
  await page.getByRole('button', { name: 'Forgot your password?' }).click();
  await page.getByLabel('E-mail').fill(person.email);
  await page.getByRole('button', { name: 'Mail me a link' }).click();
  await page.getByText('If there is an account for this address').waitFor();

  const link = await findLink(person.email, 'reset-password');
  await page.goto(`${server.url}${link}`);
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'New password' }).fill('staple of another kind');
  await dialog.getByRole('button', { name: 'Set the password' }).click();
  await dialog.getByText('The password is changed').waitFor();
  expect(await readTraces(page)).not.toContain(link.split('=')[1]);
  await dialog.getByLabel('E-mail').fill(person.email);
  await dialog.getByLabel('Password').fill('staple of another kind');
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();

  const again = await open(link);
  await again.page.getByRole('textbox', { name: 'New password' }).fill('yet another staple');
  await again.page.getByRole('button', { name: 'Set the password' }).click();
  await again.page.getByText('The link is unknown, used or too old').waitFor();
});

test('somebody who is invited makes an account and accepts, and the owner changes the role', async () => {
  const owner = await signUp(server.url);
  const email = `${randomUUID()}@example.org`;
  const { page } = await open('/#account/members');
  await signInOnPage(page, owner);
  await page.getByRole('button', { name: 'Invite' }).waitFor();
  await page.getByRole('textbox', { name: 'E-mail' }).fill(email);
  await page.getByLabel('Role', { exact: true }).selectOption('analyst');
  await page.getByRole('button', { name: 'Invite' }).click();
  await page.getByText(`${email} is invited as analyst.`).waitFor();

  const link = await findLink(email, 'accept-invitation');
  const guest = await open(link, { width: 390, height: 844 });
  const dialog = guest.page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Make an account' }).click();
  await dialog.getByLabel('Your name').fill('Grace');
  await dialog.getByLabel('E-mail').fill(email);
  await dialog.getByLabel('Password').fill('correct horse battery');
  await dialog.getByRole('button', { name: 'Make the account' }).click();
  const client = owner.on(server.url);
  const [organization] = await client.organizations.list();
  const { id = '', name = '' } = organization ?? {};
  await dialog.getByText(`You are now analyst of ${name}.`).waitFor();
  expect(await readTraces(guest.page)).not.toContain(link.split('=')[1]);
  await dialog.getByRole('button', { name: 'Show the week' }).click();
  await guest.page.getByRole('region', { name }).waitFor();
  expect(guest.takeComplaints()).toEqual([]);

  await openSection(page, 'Profile');
  await openSection(page, 'Members');
  await page.getByLabel('Role of Grace').selectOption('viewer');
  await page.getByText('Grace is viewer now.').waitFor();
  const { items } = await client.members.list({ params: { id }, query: {} });
  expect(items.map((member) => [member.email, member.role])).toEqual([
    [owner.email, 'owner'],
    [email, 'viewer'],
  ]);
});

test('an owner changes the calendar, is told what is wrong with a zone, and the open week follows', async () => {
  const owner = await signUp(server.url);
  await owner.on(server.url).weekly.addItems({ body: { items: [newItem('calendar')] } });
  const [settings, week] = [await open('/#account/organization'), await open()];
  await signInOnPage(settings.page, owner);
  await signInOnPage(week.page, owner);
  await week.page.getByText('· UTC', { exact: false }).waitFor();
  const form = settings.page.locator('form').filter({ has: settings.page.getByLabel('A week begins on') });
  const zone = form.getByLabel('Time zone');
  await zone.fill('Mars/Olympus');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByText('is not a time zone of the IANA database').waitFor();
  expect(await zone.getAttribute('aria-invalid')).toBe('true');
  await zone.fill('Asia/Kolkata');
  await form.getByLabel('A week begins on').selectOption('7');
  await form.getByRole('button', { name: 'Save' }).click();
  await settings.page.getByText('Saved.').waitFor();
  expect(await zone.inputValue()).toBe('Asia/Kolkata');
  await week.page.getByText('· Asia/Kolkata', { exact: false }).waitFor();
  const [organization] = await owner.on(server.url).organizations.list();
  expect([organization?.timezone, organization?.first_day_of_week]).toEqual(['Asia/Kolkata', 7]);
  expect(week.takeComplaints()).toEqual([]);
});

test('a session is ended from the list, and its browser is signed out within seconds', async () => {
  const person = await signUp(server.url);
  const [kept, ended] = await Promise.all([open('/#account/sessions'), open()]);
  await signInOnPage(ended.page, person);
  await signInOnPage(kept.page, person);
  const list = kept.page.getByRole('list', { name: 'Sessions' });
  await list.getByText('this one').waitFor();
  // The newest first: this one, the other browser, the one of the registration.
  await list.getByRole('button', { name: 'End the session of Chrome' }).first().click();
  await kept.page.getByRole('dialog').getByRole('button', { name: 'End the session' }).click();
  await kept.page.getByText('The session has ended.').waitFor();
  await ended.page.getByText('Your session has ended.').waitFor({ timeout: 20_000 });
  expect(await kept.page.getByRole('banner').getByRole('button', { name: 'Sign out' }).isVisible()).toBe(true);
});

test.each([390, 1440])('every section fits into %i pixels, and every control in it has a name', async (width) => {
  // Not at the first of them: its heading would be there before it is opened, over controls about to be replaced.
  const { page, takeComplaints } = await open('/#account/data', { width, height: 900 });
  await signInOnPage(page, administrator);
  const sections = page.getByRole('navigation', { name: 'Account' }).getByRole('link');
  await sections.first().waitFor();
  for (const name of (await sections.allTextContents()).slice(1)) {
    await openSection(page, name);
    await page.getByRole('heading', { name, level: 2 }).waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(width);
    const controls = page.locator('#account').locator('input, select, button').and(page.locator(':visible'));
    for (const control of await controls.all()) expect(await control.ariaSnapshot(), name).toMatch(/^- '?\w+ "/);
  }
  expect(takeComplaints()).toEqual([]);
});
