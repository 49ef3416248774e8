import type { LiveMessage } from '@almanac/contract/live.ts';
import type { Broadcast, SentSubscription, Subscription, WebSocketConnection } from '#features/live/index.ts';
import { type AlmanacHandle, takeAlmanac } from './open-almanac.ts';

/** Who connects, as the program has made sure, and what for: with an AbortSignal as `signal` it ends with that. */
export interface Connecting {
  organizationId: string;
  userId: string;
  request?: object;
}

/** Live messages for a program. Subscriptions are the same as those of sockets on the default namespace. */
export class WebSocketService {
  readonly #given: AlmanacHandle | undefined;

  /** Works on what `openAlmanac()` answers; on the database that the environment names unless given. */
  constructor(almanac?: AlmanacHandle) {
    this.#given = almanac;
  }

  /** Connects a member. Throws VALIDATION_ERROR for what is no id, NOT_FOUND for whoever is no active member. */
  async initializeConnection(connecting: Connecting): Promise<WebSocketConnection> {
    return (await this.#service()).initializeConnection(connecting);
  }

  /** Subscribes a connection; again the same, it answers the same id. Throws VALIDATION_ERROR, FORBIDDEN, NOT_FOUND. */
  async subscribe(connectionId: string, subscription: SentSubscription): Promise<Subscription> {
    return (await this.#service()).subscribe(connectionId, subscription);
  }

  /** Throws NOT_FOUND for a connection or a subscription that is not there. */
  async unsubscribe(connectionId: string, subscription: { readonly id: string }): Promise<void> {
    await (await this.#service()).unsubscribe(connectionId, subscription);
  }

  /** Sends a message to the organization's subscribers, on every node and socket, and answers it. */
  async broadcastMessage(message: Broadcast): Promise<LiveMessage> {
    return (await this.#service()).broadcastMessage(message);
  }

  async #service() {
    const { features } = await takeAlmanac(this.#given);
    return features.webSocketService;
  }
}

/** Works on the database that the environment names. */
export const webSocketService = new WebSocketService();
