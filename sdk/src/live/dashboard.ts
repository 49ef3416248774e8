import type { TenantDashboard, TenantNumbers } from '@almanac/contract/tenant.ts';
import type { Calls } from '../call-types.ts';
import { callListener } from './call-listener.ts';
import {
  type DashboardConnection,
  type DashboardEvent,
  type DashboardOptions,
  dashboardEventTypes,
} from './dashboard-types.ts';
import { answerMs, ask, type Socket } from './socket.ts';
import { type LinkOptions, type LiveState, SocketLink } from './socket-link.ts';

interface DashboardDependencies extends Omit<LinkOptions, 'use' | 'namespace'> {
  organization: string | undefined;
  tenant: Calls['tenant'];
}

/** Follows a tenant's dashboard: each change once, told from one whole dashboard to the next. */
export class Dashboard implements DashboardConnection {
  readonly #dependencies: DashboardDependencies;
  readonly #options: DashboardOptions;
  readonly #link: SocketLink;
  /** The version up to which changes were told; the KPIs may be ahead of it. */
  #version: number | undefined;
  #kpisVersion = 0;
  /** How far the connection has come: the server goes on from there. */
  #cursor: string | undefined;
  /** Settles what the link waits for before it is live. */
  #onGreeted: { resolve: () => void; reject: (reason: unknown) => void } | undefined;
  #isAsking = false;

  constructor(options: DashboardOptions, dependencies: DashboardDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    const { organization } = dependencies;
    this.#link = new SocketLink({
      ...dependencies,
      namespace: '/dashboard',
      use: {
        handshake: () => ({
          ...(organization === undefined ? {} : { organization }),
          ...(this.#cursor === undefined ? {} : { cursor: this.#cursor }),
        }),
        listen: (socket) => this.#listen(socket),
        begin: () => this.#untilGreeted(),
        poll: (signal) => this.#poll(signal),
        onState: (state) => callListener(() => options.onState?.(state)),
        onEnd: (reason) => callListener(() => options.onEnd?.(reason)),
      },
    });
  }

  get state(): LiveState {
    return this.#link.state;
  }

  get version(): number | undefined {
    return this.#version;
  }

  close(): void {
    this.#link.close();
  }

  #listen(socket: Socket): void {
    this.#isAsking = false;
    const on = <Payload>(event: string, take: (payload: Payload) => void) =>
      socket.on(event, (payload: Payload, cursor?: unknown) => {
        take(payload);
        // While the whole is asked for, the client holds what its last place says.
        if (typeof cursor === 'string' && !this.#isAsking) this.#cursor = cursor;
      });
    socket.on('disconnect', () => this.#onGreeted?.reject(new Error('The connection was lost before it was live.')));
    on('connected', () => this.#askForAll(socket));
    on('reconnected', ({ recovered, version }: { recovered: boolean; version: number }) => {
      if (recovered && this.#version !== undefined && this.#version >= version) this.#onGreeted?.resolve();
      else this.#askForAll(socket);
    });
    on('current-state', (dashboard: TenantDashboard) => {
      this.#begin(dashboard);
      this.#isAsking = false;
      this.#onGreeted?.resolve();
    });
    for (const type of dashboardEventTypes) {
      on(type, (payload) => this.#take({ type, payload } as DashboardEvent, socket));
    }
  }

  /** Waits until the server has told what was missed, or all. */
  #untilGreeted(): Promise<void> {
    const { promise, resolve, reject } = deferred();
    const timer = setTimeout(() => reject(new Error('The server tells nothing.')), answerMs);
    this.#onGreeted = { resolve, reject };
    return promise.finally(() => clearTimeout(timer));
  }

  #askForAll(socket: Socket): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    ask(socket, ['request:current-state', {}]).catch((error: unknown) => {
      this.#onGreeted?.reject(error);
      if (socket === this.#link.liveSocket) this.#link.drop();
    });
  }

  #begin(dashboard: TenantDashboard): void {
    this.#version = dashboard.version;
    this.#kpisVersion = dashboard.kpis.version;
    callListener(() => this.#options.onDashboard(dashboard));
  }

  #take(event: DashboardEvent, socket: Socket): void {
    const { version } = event.payload;
    if (this.#version === undefined || this.#isAsking) return;
    if (event.type === 'kpi:update') {
      if (version <= this.#kpisVersion) return;
      this.#kpisVersion = version;
    } else {
      if (version <= this.#version) return;
      if (version > this.#version + 1) {
        this.#askForAll(socket);
        return;
      }
      this.#version = version;
    }
    callListener(() => this.#options.onEvent(event));
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const { tenant } = this.#dependencies;
    if (this.#version !== undefined) {
      const kpis = await tenant.kpis({ signal });
      if (signal.aborted) return;
      if (kpis.version <= this.#version) return this.#tellKpis(kpis);
    }
    const dashboard = await tenant.dashboard({ signal });
    // A socket that is about to be live may have told more meanwhile.
    const isBehind = this.#version !== undefined && dashboard.version < this.#version;
    if (!signal.aborted && !isBehind) this.#begin(dashboard);
  }

  /** Tells KPIs that a lost socket did not bring. */
  #tellKpis({ activeBusinesses, responseRate, landlordViews, messagesTotal, version }: TenantNumbers): void {
    if (version <= this.#kpisVersion) return;
    this.#kpisVersion = version;
    const payload = { activeBusinesses, responseRate, landlordViews, messagesTotal, version };
    callListener(() => this.#options.onEvent({ type: 'kpi:update', payload }));
  }
}

function deferred() {
  let resolve = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<void>((...settle) => {
    [resolve, reject] = settle;
  });
  return { promise, resolve, reject };
}
