import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';

/** A mail as the server took it. */
export interface ReceivedMail {
  /** Sender and recipients of the envelope: who gets it, whatever the headers say. */
  readonly envelope: { from: string; to: string[] };
  /** By lower-case name, unfolded and decoded; one entry for each line. */
  readonly headers: readonly (readonly [string, string])[];
  readonly text: string;
  readonly html: string | undefined;
  readonly isEncrypted: boolean;
}

/** What the server answers instead of taking a mail. */
interface Refusal {
  at: 'recipient' | 'data';
  code: number;
  message: string;
}

/** A mail server on loopback, with a password for those who sign in. */
export interface TestSmtpServer {
  readonly port: number;
  readonly received: readonly ReceivedMail[];
  /** Passwords that were shown to it. */
  readonly passwords: readonly string[];
  /** Refusals of the coming mails, the next one's first. */
  readonly refusals: Refusal[];
  /** Resolves when so many mails have come. */
  whenReceived(count: number): Promise<void>;
  close(): Promise<void>;
}

interface SmtpServerOptions {
  port?: number;
  /** True for a server that cannot encrypt. */
  isPlain?: boolean;
  /** The only password that it takes. */
  password?: string;
}

/** Starts a mail server; its certificate is signed by nobody. */
export async function makeSmtpServer(options: SmtpServerOptions = {}): Promise<TestSmtpServer> {
  const { port = 0, isPlain = false, password } = options;
  const received: ReceivedMail[] = [];
  const passwords: string[] = [];
  const refusals: Refusal[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const nextRefusal = (at: Refusal['at']) => {
    if (refusals[0]?.at !== at) return undefined;
    const { code, message } = refusals.shift() as Refusal;
    return Object.assign(new Error(message), { responseCode: code });
  };
  const server = new SMTPServer({
    authOptional: password === undefined,
    allowInsecureAuth: isPlain,
    disabledCommands: isPlain ? ['STARTTLS'] : [],
    onAuth: (auth, _session, done) => {
      passwords.push(auth.password ?? '');
      done(null, auth.password === password ? { user: auth.username } : { message: 'no such account' });
    },
    onRcptTo: (_address, _session, done) => done(nextRefusal('recipient')),
    onData: (stream, session, done) => {
      void text(stream).then((raw) => {
        const refusal = nextRefusal('data');
        if (!refusal) received.push(readMail(raw, session));
        done(refusal);
        for (const { count, resolve } of waiting) if (received.length >= count) resolve();
      });
    },
  });
  server.on('error', () => undefined);
  server.listen(port, '127.0.0.1');
  await once(server.server, 'listening');
  return {
    port: (server.server.address() as AddressInfo).port,
    received,
    passwords,
    refusals,
    whenReceived: async (count) => {
      if (received.length < count) await new Promise<void>((resolve) => waiting.push({ count, resolve }));
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

function readMail(raw: string, { envelope, secure }: SMTPServerSession): ReceivedMail {
  const { mailFrom, rcptTo } = envelope;
  const whole = readPart(raw);
  const boundary = /boundary="?([^";]+)/.exec(headerOf(whole, 'content-type'))?.[1];
  const parts = boundary === undefined ? [whole] : raw.split(`\r\n--${boundary}`).slice(1, -1).map(readPart);
  const bodyOf = (type: string) => parts.find((part) => headerOf(part, 'content-type').startsWith(type))?.body;
  return {
    envelope: { from: mailFrom ? mailFrom.address : '', to: rcptTo.map(({ address }) => address) },
    headers: whole.headers,
    text: bodyOf('text/plain') ?? '',
    html: bodyOf('text/html'),
    isEncrypted: secure,
  };
}

interface Part {
  headers: [string, string][];
  body: string;
}

function readPart(raw: string): Part {
  const [head = '', ...rest] = raw.replace(/^\r\n/, '').split('\r\n\r\n');
  const lines = head.replaceAll(/\r\n[ \t]/g, ' ').split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), decodeWords(line.slice(colon + 1).trim())];
  });
  const encoding = headers.find(([name]) => name === 'content-transfer-encoding')?.[1];
  return { headers, body: decodeBody(rest.join('\r\n\r\n'), encoding).replaceAll('\r\n', '\n') };
}

function headerOf({ headers }: Part, wanted: string): string {
  return headers.find(([name]) => name === wanted)?.[1] ?? '';
}

function decodeBody(body: string, encoding: string | undefined): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString();
  return encoding === 'quoted-printable' ? decodeQuoted(body.replaceAll('=\r\n', '')) : body;
}

function decodeQuoted(body: string): string {
  const bytes = body.replaceAll(/=([0-9A-F]{2})/g, (_match, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString();
}

/** Encoded words of a header (RFC 2047), those that follow each other without the space between. */
function decodeWords(value: string): string {
  return value
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?UTF-8\?([BQ])\?([^?]*)\?=/gi, (_match, kind: string, word: string) =>
      kind.toUpperCase() === 'B' ? Buffer.from(word, 'base64').toString() : decodeQuoted(word.replaceAll('_', ' ')),
    );
}
