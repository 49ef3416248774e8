import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { headersOf, type MailScene, makeMailScene } from '#testing/mail-scene.ts';
import { mailJobs } from './mail.jobs.ts';
import { insertMail } from './mail-store.ts';

let it: MailScene;
beforeAll(async () => {
  it = await makeMailScene();
});
beforeEach(() => it.reset());
afterAll(() => it.close());

describe('A mail', () => {
  test('arrives as text and HTML, and what it said is dropped', async () => {
    const mail = it.open();
    await it.write(mail, { html: '<p>Hello, <b>Ada</b>.</p>' });
    expect(await mail.deliverDue()).toEqual({ sent: 1, putOff: 0, failed: 0 });
    const { id, ...state } = await it.newest();
    const [received] = it.smtp.received;
    expect(received).toMatchObject({
      envelope: { from: 'almanac@example.org', to: ['ada@example.net'] },
      text: 'Hello, Ada.\n',
      html: expect.stringContaining('<p>Hello, <b>Ada</b>.</p>'),
      isEncrypted: true,
    });
    expect(Object.fromEntries(received?.headers ?? [])).toMatchObject({
      from: 'Almanac <almanac@example.org>',
      to: 'ada@example.net',
      subject: 'Hello',
      date: 'Mon, 16 Dec 2024 09:30:00 +0000',
      'message-id': `<${id}@example.org>`,
      'auto-submitted': 'auto-generated',
    });
    expect(headersOf(received, 'x-mailer')).toEqual([]);
    expect(state).toMatchObject({ bodyText: null, attempts: 1, nextAttemptAt: null, sentAt: it.now, problem: null });
    expect(it.lines).toEqual([]);
  });

  test('arrives in every script, its lines whole', async () => {
    const mail = it.open();
    const message = {
      subject: 'Rückblick auf die Woche: 日本語, ελληνικά, עברית und 🎉, in einem Satz, der länger ist als eine Zeile',
      text: `.\n.. zwei Punkte\nFrom here\n${'ä'.repeat(2_000)}\n🎉\n`,
    };
    await it.write(mail, message);
    await mail.deliverDue();
    expect(it.smtp.received[0]?.text).toBe(message.text);
    expect(headersOf(it.smtp.received[0], 'subject')).toEqual([message.subject]);
  });

  test('leaves in the background once it is asked for', async () => {
    const mail = it.open();
    for (let count = 0; count < 6; count += 1) {
      await it.write(mail, { subject: `Number ${count}` });
      mail.deliverSoon();
    }
    await it.smtp.whenReceived(6);
    await mail.close();
    const subjects = it.smtp.received.flatMap((received) => headersOf(received, 'subject') ?? []);
    expect(subjects.sort()).toEqual([0, 1, 2, 3, 4, 5].map((count) => `Number ${count}`));
    expect((await mail.list({ limit: 10 })).every(({ sentAt }) => sentAt !== null)).toBe(true);
  });

  test('of a transaction that is rolled back is none', async () => {
    const mail = it.open();
    const rolledBack = it.scopes.inInstance(async (tx) => {
      await mail.queue(tx, { to: 'ada@example.net', subject: 'No', text: 'No' });
      throw new Error('on purpose');
    });
    await expect(rolledBack).rejects.toThrow('on purpose');
    await mail.deliverDue();
    expect(it.smtp.received).toEqual([]);
    expect(await mail.list({ limit: 1 })).toEqual([]);
  });

  test('is kept where there is no server, and not sent when there is one', async () => {
    const keeping = it.open({ smtpUrl: undefined });
    await it.write(keeping);
    keeping.deliverSoon();
    expect(keeping.isSending).toBe(false);
    expect(mailJobs(keeping)).toEqual([]);
    expect(await keeping.deliverDue()).toEqual({ sent: 0, putOff: 0, failed: 0 });
    expect(await it.open().deliverDue()).toEqual({ sent: 0, putOff: 0, failed: 0 });
    const kept = { bodyText: 'Hello, Ada.\n', attempts: 0, nextAttemptAt: null, sentAt: null, problem: null };
    expect(await it.newest()).toMatchObject(kept);
  });

  test('links to the web application by a fragment', () => {
    expect(it.open().linkTo('reset-password=x')).toBe('https://almanac.example/#reset-password=x');
  });
});

describe('What a mail is given', () => {
  test('makes one subject, whatever stands in it', async () => {
    const mail = it.open();
    for (const subject of ['A\r\nBcc: eve@example.net', 'A\n\nBody', 'A\u2028B\0C', ' '.repeat(3), 'x'.repeat(5_000)]) {
      await it.write(mail, { subject });
    }
    await mail.deliverDue();
    expect(it.smtp.received).toHaveLength(5);
    for (const received of it.smtp.received) {
      expect(received.envelope.to).toEqual(['ada@example.net']);
      expect(headersOf(received, 'bcc')).toEqual([]);
      expect(headersOf(received, 'subject')?.length).toBeLessThanOrEqual(1);
      expect(received.text).toBe('Hello, Ada.\n');
    }
    const subjects = it.smtp.received.flatMap((received) => headersOf(received, 'subject') ?? []);
    expect(subjects).toEqual(expect.arrayContaining(['A Bcc: eve@example.net', 'A Body', 'A B C', 'x'.repeat(250)]));
  });

  const hostile = [
    'ada@example.net, eve@example.net',
    'ada@example.net\r\nBcc: eve@example.net',
    'ada@example.net>\r\nRCPT TO:<eve@example.net',
    'Ada <ada@example.net>',
    '"ada eve"@example.net',
    'ada@example.net@example.com',
    'group: ada@example.net;',
    'ada',
    '',
  ];

  test.each(hostile)('is refused where %j should be one address', async (to) => {
    const mail = it.open();
    await expect(it.write(mail, { to })).rejects.toThrow('A mail takes one plain address.');
    expect(await mail.list({ limit: 1 })).toEqual([]);
  });

  test('reaches nobody else even from a row that nobody checked', async () => {
    const mail = it.open();
    const row = { subject: 'Hello', bodyText: 'Hello', bodyHtml: null, createdAt: it.now, nextAttemptAt: it.now };
    for (const recipient of hostile)
      await it.scopes.inInstance((tx) => insertMail(tx, { id: newId(), recipient, ...row }));
    const { sent, failed, putOff } = await mail.deliverDue();
    expect(sent + failed).toBe(hostile.length);
    expect(putOff).toBe(0);
    for (const { envelope, headers } of it.smtp.received) {
      expect(envelope.to).toHaveLength(1);
      expect(envelope.to).not.toContain('eve@example.net');
      expect(headers.filter(([name]) => name === 'bcc' || name === 'rcpt to')).toEqual([]);
    }
  });

  test('may hold a zero', async () => {
    const mail = it.open();
    await it.write(mail, { text: 'a\0b', html: '<p>\0</p>' });
    await mail.deliverDue();
    expect(it.smtp.received[0]?.text.trim()).toBe('ab');
  });
});

test('mails older than 30 days are deleted', async () => {
  const mail = it.open({ smtpUrl: undefined });
  await it.write(mail, { subject: 'old' });
  it.pass(1);
  await it.write(mail, { subject: 'new' });
  expect(await mail.deleteOld(new Date('2025-01-15T09:30:00Z'))).toBe(0);
  expect(await mail.deleteOld(new Date('2025-01-15T09:30:01Z'))).toBe(1);
  expect(await mail.list({ limit: 10 })).toMatchObject([{ subject: 'new' }]);
});
