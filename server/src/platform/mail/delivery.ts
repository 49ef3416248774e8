import type { InstanceTx, Scopes } from '../db/scopes.ts';
import type { Log } from '../log/log.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { judgeFailure, planRetry } from './judge-failure.ts';
import { type ClaimedMail, claimDueMail, markSent, markUnsent } from './mail-store.ts';
import type { SmtpSender } from './send-by-smtp.ts';

/** Connections to the server at once, of this process. */
const maxLanes = 4;
/** The longest that sending one mail takes, whatever the server does. */
const sendingMs = 60_000;
/** How long a claimed mail is its claimer's: well above what sending takes. */
const leaseMs = 5 * 60_000;
/** What mails under way are given to end when the process stops. */
const closingMs = 5_000;

/** What became of mails, by number. */
export interface DeliveryCounts {
  sent: number;
  putOff: number;
  failed: number;
}

interface DeliveryOptions {
  scopes: Pick<Scopes, 'inInstance'>;
  sender: SmtpSender;
  log: Log;
  now: () => Date;
  telemetry: Pick<Telemetry, 'observeOutbound'> | undefined;
}

interface Attempted {
  readonly count: keyof DeliveryCounts;
  /** True where the server is away, and other mails need not be tried. */
  readonly isOutage: boolean;
}

interface FailedSending {
  readonly error: unknown;
  readonly startedMs: number;
}

/** Makes what sends the mails of the outbox; it works when asked. */
export function createDelivery(options: DeliveryOptions): Delivery {
  return new Delivery(options);
}

/**
 * Sends what is due, a few mails at a time. A mail is claimed in a transaction of its own before it is sent, and its
 * outcome written in another after: none is open while the server is talked to, and no two processes send it at once.
 * A process that ends between sending and writing leaves a mail that is sent again, under the same Message-ID.
 */
class Delivery {
  readonly #options: DeliveryOptions;
  readonly #lanes = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #isClosed = false;
  #isAsked = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Sends in the background what is due. Returns at once and never fails: what does not leave now leaves later. */
  deliverSoon(): void {
    this.#isAsked = true;
    if (this.#lanes.size >= maxLanes) return;
    const lane = this.#drain(newCounts());
    this.#keep(lane.catch((err: unknown) => this.#options.log.warn({ err }, 'mails are not delivered at the moment')));
  }

  /** Sends what is due until there is no more, the signal says so or the server is away. Rejects without a database. */
  async deliverDue(signal?: AbortSignal): Promise<DeliveryCounts> {
    const counts = newCounts();
    const lanes = Array.from({ length: maxLanes }, () => this.#drain(counts, signal));
    for (const lane of lanes) this.#keep(lane);
    await Promise.all(lanes);
    return counts;
  }

  /** Takes no more mails, gives those under way a moment to end, and resolves when they have. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const cut = setTimeout(() => this.#closing.abort(), closingMs);
    await Promise.all(this.#lanes);
    clearTimeout(cut);
    this.#options.sender.close();
  }

  async #drain(counts: DeliveryCounts, signal?: AbortSignal): Promise<void> {
    while (!this.#isClosed && !signal?.aborted) {
      // Whoever asked did so after a commit: the claim that follows sees it.
      this.#isAsked = false;
      const mail = await this.#claim();
      if (mail) {
        const { count, isOutage } = await this.#deliver(mail, signal);
        counts[count] += 1;
        if (isOutage) return;
      } else if (!this.#isAsked) {
        return;
      }
    }
  }

  #keep(lane: Promise<void>): void {
    const kept = lane.catch(() => undefined).finally(() => this.#lanes.delete(kept));
    this.#lanes.add(kept);
  }

  #claim(): Promise<ClaimedMail | undefined> {
    const now = this.#options.now();
    const leaseEnd = new Date(now.getTime() + leaseMs);
    return this.#options.scopes.inInstance((tx) => claimDueMail(tx, { now, leaseEnd }));
  }

  async #deliver(mail: ClaimedMail, signal: AbortSignal | undefined): Promise<Attempted> {
    const { sender, now } = this.#options;
    const signals = [this.#closing.signal, AbortSignal.timeout(sendingMs), ...(signal ? [signal] : [])];
    const startedMs = performance.now();
    try {
      await sender.send(mail, AbortSignal.any(signals));
    } catch (error) {
      return this.#recordFailure(mail, { error, startedMs });
    }
    this.#observe('2xx', startedMs);
    await this.#record((tx) => markSent(tx, { id: mail.id, sentAt: now() }), mail);
    return { count: 'sent', isOutage: false };
  }

  async #recordFailure(mail: ClaimedMail, { error, startedMs }: FailedSending): Promise<Attempted> {
    const { isPermanent, isOutage, problem, outcome } = judgeFailure(error);
    this.#observe(outcome, startedMs);
    const nextAttemptAt = isPermanent ? null : planRetry(mail.attempt, this.#options.now());
    // Neither what the server said nor the error: both name the recipient.
    this.#options.log.warn(
      { mail: mail.id, attempt: mail.attempt, outcome, nextAttemptAt },
      'a mail was not delivered',
    );
    await this.#record((tx) => markUnsent(tx, mail, { nextAttemptAt, problem }), mail);
    return { count: nextAttemptAt === null ? 'failed' : 'putOff', isOutage };
  }

  async #record(write: (tx: InstanceTx) => Promise<void>, mail: ClaimedMail): Promise<void> {
    try {
      await this.#options.scopes.inInstance(write);
    } catch (error) {
      const what = 'what became of a mail could not be written: it is sent again when its lease ends';
      this.#options.log.error({ err: error, mail: mail.id }, what);
      throw error;
    }
  }

  #observe(outcome: string, startedMs: number): void {
    const seconds = (performance.now() - startedMs) / 1_000;
    this.#options.telemetry?.observeOutbound({ service: 'smtp', outcome, seconds });
  }
}

function newCounts(): DeliveryCounts {
  return { sent: 0, putOff: 0, failed: 0 };
}
