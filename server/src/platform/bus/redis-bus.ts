import type { Log } from '#platform/log/log.ts';
import type { Bus } from './bus.ts';
import { openRedis } from './redis-client.ts';
import type { Wire, WireContext } from './wire.ts';
import { WireBus } from './wire-bus.ts';

interface RedisBusOptions {
  url: string;
  log: Log;
  /** Installations that share one Redis differ in this. */
  namespace?: string;
  /** How often a connection is asked whether it still lives (2,000 ms). */
  beatMs?: number;
}

const sendTimeoutMs = 200;

/**
 * The bus over Redis channels. PUBLISH answers how many subscribers it reached, so acknowledgements are counted
 * exactly. Without Redis at the start it is merely disconnected and keeps trying.
 */
export function createRedisBus({ url, log, namespace = 'almanac', beatMs }: RedisBusOptions): Bus {
  return new WireBus({ log, beatMs, layWire: (context) => layRedisWire({ url, log, namespace, context }) });
}

interface RedisWireOptions {
  url: string;
  log: Log;
  namespace: string;
  context: WireContext;
}

function layRedisWire({ url, log, namespace, context }: RedisWireOptions): Wire {
  const everyone = `${namespace}:bus`;
  const { events, processId, beatMs } = context;
  const speaker = openRedis({ url, log, purpose: 'bus-speaker', commandTimeoutMs: sendTimeoutMs });
  const listener = openRedis({ url, log, purpose: 'bus-listener', commandTimeoutMs: beatMs });
  let connection = 0;

  async function listen(): Promise<void> {
    connection += 1;
    const own = connection;
    try {
      await listener.subscribe(everyone, `${everyone}:${processId}`);
      if (own === connection) events.up();
    } catch {
      if (own === connection) listener.disconnect(true);
    }
  }

  listener.on('ready', () => void listen());
  listener.on('close', () => {
    connection += 1;
    events.down();
  });
  listener.on('message', (_channel: string, payload: string) => events.heard(payload));

  return {
    broadcast: (payload) => speaker.publish(everyone, payload),
    async sendTo(process, payload) {
      await speaker.publish(`${everyone}:${process}`, payload);
    },
    async beat() {
      await listener.ping();
    },
    reset: () => listener.disconnect(true),
    close() {
      listener.disconnect();
      speaker.disconnect();
      return Promise.resolve();
    },
  };
}
