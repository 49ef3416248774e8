import { domainToASCII } from 'node:url';
import { createTransport } from 'nodemailer';
import { isLoopbackHost, type MailConfig } from '../config/config.ts';
import type { Log } from '../log/log.ts';
import type { OutboxMail } from './mail-store.ts';

/** The server that mails leave by. */
export interface SmtpSender {
  /** Resolves when the server has taken the mail; rejects with the client's error, at the latest when the signal does. */
  send(mail: OutboxMail, signal: AbortSignal): Promise<void>;
  close(): void;
}

interface SmtpOptions extends Pick<MailConfig, 'from'> {
  smtpUrl: string;
  log: Log;
}

/** Makes the client of the server at the URL; each mail has a connection of its own. */
export function createSmtpSender({ smtpUrl, from, log }: SmtpOptions): SmtpSender {
  const transport = createTransport({
    // What the URL says stands over what is said here.
    url: smtpUrl,
    ...chooseTls(new URL(smtpUrl)),
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    dnsTimeout: 10_000,
    socketTimeout: 30_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  transport.on('error', (error: NodeJS.ErrnoException) =>
    log.warn({ code: error.code }, 'the SMTP client had an error'),
  );
  const domain = domainToASCII(from.address.slice(from.address.indexOf('@') + 1)) || 'localhost';
  return {
    send: async (mail, signal) => {
      await transport.sendMail({
        // The same at each attempt, so that whoever gets the mail twice can tell.
        messageId: `<${mail.id}@${domain}>`,
        date: mail.createdAt,
        from,
        // As an object it is one address, whatever it holds: a text would be read as a list.
        to: { name: '', address: mail.recipient },
        subject: mail.subject,
        text: mail.bodyText,
        ...(mail.bodyHtml === null ? {} : { html: mail.bodyHtml }),
        // RFC 3834: nobody's absence note answers.
        headers: { 'Auto-Submitted': 'auto-generated' },
        xMailer: false,
        signal,
      });
    },
    close: () => transport.close(),
  };
}

/**
 * On this machine nobody stands in between, and mail servers come with certificates that nobody signed. To another
 * machine a password takes TLS: a server, or somebody in between, that offers none would otherwise get it in the clear.
 */
function chooseTls({ hostname, username, password }: URL) {
  if (isLoopbackHost(hostname.replace(/^\[|\]$/g, ''))) return { tls: { rejectUnauthorized: false } };
  return { requireTLS: username !== '' || password !== '' };
}
