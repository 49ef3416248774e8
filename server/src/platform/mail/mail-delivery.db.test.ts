import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { headersOf, type MailScene, makeMailScene, urlOf } from '#testing/mail-scene.ts';
import { makeSmtpServer } from '#testing/make-smtp-server.ts';
import type { Scopes } from '../db/scopes.ts';
import { createTestEngine } from '../jobs/test-engine.ts';
import { mailJobs } from './mail.jobs.ts';
import { claimDueMail } from './mail-store.ts';

let it: MailScene;
beforeAll(async () => {
  it = await makeMailScene();
});
beforeEach(() => it.reset());
afterAll(() => it.close());

describe('A refused mail', () => {
  test('is tried again later where the refusal is for now', async () => {
    const mail = it.open();
    await it.write(mail);
    it.smtp.refusals.push(
      { at: 'recipient', code: 451, message: 'try again' },
      { at: 'data', code: 452, message: 'full' },
    );
    expect(await mail.deliverDue()).toEqual({ sent: 0, putOff: 1, failed: 0 });
    expect(await mail.deliverDue()).toEqual({ sent: 0, putOff: 0, failed: 0 });
    const refused = { attempts: 1, nextAttemptAt: new Date('2024-12-16T09:31:00Z'), bodyText: 'Hello, Ada.\n' };
    expect(await it.newest()).toMatchObject({ ...refused, problem: expect.stringMatching(/451 try again$/) });
    it.pass(1);
    expect(await mail.deliverDue()).toEqual({ sent: 0, putOff: 1, failed: 0 });
    it.pass(5);
    expect(await mail.deliverDue()).toEqual({ sent: 1, putOff: 0, failed: 0 });
    expect(await it.newest()).toMatchObject({ attempts: 3, sentAt: it.now, problem: null, bodyText: null });
  });

  test.each(['recipient', 'data'] as const)('at the %s for good fails at once', async (at) => {
    const mail = it.open();
    await it.write(mail);
    it.smtp.refusals.push({ at, code: 550, message: 'ada@example.net is unknown' });
    expect(await mail.deliverDue()).toEqual({ sent: 0, putOff: 0, failed: 1 });
    const problem = expect.stringContaining('550 ada@example.net is unknown');
    expect(await it.newest()).toMatchObject({ attempts: 1, nextAttemptAt: null, sentAt: null, problem });
    it.pass(24 * 60);
    expect(await mail.deliverDue()).toEqual({ sent: 0, putOff: 0, failed: 0 });
    expect(it.lines.join('')).toMatch(/"outcome":"5xx"/);
    expect(it.lines.join('')).not.toMatch(/ada@|Hello/);
  });

  test('is given up after eight attempts', async () => {
    const mail = it.open();
    await it.write(mail);
    for (let attempt = 1; attempt <= 8; attempt += 1) {
      it.smtp.refusals.push({ at: 'recipient', code: 450, message: 'busy' });
      expect(await mail.deliverDue()).toMatchObject(attempt < 8 ? { putOff: 1 } : { failed: 1 });
      it.pass(12 * 60);
    }
    expect(await mail.deliverDue()).toEqual({ sent: 0, putOff: 0, failed: 0 });
    expect(await it.newest()).toMatchObject({ attempts: 8, nextAttemptAt: null, sentAt: null });
  });
});

describe('A server that is away', () => {
  test('ends nothing, is not asked for each mail, and gets them all when it is back', async () => {
    const { port } = it.smtp;
    await it.smtp.close();
    const mail = it.open({ smtpUrl: urlOf(port) });
    for (let count = 0; count < 20; count += 1) await it.write(mail);
    mail.deliverSoon();
    const { sent, failed, putOff } = await mail.deliverDue();
    expect({ sent, failed }).toEqual({ sent: 0, failed: 0 });
    expect(putOff).toBeLessThanOrEqual(4);
    const problems = (await mail.list({ limit: 20 })).flatMap(({ problem }) => problem ?? []);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.every((problem) => problem.includes('ECONNREFUSED'))).toBe(true);
    it.smtp = await makeSmtpServer({ port });
    it.pass(1);
    expect((await mail.deliverDue()).sent).toBe(20);
    expect(it.smtp.received).toHaveLength(20);
  });

  test('is waited for no longer than the process runs', async () => {
    const silent = createServer((socket) => void socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const mail = it.open({ smtpUrl: urlOf((silent.address() as AddressInfo).port) });
    await it.write(mail);
    const stopping = new AbortController();
    const delivering = mail.deliverDue(stopping.signal);
    await once(silent, 'connection');
    stopping.abort();
    expect(await delivering).toEqual({ sent: 0, putOff: 1, failed: 0 });
    expect(await it.newest()).toMatchObject({ sentAt: null, nextAttemptAt: new Date('2024-12-16T09:31:00Z') });
    silent.close();
  });
});

describe('Two processes', () => {
  test('send each mail once between them', async () => {
    const [one, other] = [it.open(), it.open()];
    for (let count = 0; count < 20; count += 1) await it.write(one, { to: `person-${count}@example.net` });
    const [first, second] = await Promise.all([one.deliverDue(), other.deliverDue()]);
    expect(first.sent + second.sent).toBe(20);
    const recipients = it.smtp.received.flatMap(({ envelope }) => envelope.to);
    expect(new Set(recipients).size).toBe(20);
    expect(recipients).toHaveLength(20);
  });

  test('leave a mail to the one that took it, until its lease is over', async () => {
    const mail = it.open();
    await it.write(mail);
    const leaseEnd = new Date(it.now.getTime() + 5 * 60_000);
    const claimed = await it.scopes.inInstance((tx) => claimDueMail(tx, { now: it.now, leaseEnd }));
    expect(claimed).toMatchObject({ recipient: 'ada@example.net', attempt: 1 });
    it.pass(4);
    expect((await mail.deliverDue()).sent).toBe(0);
    it.pass(1);
    expect((await mail.deliverDue()).sent).toBe(1);
    expect(headersOf(it.smtp.received[0], 'message-id')).toEqual([`<${claimed?.id}@example.org>`]);
    expect(await it.newest()).toMatchObject({ attempts: 2 });
  });
});

test('a mail that is asked for while everyone finds nothing to do leaves all the same', async () => {
  const [haveLooked, mayGoOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let looks = 0;
  const inInstance: Scopes['inInstance'] = async (work) => {
    const found = await it.scopes.inInstance(work);
    looks += 1;
    if (looks === 4) haveLooked.resolve();
    await mayGoOn.promise;
    return found;
  };
  const mail = it.open({ scopes: { inInstance } });
  const delivering = mail.deliverDue();
  await haveLooked.promise;
  await it.write(mail);
  mail.deliverSoon();
  mayGoOn.resolve();
  expect((await delivering).sent).toBe(1);
});

describe('A password', () => {
  test('opens the server, encrypted, and a wrong one is the operator’s matter', async () => {
    const guarded = await makeSmtpServer({ password: 'p/w:1' });
    const wrong = it.open({ smtpUrl: `smtp://ada:s3cret-s3cret@127.0.0.1:${guarded.port}` });
    await it.write(wrong);
    expect(await wrong.deliverDue()).toEqual({ sent: 0, putOff: 1, failed: 0 });
    expect(await it.newest()).toMatchObject({ problem: expect.stringContaining('535'), sentAt: null });
    it.pass(1);
    const right = it.open({ smtpUrl: `smtp://ada:p%2Fw%3A1@127.0.0.1:${guarded.port}` });
    expect((await right.deliverDue()).sent).toBe(1);
    expect(guarded.passwords).toEqual(['s3cret-s3cret', 'p/w:1']);
    expect(guarded.received[0]?.isEncrypted).toBe(true);
    expect(it.lines.join('')).not.toMatch(/s3cret|p\/w/);
    await guarded.close();
  });

  test('is not shown to another machine that does not encrypt, unless the URL says so', async () => {
    const plain = await makeSmtpServer({ password: 'p', isPlain: true });
    // Reaches this machine, and does not look it.
    const url = `smtp://ada:p@0.0.0.0:${plain.port}`;
    const careful = it.open({ smtpUrl: url });
    await it.write(careful);
    expect(await careful.deliverDue()).toEqual({ sent: 0, putOff: 1, failed: 0 });
    expect(plain.passwords).toEqual([]);
    expect(await it.newest()).toMatchObject({ problem: expect.stringMatching(/TLS/) });
    it.pass(1);
    expect((await it.open({ smtpUrl: `${url}?requireTLS=false` }).deliverDue()).sent).toBe(1);
    await plain.close();
  });
});

test('the job sends what did not leave at once', async () => {
  const engine = createTestEngine(it.database);
  it.now = engine.clock.now();
  const mail = it.open();
  const jobs = await engine.start(mailJobs(mail));
  await it.write(mail);
  it.now = engine.clock.set('2026-03-02T12:01:00Z');
  await jobs.tick();
  await jobs.whenIdle();
  expect(it.smtp.received).toHaveLength(1);
  expect(await jobs.logs('deliver_mails')).toMatchObject([{ result: { sent: 1, put_off: 0, failed: 0 } }]);
  it.now = engine.clock.set('2026-03-02T12:02:00Z');
  await jobs.tick();
  await jobs.whenIdle();
  expect(await jobs.logs('deliver_mails')).toMatchObject([{ result: null }, { result: { sent: 1 } }]);
  await engine.closeEngines();
});
