import { expect, it } from 'vitest';
import { createGenerations } from './generations.ts';

it('outdates what began before an invalidation of its scope, and nothing else', () => {
  const generations = createGenerations();
  const before = generations.current();
  generations.raise('a');
  expect(generations.isCurrent('a', before)).toBe(false);
  expect(generations.isCurrent('b', before)).toBe(true);
  expect(generations.isCurrent('a', generations.current())).toBe(true);
});

it('outdates everything that began before all scopes were raised', () => {
  const generations = createGenerations();
  const before = generations.current();
  generations.raiseAll();
  expect(generations.isCurrent('a', before)).toBe(false);
  expect(generations.isCurrent('a', generations.current())).toBe(true);
});

it('never takes an outdated answer for a current one when it forgets old invalidations', () => {
  const generations = createGenerations(10);
  const before = generations.current();
  for (let number = 0; number < 100; number += 1) generations.raise(`scope ${number}`);
  for (let number = 0; number < 100; number += 1) {
    expect(generations.isCurrent(`scope ${number}`, before)).toBe(false);
    expect(generations.isCurrent(`scope ${number}`, generations.current())).toBe(true);
  }
});
