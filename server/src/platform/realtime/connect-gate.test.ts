import { expect, test } from 'vitest';
import { createConnectGate } from './connect-gate.ts';

test('A second handshake is refused while the first is under way, and let through after it', async () => {
  const gate = createConnectGate({ maxFailedHandshakes: 5 });
  const { promise, resolve } = Promise.withResolvers<string>();
  const first = gate.pass(() => promise);
  let runs = 0;
  const run = () => {
    runs += 1;
    return Promise.resolve(runs);
  };
  await expect(gate.pass(run)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  expect(runs).toBe(0);
  resolve('admitted');
  expect(await first).toBe('admitted');
  expect(await gate.pass(run)).toBe(1);
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
