import type { AddressInfo } from 'node:net';
import type { Business } from '@almanac/contract/businesses.ts';
import { type TenantDashboard, type TenantEvent, type TenantKpis, tenantNamespace } from '@almanac/contract/tenant.ts';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { expect, vi } from 'vitest';
import type { TestApp } from './make-app.ts';
import type { Tenant } from './tenant-scene.ts';

type Options = Partial<ManagerOptions & SocketOptions>;

/** What was received, in order; an offset of Socket.IO is no part of it. */
export interface ReceivedEvent {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read payloads of every shape.
  readonly payload: any;
}

/** What a client makes of what it is told. */
interface ClientState {
  version: number;
  kpis: TenantKpis & { version: number };
  businesses: Map<string, Business>;
}

/** Starts listening on a free port of loopback; answers the address. */
export async function listen({ app }: Pick<TestApp, 'app'>): Promise<string> {
  await Promise.resolve(app.listen({ host: '127.0.0.1', port: 0 }));
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
}

/** Opens a stock client of the namespace, which connects again by itself as soon as its connection is cut. */
export function openDashboard(url: string, options: Options = {}): Socket {
  return io(`${url}${tenantNamespace}`, { forceNew: true, reconnectionDelay: 1, reconnectionDelayMax: 20, ...options });
}

/** A tenant's client that keeps a state by the events alone, as the documentation says to. */
export class DashboardClient {
  readonly socket: Socket;
  readonly received: ReceivedEvent[] = [];
  /** What was wrong with a version: one left out, or one that came again. */
  readonly faults: string[] = [];
  state: ClientState | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    // What socket.io-client had decoded when its transport broke it keeps for the next connection, beside what the server
    // sends anew. Other clients pass over what they hold; here it would hide what the server itself sends twice.
    socket.io.on('reconnect_attempt', () => void socket.receiveBuffer.splice(0));
    socket.onAny((name: string, payload: unknown) => {
      this.received.push({ name, payload });
      this.#take(name, payload);
    });
  }

  /** Connects, and asks for the state unless told not to. */
  static async open(url: string, { headers, token }: Tenant, options: Options & { asks?: boolean } = {}) {
    const { asks = true, ...more } = options;
    const auth = { token, organization: headers['x-organization-id'] };
    const client = new DashboardClient(openDashboard(url, { auth, ...more }));
    await client.told('connected');
    if (asks) await client.ask();
    return client;
  }

  ask(): Promise<TenantDashboard & { success: true }> {
    return this.socket.emitWithAck('request:current-state');
  }

  /** Resolves once so many events of that name have come. */
  async told(name: string, count = 1): Promise<ReceivedEvent[]> {
    return vi.waitFor(
      () => {
        const found = this.received.filter((each) => each.name === name);
        if (found.length < count) throw new Error(`${found.length} of ${count} ${name} have come.`);
        return found;
      },
      { timeout: 10_000, interval: 5 },
    );
  }

  /** Ends the transport as a broken network does, once there is one: also amid the handshake of the namespace. */
  async cut(): Promise<void> {
    const { io: manager } = this.socket;
    await vi.waitFor(() => expect(manager._readyState).toBe('open'), { timeout: 10_000, interval: 1 });
    manager.engine.close();
  }

  close(): void {
    this.socket.disconnect();
  }

  #take(name: string, payload: unknown): void {
    if (name === 'current-state') this.#begin(payload as TenantDashboard);
    else if (name === 'reconnected' && !(payload as TenantEvent<'reconnected'>).recovered) void this.ask();
    else if (name === 'kpi:update') {
      if (this.state) this.state.kpis = payload as TenantEvent<'kpi:update'>;
    } else if (name.includes(':')) this.#apply(name, payload);
  }

  #begin({ kpis, businesses, version }: TenantDashboard): void {
    const { activeBusinesses, responseRate, landlordViews, messagesTotal } = kpis;
    this.state = {
      version,
      kpis: { activeBusinesses, responseRate, landlordViews, messagesTotal, version },
      businesses: new Map(businesses.map((business) => [business.id, business])),
    };
  }

  #apply(name: string, payload: unknown): void {
    const { state } = this;
    if (!state) return;
    const { version } = payload as { version: number };
    if (version !== state.version + 1) this.faults.push(`${name} ${version} after ${state.version}`);
    state.version = version;
    const { businesses } = state;
    if (name === 'business:deleted') businesses.delete((payload as TenantEvent<'business:deleted'>).businessId);
    else if (name === 'metrics:updated') {
      const { businessId, totals } = payload as TenantEvent<'metrics:updated'>;
      const known = businesses.get(businessId);
      if (known) businesses.set(businessId, { ...known, ...totals });
    } else {
      const { version: _, ...business } = payload as TenantEvent<'business:updated'>;
      businesses.set(business.id, business);
    }
  }
}

/** The state as a fresh reading has it. */
export async function readState(tenant: Tenant): Promise<ClientState> {
  const { kpis, businesses, version } = await tenant.dashboard({ limit: '100' });
  const { activeBusinesses, responseRate, landlordViews, messagesTotal } = kpis;
  return {
    version,
    kpis: { activeBusinesses, responseRate, landlordViews, messagesTotal, version },
    businesses: new Map(businesses.map((business) => [business.id, business])),
  };
}
