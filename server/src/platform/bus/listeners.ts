import type { Log } from '#platform/log/log.ts';
import type { Bus, JsonValue } from './bus.ts';

interface Listeners extends Pick<Bus, 'subscribe' | 'onRestored'> {
  deliver(topic: string, message: JsonValue): void;
  restored(): void;
}

/** Who in this process listens to what. A handler that throws is logged and keeps none of the others from hearing. */
export function createListeners(log: Log): Listeners {
  const byTopic = new Map<string, Set<(message: JsonValue) => void>>();
  const onRestored = new Set<() => void>();

  function guarded(topic: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      log.error({ err: error, topic }, 'A handler of a message from another process failed');
    }
  }

  return {
    subscribe(topic, handler) {
      const handlers = byTopic.get(topic) ?? new Set();
      byTopic.set(topic, handlers.add(handler));
      return () => void handlers.delete(handler);
    },
    onRestored(handler) {
      onRestored.add(handler);
      return () => void onRestored.delete(handler);
    },
    deliver(topic, message) {
      for (const handler of byTopic.get(topic) ?? []) guarded(topic, () => handler(message));
    },
    restored() {
      for (const handler of onRestored) guarded('(restored)', handler);
    },
  };
}
