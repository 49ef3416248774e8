import { randomUUID } from 'node:crypto';
import type { TSchema } from 'typebox';
import { AppError } from '#platform/errors/app-error.ts';
import { quote } from '#platform/http/quote.ts';
import type { Log } from '#platform/log/log.ts';
import { createAllowance } from './event-allowance.ts';
import { type PayloadCheck, sizeOfPayload } from './payload-checks.ts';
import type { RealtimeLimits } from './realtime-limits.ts';

/** What a client is answered where it gave an acknowledgement callback, beside `success`. */
export type AckBody = Readonly<Record<string, unknown>> | undefined;

type Ack = (answer: Readonly<Record<string, unknown>>) => void;

interface InboxOptions {
  limits: RealtimeLimits;
  checkFor: (schema: TSchema) => PayloadCheck;
  now: () => Date;
  log: Log;
  /** Tells the client of a wrong event. */
  sendError: (message: string) => void;
  sendAck: (ack: Ack, answer: Readonly<Record<string, unknown>>) => void;
  /** The client goes on in spite of being refused. */
  onFlood: () => void;
}

/** Takes the events of one connection: known, valid and few enough, or answered with an error. */
export interface Inbox {
  on(event: string, schema: TSchema, handle: (payload: unknown) => Promise<AckBody>): void;
  /** Takes one event as Socket.IO hands it over: name, arguments, and the acknowledgement callback if there is one. */
  receive(packet: readonly unknown[]): Promise<void>;
}

interface Handler {
  check: PayloadCheck;
  handle: (payload: unknown) => Promise<AckBody>;
}

/** Makes the inbox of one connection. */
export function createInbox(options: InboxOptions): Inbox {
  const { limits, checkFor, now, log, sendError, sendAck, onFlood } = options;
  const handlers = new Map<string, Handler>();
  const take = createAllowance({ perSecond: limits.eventsPerSecond, burst: limits.eventBurst, now });
  let refusals = 0;
  let running = 0;

  function refuse(message: string, ack: Ack | undefined): void {
    sendError(message);
    if (ack) sendAck(ack, { success: false, error: message });
  }

  function admit(): string | undefined {
    if (!take()) {
      refusals += 1;
      if (refusals > limits.maxRefusals) onFlood();
      return `Too many events: at most ${limits.eventsPerSecond} a second are taken. Wait a moment.`;
    }
    refusals = 0;
    if (running < limits.maxHandlersAtOnce) return undefined;
    return `Too many events at once: ${running} are still being worked on. Wait for their acknowledgements.`;
  }

  function check(event: string, args: readonly unknown[]): { handler: Handler; payload: unknown } {
    const handler = handlers.get(event);
    if (!handler) throw invalid(`There is no event ${quote(event)} here; taken are ${[...handlers.keys()].join(', ')}`);
    if (args.length > 1) throw invalid(`${event} takes one payload; ${args.length} were sent`);
    const [sent] = args;
    const size = sizeOfPayload(sent);
    if (size > limits.maxPayloadBytes) {
      throw invalid(`The payload of ${event} is ${size} characters long; at most ${limits.maxPayloadBytes} are taken`);
    }
    return { handler, payload: handler.check(sent) };
  }

  function messageOf(event: string, error: unknown): string {
    if (error instanceof AppError) return error.message;
    const id = randomUUID();
    log.error({ err: error, event, request_id: id }, 'an event from a socket failed');
    return `internal error (${id})`;
  }

  return {
    on(event, schema, handle) {
      handlers.set(event, { check: checkFor(schema), handle });
    },
    async receive(packet) {
      const last = packet.at(-1);
      const ack = typeof last === 'function' ? (last as Ack) : undefined;
      const [event, ...args] = ack ? packet.slice(0, -1) : packet;
      const refusal = admit();
      if (refusal !== undefined) return refuse(refusal, ack);
      running += 1;
      try {
        const { handler, payload } = check(String(event), args);
        const body = await handler.handle(payload);
        if (ack) sendAck(ack, { success: true, ...body });
      } catch (error) {
        refuse(messageOf(String(event), error), ack);
      } finally {
        running -= 1;
      }
    },
  };
}

function invalid(message: string): AppError {
  return new AppError({ code: 'VALIDATION_ERROR', message });
}
