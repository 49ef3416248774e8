import { Server } from 'socket.io';
import type { Session } from 'socket.io-adapter';
import { expect, test } from 'vitest';
import { longestAwayMs, makeSessionAdapter } from './session-adapter.ts';

const pid = 'vXhT4zq_-0aPzAAAAAAB';

function open() {
  const clock = { nowMs: 0 };
  const recovers = (namespace: string) => namespace === '/recovers';
  const io = new Server({ adapter: makeSessionAdapter({ recovers, now: () => new Date(clock.nowMs) }) });
  const restore = (id: string, namespace = '/recovers'): Promise<Session | null> =>
    io.of(namespace).adapter.restoreSession(id, '');
  const end = (id: string) =>
    io.of('/recovers').adapter.persistSession({ pid: id, sid: 'sid', rooms: [], data: undefined });
  return { clock, restore, end };
}

test('a session of any process is taken up again, where the namespace has clients caught up', async () => {
  const { restore } = open();
  expect(await restore(pid)).toMatchObject({ pid });
  expect(await restore(pid, '/other')).toBeNull();
});

test('a session that ended here is taken up for two minutes', async () => {
  const { clock, restore, end } = open();
  end(pid);
  clock.nowMs = longestAwayMs;
  expect(await restore(pid)).toMatchObject({ pid });
  clock.nowMs += 1;
  expect(await restore(pid)).toBeNull();
});

test.each(['', 'short', 'x'.repeat(37), 'x'.repeat(1 << 20), `${pid}\n`, 'spaces are not in ids'])(
  'an id that is not one of ours is not taken up: %#',
  async (id) => {
    expect(await open().restore(id)).toBeNull();
  },
);
