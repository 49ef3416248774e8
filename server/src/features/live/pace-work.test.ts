import { expect, test } from 'vitest';
import { createPace } from './pace-work.ts';

test('lets callers through in their order, with a turn for other work after every so many', async () => {
  const pace = createPace(10);
  const passed: number[] = [];
  const seen: number[] = [];
  const all = Promise.all(Array.from({ length: 35 }, (_, index) => pace().then(() => passed.push(index))));
  while (passed.length < 35) {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(passed.length);
  }
  await all;
  expect(passed).toEqual(Array.from({ length: 35 }, (_, index) => index));
  expect(seen.length).toBeGreaterThanOrEqual(3);
});
