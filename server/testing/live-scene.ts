import type { AddressInfo } from 'node:net';
import { type LiveMessage, liveMessageTypes } from '@almanac/contract/live.ts';
import { io, type Socket } from 'socket.io-client';
import { vi } from 'vitest';
import { makeTestApp, type TestApp, type TestMember, type TestOrganization } from './make-app.ts';

/** A stock client, with the messages it was sent. */
export interface Listener {
  readonly socket: Socket;
  readonly messages: LiveMessage[];
  readonly errors: unknown[];
  ask(event: string, payload?: unknown): Promise<Record<string, unknown>>;
  /** Subscribes; fails where that is refused. Answers the subscription's id. */
  subscribe(type: string, filters?: object): Promise<string>;
}

/** The product, listening, for tests of what subscribers are sent. */
export interface LiveScene {
  readonly it: TestApp;
  /** An administrator of the installation: who registered first. */
  readonly admin: TestMember;
  /** Connects a stock client as a member. */
  listen(member: TestMember, organization: Pick<TestOrganization, 'id'>): Promise<Listener>;
  /** Connects a stock client that shows these credentials. */
  listenAs(auth: Record<string, string>): Promise<Listener>;
  /** Ends the clients of a test. */
  leave(): void;
  close(): Promise<void>;
}

/** Makes the scene. */
export async function makeLiveScene(): Promise<LiveScene> {
  const it = await makeTestApp({ ownsDatabase: true, now: new Date('2025-03-31T10:00:00Z') });
  await Promise.resolve(it.app.listen({ host: '127.0.0.1', port: 0 }));
  const url = `http://127.0.0.1:${(it.app.server.address() as AddressInfo).port}`;
  const clients: Socket[] = [];

  const listenAs = async (auth: Record<string, string>): Promise<Listener> => {
    const socket = io(url, { auth, forceNew: true });
    clients.push(socket);
    const listener: Listener = {
      socket,
      messages: [],
      errors: [],
      ask: (event, payload) => (payload === undefined ? socket.emitWithAck(event) : socket.emitWithAck(event, payload)),
      subscribe: async (type, filters) => {
        const answer = await listener.ask('subscribe', filters ? { type, filters } : { type });
        if (answer.success !== true) throw new Error(String(answer.error));
        return String(answer.id);
      },
    };
    for (const type of liveMessageTypes) socket.on(type, (message: LiveMessage) => listener.messages.push(message));
    socket.on('error', (error: unknown) => listener.errors.push(error));
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('connect_error', reject);
    });
    return listener;
  };

  return {
    it,
    admin: await (await it.makeOrganization()).member('owner'),
    listen: ({ token }, { id }) => listenAs({ token, organization: id }),
    listenAs,
    leave: () => {
      for (const client of clients.splice(0)) client.disconnect();
    },
    close: () => it.close(),
  };
}

/** Waits until the assertion holds. */
export const until = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 5 });
