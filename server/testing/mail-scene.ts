import type { Database } from '#platform/db/database.ts';
import { createScopes, type Scopes } from '#platform/db/scopes.ts';
import { createLog } from '#platform/log/log.ts';
import { createMail, type Mail, type MailMessage } from '#platform/mail/mail.ts';
import type { MailState } from '#platform/mail/mail-store.ts';
import { makeSmtpServer, type ReceivedMail, type TestSmtpServer } from './make-smtp-server.ts';
import { openTestDatabase } from './test-database.ts';

/** An outbox on a database of its own and a mail server, with the clock in the test's hand. */
export interface MailScene {
  readonly database: Database;
  readonly scopes: Scopes;
  smtp: TestSmtpServer;
  now: Date;
  /** What was logged, a line each. */
  readonly lines: string[];
  /** A process: its outbox on the common database, sending by the scene's server unless told. */
  open(settings?: { smtpUrl?: string | undefined; scopes?: Pick<Scopes, 'inInstance'> }): Mail;
  /** Queues a mail, complete but for what is given. */
  write(mail: Mail, message?: Partial<MailMessage>): Promise<void>;
  /** The newest mail. */
  newest(): Promise<MailState>;
  pass(minutes: number): void;
  /** A new server, an empty outbox and the clock set back, for the next test. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

const start = new Date('2024-12-16T09:30:00Z');

/** The address of a server on this machine. */
export const urlOf = (port: number) => `smtp://127.0.0.1:${port}`;

/** The values of a header in a mail that arrived. */
export const headersOf = (received: ReceivedMail | undefined, wanted: string) =>
  received?.headers.filter(([name]) => name === wanted).map(([, value]) => value);

/** Prepares the scene. */
export async function makeMailScene(): Promise<MailScene> {
  const database = await openTestDatabase();
  const scopes = createScopes({ database, log: createLog({ level: 'silent' }) });
  const lines: string[] = [];
  const opened: Mail[] = [];
  const log = createLog({ level: 'debug', destination: { write: (line: string) => void lines.push(line) } });
  const from = { name: 'Almanac', address: 'almanac@example.org' };
  const linkOrigin = 'https://almanac.example';
  const stop = async () => {
    for (const mail of opened.splice(0)) await mail.close();
    await scene.smtp.close();
  };
  const scene: MailScene = {
    database,
    scopes,
    smtp: await makeSmtpServer(),
    now: start,
    lines,
    open: (settings) => {
      const { smtpUrl, ...used } = { smtpUrl: urlOf(scene.smtp.port), scopes, ...settings };
      const mail = createMail({ ...used, config: { smtpUrl, from, linkOrigin }, log, now: () => scene.now });
      opened.push(mail);
      return mail;
    },
    write: (mail, message = {}) =>
      scopes.inInstance((tx) =>
        mail.queue(tx, { to: 'ada@example.net', subject: 'Hello', text: 'Hello, Ada.\n', ...message }),
      ),
    newest: async () => {
      const [newest] = await scene.open({ smtpUrl: undefined }).list({ limit: 1 });
      if (!newest) throw new Error('There is no mail.');
      return newest;
    },
    pass: (minutes) => {
      scene.now = new Date(scene.now.getTime() + minutes * 60_000);
    },
    reset: async () => {
      await stop();
      await createMail({
        scopes,
        config: { smtpUrl: undefined, from, linkOrigin: '' },
        log,
        now: () => start,
      }).deleteOld(new Date('2100-01-01'));
      lines.length = 0;
      scene.now = start;
      scene.smtp = await makeSmtpServer();
    },
    close: async () => {
      await stop();
      await database.close();
    },
  };
  return scene;
}
