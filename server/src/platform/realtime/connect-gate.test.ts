import { expect, test } from 'vitest';
import { createConnectGate } from './connect-gate.ts';

test('Handshakes that come at once take their turn, a few of them', async () => {
  const gate = createConnectGate({ maxFailedHandshakes: 5 });
  const { promise, resolve } = Promise.withResolvers<number>();
  const first = gate.pass(() => promise);
  const order: number[] = [];
  const more = [1, 2, 3, 4, 5, 6, 7].map((number) => gate.pass(async () => order.push(number)));
  await expect(gate.pass(async () => order.push(9))).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  expect(order).toEqual([]);
  resolve(0);
  expect(await first).toBe(0);
  await Promise.all(more);
  expect(order).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(await gate.pass(async () => 'later')).toBe('later');
});

test('What waits for its turn is not run once the failures before it are too many', async () => {
  const gate = createConnectGate({ maxFailedHandshakes: 2 });
  let runs = 0;
  const fail = async () => {
    runs += 1;
    throw new Error('wrong');
  };
  await Promise.allSettled([1, 2, 3, 4].map(() => gate.pass(fail)));
  expect(runs).toBe(2);
});

test('Past its failures the gate lets nothing through', async () => {
  const gate = createConnectGate({ maxFailedHandshakes: 2 });
  const fail = () => Promise.reject(new Error('wrong'));
  await expect(gate.pass(fail)).rejects.toThrow('wrong');
  expect(gate.isUsedUp).toBe(false);
  await expect(gate.pass(fail)).rejects.toThrow('wrong');
  expect(gate.isUsedUp).toBe(true);
  await expect(gate.pass(() => Promise.resolve('admitted'))).rejects.toMatchObject({ code: 'RATE_LIMITED' });
});
