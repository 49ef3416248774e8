import { randomBytes } from 'node:crypto';
import type { Log } from '#platform/log/log.ts';
import type { Bus, JsonValue } from './bus.ts';
import { type Envelope, readEnvelope } from './envelope.ts';
import { createListeners } from './listeners.ts';
import { createRareWarning } from './rare-warning.ts';
import { createSettling } from './settling.ts';
import type { Wire, WireContext } from './wire.ts';

interface WireBusOptions {
  log: Log;
  layWire(context: WireContext): Wire;
  /** How often a connection is asked whether it still lives; it has as long to answer. */
  beatMs?: number | undefined;
}

/** A shared bus on any wire: topics, acknowledgements, and word of what may have been missed. */
export class WireBus implements Bus {
  readonly isShared = true;
  readonly #processId = randomBytes(6).toString('hex');
  readonly #listeners;
  readonly #settling;
  readonly #warn;
  readonly #wire: Wire;
  readonly #beating: NodeJS.Timeout;
  readonly #silenceMs: number;
  #isUp = false;
  #connections = 0;
  #heardAt = 0;
  /** Messages that could not be sent, and how many of them the others have been told of. */
  #failures = 0;
  #toldFailures = 0;

  constructor({ log, layWire, beatMs = 2_000 }: WireBusOptions) {
    this.#listeners = createListeners(log);
    this.#settling = createSettling(log);
    this.#warn = createRareWarning(log);
    this.#silenceMs = beatMs * 2.5;
    const events = {
      heard: (payload: string) => this.#heard(payload),
      up: () => this.#up(),
      down: () => {
        this.#isUp = false;
      },
    };
    this.#wire = layWire({ processId: this.#processId, beatMs, events });
    this.#beating = setInterval(() => void this.#beat(), beatMs);
    this.#beating.unref();
  }

  isConnected(): boolean {
    // The silence is for a process that was itself paused: it cannot know what it missed until the next beat.
    return this.#isUp && performance.now() - this.#heardAt < this.#silenceMs;
  }

  publish(topic: string, message: JsonValue): void {
    this.#broadcast({ kind: 'say', from: this.#processId, topic, message }, false).catch((error) =>
      this.#failed(error),
    );
  }

  publishAndSettle(topic: string, message: JsonValue): Promise<void> {
    const { number, settled } = this.#settling.open();
    this.#broadcast({ kind: 'say', from: this.#processId, topic, message, number }, true).then(
      (count) => this.#settling.expect(number, count),
      (error: unknown) => {
        this.#failed(error);
        this.#settling.giveUp(number);
      },
    );
    return settled;
  }

  subscribe(topic: string, handler: (message: JsonValue) => void): () => void {
    return this.#listeners.subscribe(topic, handler);
  }

  onRestored(handler: () => void): () => void {
    return this.#listeners.onRestored(handler);
  }

  async close(): Promise<void> {
    clearInterval(this.#beating);
    this.#isUp = false;
    await this.#wire.close();
    this.#settling.close();
  }

  #broadcast(envelope: Envelope, isCounted: boolean): Promise<number> {
    return this.#wire.broadcast(JSON.stringify(envelope), isCounted);
  }

  #heard(payload: string): void {
    this.#heardAt = performance.now();
    const envelope = readEnvelope(payload);
    if (envelope === undefined) return;
    if (envelope.kind === 'ack') {
      this.#settling.acknowledge(envelope.number);
      return;
    }
    const isOwn = envelope.from === this.#processId;
    if (envelope.kind === 'missed') {
      if (!isOwn) this.#listeners.restored();
      return;
    }
    if (!isOwn) this.#listeners.deliver(envelope.topic, envelope.message);
    if (envelope.number !== undefined) this.#acknowledge(envelope.from, envelope.number);
  }

  #acknowledge(sender: string, number: number): void {
    if (sender === this.#processId) {
      this.#settling.acknowledge(number);
      return;
    }
    // A lost acknowledgement is the sender's time-out, which it reports.
    const ack: Envelope = { kind: 'ack', number };
    this.#wire.sendTo(sender, JSON.stringify(ack)).catch(() => undefined);
  }

  #up(): void {
    this.#isUp = true;
    this.#connections += 1;
    this.#heardAt = performance.now();
    this.#listeners.restored();
    void this.#tellMissed();
  }

  #failed(error: unknown): void {
    this.#failures += 1;
    this.#warn({ reason: String(error) }, 'A message to the other processes was not sent; they will be told later');
  }

  async #tellMissed(): Promise<void> {
    const covered = this.#failures;
    if (covered === this.#toldFailures) return;
    try {
      await this.#broadcast({ kind: 'missed', from: this.#processId }, false);
      this.#toldFailures = covered;
    } catch {
      // The next beat tries again.
    }
  }

  async #beat(): Promise<void> {
    void this.#tellMissed();
    if (!this.#isUp) return;
    const asked = this.#connections;
    try {
      await this.#wire.beat();
      this.#heardAt = performance.now();
    } catch {
      if (!this.#isUp || asked !== this.#connections) return;
      this.#isUp = false;
      this.#wire.reset();
    }
  }
}
