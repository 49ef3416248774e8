import { toOneLine } from './to-one-line.ts';

/** What the SMTP client adds to its errors. */
interface SmtpError extends Error {
  /** EENVELOPE and EMESSAGE: it is about this mail; anything else is about the connection or its credentials. */
  readonly code?: string;
  readonly responseCode?: number;
  /** Present with a reply alone: true for 5xx but 503. */
  readonly permanent?: boolean;
}

/** What a failed attempt means for the mail. */
export interface DeliveryFailure {
  /** True where another attempt would end the same. */
  readonly isPermanent: boolean;
  /** True where the server did not get as far as judging a mail, so that others need not be tried either. */
  readonly isOutage: boolean;
  /** One line for the administrator. */
  readonly problem: string;
  /** For the metrics: the class of the reply, or what kept one from coming. */
  readonly outcome: '4xx' | '5xx' | 'unreachable' | 'timeout' | 'aborted';
}

/** Minutes from each attempt to the next: eight attempts within a day. */
const retryMinutes = [1, 5, 15, 60, 180, 360, 720];
const maxProblemLength = 500;

/** Replies that ask for credentials (RFC 4954, 6): the operator's matter, whatever the mail. */
const credentialReplies = new Set([530, 534, 535, 538]);

/** Says what became of a mail from what the SMTP client threw. */
export function judgeFailure(error: unknown): DeliveryFailure {
  const { code, responseCode, permanent, message } = describe(error);
  const isAboutMail = code === 'EENVELOPE' || code === 'EMESSAGE';
  const isCredentials = responseCode !== undefined && credentialReplies.has(responseCode);
  // Without a reply the client itself found that the mail cannot be: an address or a size that the server does not take.
  const isPermanent = isAboutMail && !isCredentials && (permanent ?? true);
  return {
    isPermanent,
    isOutage: code !== 'EABORT' && (!isAboutMail || isCredentials || responseCode === 421),
    problem: toOneLine(message, maxProblemLength),
    outcome: outcomeOf(code, isPermanent ? 500 : responseCode),
  };
}

/** When a mail is tried again after so many attempts; null once it is given up. */
export function planRetry(attempt: number, now: Date): Date | null {
  const minutes = retryMinutes[attempt - 1];
  return minutes === undefined ? null : new Date(now.getTime() + minutes * 60_000);
}

function describe(error: unknown): SmtpError {
  return error instanceof Error ? error : new Error(String(error));
}

function outcomeOf(code: string | undefined, responseCode: number | undefined): DeliveryFailure['outcome'] {
  if (responseCode !== undefined) return responseCode >= 500 ? '5xx' : '4xx';
  if (code === 'EABORT') return 'aborted';
  return code === 'ETIMEDOUT' ? 'timeout' : 'unreachable';
}
