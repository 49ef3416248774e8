import type { Log } from '#platform/log/log.ts';
import type { Bus } from './bus.ts';
import { NotifyListener } from './notify-listener.ts';
import { NotifySpeaker } from './notify-speaker.ts';
import type { Wire, WireContext } from './wire.ts';
import { WireBus } from './wire-bus.ts';

interface NotifyBusOptions {
  connectionString: string;
  log: Log;
  /** Installations that share one database differ in this: lower-case letters, digits and _, at most 24. */
  namespace?: string;
  /** How often a connection is asked whether it still lives (2,000 ms). */
  beatMs?: number;
}

/**
 * The bus over PostgreSQL's NOTIFY, for installations without Redis. The listeners are counted in pg_stat_activity by
 * their application name. A message is at most 7,999 bytes: a larger one is not sent, and the others are told that
 * they missed something.
 */
export function createNotifyBus({ connectionString, log, namespace = 'almanac', beatMs }: NotifyBusOptions): Bus {
  if (!/^[a-z0-9_]{1,24}$/.test(namespace)) throw new Error(`'${namespace}' cannot be the namespace of a bus`);
  return new WireBus({
    log,
    beatMs,
    layWire: (context) => layNotifyWire({ connectionString, log, namespace, context }),
  });
}

interface NotifyWireOptions {
  connectionString: string;
  log: Log;
  namespace: string;
  context: WireContext;
}

function layNotifyWire({ connectionString, log, namespace, context }: NotifyWireOptions): Wire {
  const { events, processId, beatMs } = context;
  const everyone = `${namespace}_bus`;
  const presence = `${namespace}_bus_presence`;
  const listenerName = `almanac bus ${namespace}`;
  const speaker = new NotifySpeaker({ connectionString, listenerName });
  const listener = new NotifyListener({
    connectionString,
    log,
    listenerName,
    channels: [everyone, presence, `${everyone}_${processId}`],
    queryTimeoutMs: beatMs,
    events: {
      up() {
        speaker.forgetCount();
        // Only shortens how long the others count wrongly, so that a failure is no loss.
        speaker.send(presence, processId).catch(() => undefined);
        events.up();
      },
      down: events.down,
      heard(channel, payload) {
        if (channel === presence) speaker.forgetCount();
        else events.heard(payload);
      },
    },
  });

  return {
    async broadcast(payload, isCounted) {
      const count = isCounted ? await speaker.countListeners() : 0;
      await speaker.send(everyone, payload);
      return count;
    },
    sendTo: (process, payload) => speaker.send(`${everyone}_${process}`, payload),
    beat: () => listener.beat(),
    reset: () => listener.reset(),
    async close() {
      await listener.close();
      if (speaker.isOpen) await speaker.send(presence, processId).catch(() => undefined);
      await speaker.close();
    },
  };
}
