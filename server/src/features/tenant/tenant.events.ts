import type { FeedEventType, FeedMessage, FeedPayload } from '@almanac/contract/feed.ts';
import type { TenantDashboard, TenantEvent } from '@almanac/contract/tenant.ts';
import { Type } from 'typebox';
import type { FeedBatch } from '#platform/feed/feed-reader.ts';
import type { Connection } from '#platform/realtime/connection.ts';
import type { NamespaceRules, RealtimeNamespace } from '#platform/realtime/namespace.ts';
import type { FeedPlace, Missed } from '#platform/realtime/recovery.ts';
import type { TenantService } from './tenant.service.ts';

const types = [
  'business.created',
  'business.updated',
  'business.deleted',
  'business.measured',
  'tenant.changed',
] as const satisfies readonly FeedEventType[];

/** Who is let in, and what is caught up on. */
export const tenantRules: NamespaceRules = { access: 'tenant:read', recovers: types };

const Nothing = Type.Object({}, { additionalProperties: false });

type Reader = Pick<TenantService, 'readDashboard' | 'readKpis' | 'readVersion'>;

/** Serves the tenant's dashboard on a namespace, each connection what is of its own user and organization. */
export function serveTenantEvents(namespace: RealtimeNamespace, service: Reader): void {
  namespace.onConnection((connection) => {
    const line = new TenantLine(connection, service);
    connection.on('request:current-state', Nothing, () => line.tellState());
    void line.begin();
  });
}

/**
 * What one connection is told, so that the versions that it sees grow by one: the mark of its place is the version that the
 * client holds. KPIs read meanwhile may be ahead of the events; they are held back until those have gone out.
 */
class TenantLine {
  readonly #connection: Connection;
  readonly #service: Reader;
  readonly #begun = Promise.withResolvers<void>();
  #place: FeedPlace = { cursor: 0, mark: 0 };
  /** False while the client is to ask for the state, because what it holds is of before its place. */
  #isHolding = true;
  #held: TenantEvent<'kpi:update'> | undefined;

  constructor(connection: Connection, service: Reader) {
    this.#connection = connection;
    this.#service = service;
  }

  /** Goes on where the client was, or begins with the version of now; then follows. */
  async begin(): Promise<void> {
    const { comeback } = this.#connection;
    const missed = comeback?.missed;
    const isJoined = missed !== undefined && joinsUp(missed);
    const after = isJoined ? { after: missed.cursor } : {};
    const { cursor } = await this.#connection.follow(types, (batch) => this.#take(batch), after);
    if (cursor === undefined) return;
    if (isJoined) this.#catchUp(missed);
    else await this.#beginAnew(cursor, comeback ? 'reconnected' : 'connected');
    this.#begun.resolve();
  }

  /** Tells the whole dashboard; what it holds is not told again. */
  async tellState(): Promise<TenantDashboard> {
    await this.#begun.promise;
    const { principal } = this.#connection;
    const state = await this.#readCurrent((version) => this.#service.readDashboard(principal, version));
    this.#place = { ...this.#place, mark: state.version };
    this.#isHolding = true;
    this.#send('current-state', state);
    return state;
  }

  async #take({ events, cursor, isGone }: FeedBatch): Promise<void> {
    await this.#begun.promise;
    if (isGone) return this.#beginAnew(cursor, 'reconnected');
    this.#tellAll(events);
  }

  #catchUp({ from, events, cursor }: Missed): void {
    this.#place = from;
    for (const event of events) this.#tell(event);
    this.#place = { ...this.#place, cursor };
    const reconnected: TenantEvent<'reconnected'> = { recovered: true, version: this.#place.mark };
    this.#send('reconnected', reconnected);
    this.#tellKpis();
  }

  async #beginAnew(cursor: number, event: 'connected' | 'reconnected'): Promise<void> {
    try {
      // After the place in the feed, so that what is between them is told by events, and skipped where it is older.
      const version = await this.#service.readVersion(this.#connection.principal);
      this.#place = { cursor, mark: version };
      this.#isHolding = event === 'connected';
      this.#send(event, event === 'connected' ? { version } : { recovered: false, version });
    } catch {
      this.#connection.sendElsewhere();
    }
  }

  #tellAll(events: readonly FeedMessage[]): void {
    for (const event of events) this.#tell(event);
    if (events.some(({ type }) => type === 'tenant.changed')) this.#tellKpis();
  }

  #tell({ id, type, payload }: FeedMessage): void {
    const { version } = payload as FeedPayload<(typeof types)[number]>;
    const isNews = type !== 'tenant.changed' && version > this.#place.mark;
    this.#place = { cursor: id, mark: isNews ? version : this.#place.mark };
    if (!isNews) return;
    const [event, told] = toEvent(type, payload);
    this.#send(event, told);
    if (this.#held?.version === version) this.#send('kpi:update', this.#held);
  }

  /** Sends what moves the client's place. */
  #send(event: string, payload: object): void {
    this.#connection.send(event, payload, this.#isHolding ? this.#place : null);
  }

  #tellKpis(): void {
    const { principal } = this.#connection;
    this.#connection.sendState('kpis', 'kpi:update', async () => {
      try {
        const kpis = await this.#readCurrent((version) => this.#service.readKpis(principal, version));
        this.#held = kpis.version > this.#place.mark ? kpis : undefined;
        // In its turn behind the events: it has the client's place move beyond what only the KPIs tell of.
        if (!this.#held) this.#send('kpi:update', kpis);
        return undefined;
      } catch (error) {
        // Nothing else would tell the client of the last change; when it comes back it is told.
        this.#connection.sendElsewhere();
        throw error;
      }
    });
  }

  /** Reads what is not behind what the client was told, also while it was read. */
  async #readCurrent<T extends { version: number }>(read: (version: number) => Promise<T>): Promise<T> {
    for (;;) {
      const found = await read(this.#place.mark);
      if (found.version >= this.#place.mark) return found;
    }
  }
}

/** True where what was missed goes on, without a hole, from what the client holds. */
function joinsUp({ from, events }: Missed): boolean {
  const versions = events
    .filter(({ type }) => type !== 'tenant.changed')
    .map(({ payload }) => (payload as { version: number }).version)
    .filter((version) => version > from.mark);
  return versions.every((version, index) => version === from.mark + index + 1);
}

/** An event of the feed as the namespace tells it. */
function toEvent(type: FeedEventType, payload: unknown): [event: string, payload: object] {
  if (type === 'business.deleted') {
    const { business_id: businessId, version } = payload as FeedPayload<typeof type>;
    return ['business:deleted', { businessId, version } satisfies TenantEvent<'business:deleted'>];
  }
  if (type === 'business.measured') {
    const { business_id: businessId, ...measured } = payload as FeedPayload<typeof type>;
    return ['metrics:updated', { businessId, ...measured } satisfies TenantEvent<'metrics:updated'>];
  }
  const { business, version } = payload as FeedPayload<'business.created' | 'business.updated'>;
  const event = type === 'business.created' ? 'business:created' : 'business:updated';
  return [event, { ...business, version } satisfies TenantEvent<typeof event>];
}
