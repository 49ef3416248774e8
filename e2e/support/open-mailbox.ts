import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { waitUntil } from './wait-until.ts';

/** A mail server that keeps what is sent to it. */
export interface Mailbox {
  readonly url: string;
  /** Waits for a mail to the address whose text fits; answers what the pattern's group found. */
  find(recipient: string, pattern: RegExp): Promise<string>;
  close(): Promise<void>;
}

interface ReceivedMail {
  recipients: string[];
  text: string;
}

export async function openMailbox(): Promise<Mailbox> {
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: (stream, { envelope }, done) => {
      const recipients = envelope.rcptTo.map(({ address }) => address);
      text(stream).then((source) => {
        mails.push({ recipients, text: decodeQuotedPrintable(source) });
        done();
      }, done);
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    find: (recipient, pattern) =>
      waitUntil(`a mail to ${recipient} fits ${pattern}`, () => {
        const found = mails.findLast((mail) => mail.recipients.includes(recipient) && pattern.test(mail.text));
        return found && pattern.exec(found.text)?.[1];
      }),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function decodeQuotedPrintable(source: string): string {
  return source
    .replaceAll(/=\r?\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
