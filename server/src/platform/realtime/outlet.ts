import type { RealtimeLimits } from './realtime-limits.ts';
import type { TransportGauge } from './transport-gauge.ts';

interface WaitingState {
  event: string;
  produce: () => Promise<unknown>;
}

interface OutletOptions {
  gauge: TransportGauge;
  limits: RealtimeLimits;
  /** Writes one event to the socket. */
  write: (event: string, payload: unknown) => void;
  onProduceFailed: (event: string, error: unknown) => void;
  /** The client takes nothing, and more waits for it than may. */
  onOverflow: () => void;
}

/** The way out of one connection: never more in the transport than the limits allow, whatever is asked of it. */
export class Outlet {
  readonly #options: OutletOptions;
  readonly #messages: (() => void)[] = [];
  readonly #states = new Map<string, WaitingState>();
  #areMessagesMoving = false;
  #areStatesMoving = false;
  #isClosed = false;

  constructor(options: OutletOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return !this.#isClosed && this.#options.gauge.isOpen;
  }

  /** Resolves when there is room to write, or the connection has ended. */
  room(): Promise<void> {
    return this.#options.gauge.room(this.#options.limits.maxWaitingBytes);
  }

  /** Writes, at once where there is room and else in its turn. Ends the connection where too much waits already. */
  push(write: () => void): void {
    if (!this.isOpen) return;
    const { gauge, limits, onOverflow } = this.#options;
    if (this.#messages.length === 0 && gauge.waitingBytes <= limits.maxWaitingBytes) write();
    else if (this.#messages.length >= limits.maxWaitingMessages) onOverflow();
    else {
      this.#messages.push(write);
      if (!this.#areMessagesMoving) void this.#moveMessages();
    }
  }

  /** Has a state made and written when there is room; of one key, only the newest waits. */
  pushState(key: string, state: WaitingState): void {
    if (!this.isOpen) return;
    this.#states.set(key, state);
    if (this.#areStatesMoving) return;
    this.#areStatesMoving = true;
    // After the turn that asks for it, so that an acknowledgement goes out before the state that it announces.
    setImmediate(() => void this.#moveStates());
  }

  close(): void {
    this.#isClosed = true;
    this.#messages.length = 0;
    this.#states.clear();
  }

  async #moveMessages(): Promise<void> {
    this.#areMessagesMoving = true;
    while (this.isOpen && this.#messages.length > 0) {
      await this.room();
      if (this.isOpen) this.#messages.shift()?.();
    }
    this.#areMessagesMoving = false;
  }

  async #moveStates(): Promise<void> {
    const { gauge, limits } = this.#options;
    while (this.isOpen && this.#states.size > 0) {
      await gauge.room(limits.maxWaitingBytesForState);
      for (const [key, state] of this.#states) {
        this.#states.delete(key);
        await this.#writeState(state);
        break;
      }
    }
    this.#areStatesMoving = false;
  }

  async #writeState({ event, produce }: WaitingState): Promise<void> {
    try {
      const payload = await produce();
      if (payload !== undefined && this.isOpen) this.#options.write(event, payload);
    } catch (error) {
      this.#options.onProduceFailed(event, error);
    }
  }
}
