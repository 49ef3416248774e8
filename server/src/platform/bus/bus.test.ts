import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLog } from '#platform/log/log.ts';
import { type BreakableProxy, openBreakableProxy } from '#testing/breakable-proxy.ts';
import { type Bus, createLocalBus, type JsonValue } from './bus.ts';
import { createNotifyBus } from './notify-bus.ts';
import { createRedisBus } from './redis-bus.ts';

const redisUrl = process.env.TEST_REDIS_URL ?? '';
const databaseUrl = process.env.TEST_DATABASE_URL ?? '';
const beatMs = 200;

const kinds = [
  {
    name: 'Redis',
    url: redisUrl,
    port: 6379,
    open: (url: string, namespace: string, log = createLog({ level: 'silent' })) =>
      createRedisBus({ url, log, namespace, beatMs }),
  },
  {
    name: 'PostgreSQL',
    url: databaseUrl,
    port: 5432,
    open: (url: string, namespace: string, log = createLog({ level: 'silent' })) =>
      createNotifyBus({ connectionString: url, log, namespace, beatMs }),
  },
];

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((clean) => clean()));
});

function keep<T extends { close(): Promise<void> }>(opened: T): T {
  cleanups.push(() => opened.close());
  return opened;
}

function newNamespace(): string {
  return `t${randomUUID().replaceAll('-', '').slice(0, 16)}`;
}

async function connected(...buses: Bus[]): Promise<void> {
  for (const bus of buses)
    await vi.waitFor(() => expect(bus.isConnected()).toBe(true), { timeout: 5_000, interval: 5 });
}

async function proxied(url: string, port: number): Promise<{ proxy: BreakableProxy; url: string }> {
  const target = new URL(url);
  const host = target.hostname;
  const proxy = keep(await openBreakableProxy({ host, port: Number(target.port || port) }));
  target.hostname = '127.0.0.1';
  target.port = String(proxy.port);
  return { proxy, url: target.href };
}

function restored(bus: Bus): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = bus.onRestored(() => {
    stop();
    resolve();
  });
  return promise;
}

function nextMessage(bus: Bus, topic: string): Promise<JsonValue> {
  const { promise, resolve } = Promise.withResolvers<JsonValue>();
  bus.subscribe(topic, resolve);
  return promise;
}

describe('the local bus', () => {
  it('is connected, shared with nobody, and settles at once', async () => {
    const bus = createLocalBus();
    const heard: JsonValue[] = [];
    bus.subscribe('weekly', (message) => heard.push(message));
    bus.publish('weekly', 1);
    await bus.publishAndSettle('weekly', 2);
    expect([bus.isShared, bus.isConnected(), heard]).toEqual([false, true, []]);
  });
});

for (const { name, url, port, open } of kinds) {
  describe.skipIf(url === '')(`the bus over ${name}`, () => {
    it('delivers to every other process, not to the sender, and not to another topic', async () => {
      const namespace = newNamespace();
      const [one, two, three] = [open(url, namespace), open(url, namespace), open(url, namespace)].map(keep);
      if (!one || !two || !three) throw new Error('unreachable');
      await connected(one, two, three);
      const heard: string[] = [];
      for (const [id, bus] of Object.entries({ one, two, three })) {
        bus.subscribe('weekly', (message) => heard.push(`${id} ${JSON.stringify(message)}`));
        bus.subscribe('other', () => heard.push('wrong topic'));
      }
      await one.publishAndSettle('weekly', { organization: 'ä', numbers: [1, null, true] });
      const text = '{"organization":"ä","numbers":[1,null,true]}';
      expect(heard.sort()).toEqual([`three ${text}`, `two ${text}`]);
    });

    it('keeps installations of another namespace apart', async () => {
      const [one, other] = [keep(open(url, newNamespace())), keep(open(url, newNamespace()))];
      await connected(one, other);
      const handler = vi.fn();
      other.subscribe('weekly', handler);
      await one.publishAndSettle('weekly', 1);
      expect(handler).not.toHaveBeenCalled();
    });

    it('settles well before the time limit, alone and with others', async () => {
      const namespace = newNamespace();
      const warnings: string[] = [];
      const log = createLog({ level: 'warn', destination: { write: (line) => void warnings.push(line) } });
      const one = keep(open(url, namespace, log));
      await connected(one);
      await one.publishAndSettle('weekly', 'alone');
      const two = keep(open(url, namespace));
      const heard = nextMessage(two, 'weekly');
      await connected(two);
      await Promise.all(Array.from({ length: 50 }, (_, number) => one.publishAndSettle('weekly', { number })));
      expect(await heard).toEqual({ number: 0 });
      expect(warnings).toEqual([]);
    });

    it('goes on delivering when a handler throws', async () => {
      const namespace = newNamespace();
      const [one, two] = [keep(open(url, namespace)), keep(open(url, namespace))];
      await connected(one, two);
      two.subscribe('weekly', () => {
        throw new Error('a fault of a handler');
      });
      const heard = nextMessage(two, 'weekly');
      await one.publishAndSettle('weekly', 'hello');
      expect(await heard).toBe('hello');
    });

    it('starts disconnected without its server, settles at once, and comes up when the server does', async () => {
      const { proxy, url: broken } = await proxied(url, port);
      proxy.cut();
      const bus = keep(open(broken, newNamespace()));
      await bus.publishAndSettle('weekly', 1);
      expect(bus.isConnected()).toBe(false);
      const back = restored(bus);
      proxy.heal();
      await back;
      expect(bus.isConnected()).toBe(true);
    });

    it('notices a lost connection, says so when it is back, and hears again', async () => {
      const namespace = newNamespace();
      const { proxy, url: fragile } = await proxied(url, port);
      const [steady, cutOff] = [keep(open(url, namespace)), keep(open(fragile, namespace))];
      await connected(steady, cutOff);
      proxy.cut();
      await vi.waitFor(() => expect(cutOff.isConnected()).toBe(false), { timeout: 5_000, interval: 5 });
      const back = restored(cutOff);
      proxy.heal();
      await back;
      const heard = nextMessage(cutOff, 'weekly');
      await steady.publishAndSettle('weekly', 'again');
      expect(await heard).toBe('again');
    }, 15_000);

    it('notices a connection that fell silent without closing', async () => {
      const { proxy, url: fragile } = await proxied(url, port);
      const bus = keep(open(fragile, newNamespace()));
      await connected(bus);
      proxy.silence();
      await vi.waitFor(() => expect(bus.isConnected()).toBe(false), { timeout: 10 * beatMs, interval: 5 });
      const back = restored(bus);
      proxy.heal();
      await back;
      expect(bus.isConnected()).toBe(true);
    }, 15_000);

    it('tells the others that they missed something when it could not send for a while', async () => {
      const namespace = newNamespace();
      const { proxy, url: fragile } = await proxied(url, port);
      const [steady, cutOff] = [keep(open(url, namespace)), keep(open(fragile, namespace))];
      await connected(steady, cutOff);
      const told = restored(steady);
      proxy.cut();
      cutOff.publish('weekly', 'lost');
      await cutOff.publishAndSettle('weekly', 'lost as well');
      proxy.heal();
      await told;
    }, 15_000);

    it('warns and goes on when another process does not answer', async () => {
      const namespace = newNamespace();
      const warnings: string[] = [];
      const log = createLog({ level: 'warn', destination: { write: (line) => void warnings.push(line) } });
      const { proxy, url: fragile } = await proxied(url, port);
      const [one, mute] = [keep(open(url, namespace, log)), keep(open(fragile, namespace))];
      await connected(one, mute);
      await one.publishAndSettle('weekly', 'both hear');
      proxy.silence();
      await one.publishAndSettle('weekly', 'one hears');
      await one.publishAndSettle('weekly', 'one hears');
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain('Not every process acknowledged');
    });

    it('does not wait for a process that has closed', async () => {
      const namespace = newNamespace();
      const warnings: string[] = [];
      const log = createLog({ level: 'warn', destination: { write: (line) => void warnings.push(line) } });
      const [one, leaving] = [keep(open(url, namespace, log)), open(url, namespace)];
      await connected(one, leaving);
      await one.publishAndSettle('weekly', 1);
      await leaving.close();
      await vi.waitFor(async () => {
        warnings.splice(0);
        await one.publishAndSettle('weekly', 2);
        expect(warnings).toEqual([]);
      });
      expect(leaving.isConnected()).toBe(false);
    });
  });
}

describe.skipIf(databaseUrl === '')('the limits of NOTIFY', () => {
  it('does not send what is too long, and tells the others that they missed it', async () => {
    const namespace = newNamespace();
    const log = createLog({ level: 'silent' });
    const [one, two] = [0, 1].map(() =>
      keep(createNotifyBus({ connectionString: databaseUrl, log, namespace, beatMs })),
    );
    if (!one || !two) throw new Error('unreachable');
    await connected(one, two);
    const told = restored(two);
    await one.publishAndSettle('weekly', 'x'.repeat(8_000));
    await told;
  });

  it('merges equal messages that wait to be sent', async () => {
    const namespace = newNamespace();
    const log = createLog({ level: 'silent' });
    const [one, two] = [0, 1].map(() =>
      keep(createNotifyBus({ connectionString: databaseUrl, log, namespace, beatMs })),
    );
    if (!one || !two) throw new Error('unreachable');
    await connected(one, two);
    let count = 0;
    two.subscribe('bell', () => {
      count += 1;
    });
    for (let ring = 0; ring < 1_000; ring += 1) one.publish('bell', 'ring');
    await one.publishAndSettle('bell', 'last');
    expect(count).toBeGreaterThanOrEqual(2);
    expect(count).toBeLessThanOrEqual(4);
  });
});
