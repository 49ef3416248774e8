import { Type } from 'typebox';
import { Check } from 'typebox/value';
import type { Bus } from '#platform/bus/bus.ts';

const Ring = Type.Record(Type.String(), Type.Number());
const topic = 'feed';
const gatheringMs = 5;
// A message of PostgreSQL's NOTIFY holds 8 kB.
const maxOrganizations = 100;

interface DoorbellOptions {
  bus: Pick<Bus, 'publish' | 'subscribe' | 'onRestored' | 'isShared'>;
  /** Called for each organization that another process rang for, with its last number. */
  onRing: (organizationId: string, headId: number) => void;
  /** Called when rings may have been missed. */
  onMissed: () => void;
}

/** Tells the other processes that an organization has new events. */
export interface Doorbell {
  ring(organizationId: string, headId: number): void;
  close(): void;
}

/** Opens the doorbell on the bus. Rings are gathered for a few milliseconds, one message for all organizations. */
export function createDoorbell({ bus, onRing, onMissed }: DoorbellOptions): Doorbell {
  let heads = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  const unsubscribe = bus.subscribe(topic, (message) => {
    if (!Check(Ring, message)) return;
    for (const [organizationId, headId] of Object.entries(message)) onRing(organizationId, headId);
  });
  const forget = bus.onRestored(onMissed);
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const message = Object.fromEntries(heads);
    heads = new Map();
    bus.publish(topic, message);
  };
  return {
    ring(organizationId, headId) {
      if (!bus.isShared) return;
      heads.set(organizationId, Math.max(headId, heads.get(organizationId) ?? 0));
      if (heads.size >= maxOrganizations) flush();
      else timer ??= setTimeout(flush, gatheringMs);
    },
    close() {
      if (timer) flush();
      unsubscribe();
      forget();
    },
  };
}
