import { describe, expect, test } from 'vitest';
import { databaseUnavailable } from '#platform/errors/app-error.ts';
import { takeLines } from './take-lines.ts';

const line = `${JSON.stringify({
  metric_type: 'checkout',
  metric_name: 'latency',
  metric_value: 1,
  recorded_at: '2024-12-18T09:30:00Z',
})}\n`;
const lines = (count: number) => Buffer.from(line.repeat(count));

/** Two batches of 2,000 good lines, and what follows. */
async function* stream(last: string) {
  yield lines(2_000);
  yield lines(2_000);
  yield Buffer.from(last);
}

/** Writes the first batch, and fails with the second while the next is read. */
function failSecond(error: Error) {
  let batches = 0;
  return async (points: readonly object[]) => {
    batches += 1;
    await new Promise(setImmediate);
    if (batches === 2) throw error;
    return { accepted: points.length - 1, duplicates: 1 };
  };
}

describe('A batch that cannot be written', () => {
  test.each([
    ['is malformed', 'x\n'],
    ['is wrong', '{}\n'],
    ['is right', line],
    ['is none', ''],
  ])('is told where the next %s, with what was written before', async (_what, last) => {
    await expect(takeLines(stream(last), failSecond(databaseUnavailable(undefined)))).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      retryAfterSeconds: 1,
      message: expect.stringContaining('2000 points of the lines before stay written'),
      details: { accepted: 1_999, duplicates: 1 },
    });
  });

  test('for a fault of ours is left as it is', async () => {
    const fault = new Error('a fault');
    await expect(takeLines(stream('x\n'), failSecond(fault))).rejects.toBe(fault);
  });
});
