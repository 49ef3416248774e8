import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { createTestPeers, kindOf } from './test-peers.ts';

const { startClient, startPair, close } = createTestPeers();

afterEach(close);

describe('limits of size', () => {
  it('stop a body that never ends', async () => {
    const { server, get } = await startPair((_request, response) => {
      const write = () => {
        while (response.write(Buffer.alloc(16_384)));
      };
      response.on('drain', write);
      write();
    });
    expect(await kindOf(get(server.origin, { maxBytes: 100_000 }))).toBe('too_large');
  });

  it('refuse a declared length before reading', async () => {
    const { server, get } = await startPair((_request, response) => {
      response.setHeader('content-length', '1000000');
      response.flushHeaders();
    });
    expect(await kindOf(get(server.origin, { maxBytes: 1000 }))).toBe('too_large');
  });

  it('count decompressed bytes, so that a gzip bomb does not go off', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    expect(bomb.byteLength).toBeLessThan(100_000);
    const { server, get } = await startPair((_request, response) => {
      response.setHeader('content-encoding', 'gzip').end(bomb);
    });
    expect(await kindOf(get(server.origin, { maxBytes: 1_000_000 }))).toBe('too_large');
  });

  it('cover the headers', async () => {
    const { server, get } = await startPair((_request, response) => {
      response.setHeader('x-long', 'a'.repeat(20_000)).end();
    });
    expect(await kindOf(get(server.origin))).toBe('too_large');
  });

  it('let a body of exactly the limit through', async () => {
    const { server, get } = await startPair((_request, response) => response.end(Buffer.alloc(1000)));
    expect((await get(server.origin, { maxBytes: 1000 })).bytes.byteLength).toBe(1000);
  });
});

describe('limits of time', () => {
  it('end a call whose headers do not come', async () => {
    const arrived = Promise.withResolvers<void>();
    const { server, get, time } = await startPair(() => arrived.resolve());
    const kind = kindOf(get(server.origin));
    await arrived.promise;
    time.expire();
    expect(await kind).toBe('timeout');
    expect(time.pending.size).toBe(0);
  });

  it('end a call whose body does not come to its end', async () => {
    const arrived = Promise.withResolvers<void>();
    const { server, get, time } = await startPair((_request, response) => {
      response.write('some', () => arrived.resolve());
    });
    const kind = kindOf(get(server.origin));
    await arrived.promise;
    time.expire();
    expect(await kind).toBe('timeout');
  });

  it('leave no timer behind when all went well', async () => {
    const { server, get, time } = await startPair((_request, response) => response.end());
    await get(server.origin);
    expect(time.pending.size).toBe(0);
  });

  it('end a call that its caller gives up, also before it begins', async () => {
    const arrived = Promise.withResolvers<void>();
    const { server, get } = await startPair(() => arrived.resolve());
    const controller = new AbortController();
    const kind = kindOf(get(server.origin, { signal: controller.signal }));
    await arrived.promise;
    controller.abort();
    expect(await kind).toBe('aborted');
    expect(await kindOf(get(server.origin, { signal: controller.signal }))).toBe('aborted');
    expect(server.requests).toHaveLength(1);
  });

  it('end the calls under way when the client closes', async () => {
    const arrived = Promise.withResolvers<void>();
    const { server, get, outbound } = await startPair(() => arrived.resolve());
    const kind = kindOf(get(server.origin));
    await arrived.promise;
    await outbound.close();
    expect(await kind).toBe('aborted');
    expect(await kindOf(get(server.origin))).toBe('aborted');
  });

  it('end a call whose host name is not resolved in time', async () => {
    const asked = Promise.withResolvers<void>();
    const resolveHost = () => {
      asked.resolve();
      return new Promise<never>(() => undefined);
    };
    const { get, time } = startClient({ resolveHost });
    const kind = kindOf(get('https://slow.example/'));
    await asked.promise;
    time.expire();
    expect(await kind).toBe('timeout');
  });
});
