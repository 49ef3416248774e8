import { expect, test } from 'vitest';
import { requestDurationBounds, requestDurationMetric } from '#platform/telemetry/request-metrics.ts';
import { createTelemetry } from '#platform/telemetry/telemetry.ts';
import { readRequestCounts, subtractRequests } from './read-requests.ts';

test('requests are read from the histogram that Prometheus is shown, each counted once, and what came on top is told', async () => {
  const telemetry = createTelemetry();
  const observe = (status: number, seconds: number) =>
    telemetry.observeRequest({ route: '/api/feed', method: 'GET', status, seconds });
  const read = async () => readRequestCounts(await telemetry.readSamples(requestDurationMetric));
  observe(200, 0.0005);
  observe(200, 60);
  const before = await read();
  expect(subtractRequests(before, new Map())).toEqual([
    {
      ...{ endpoint: 'GET /api/feed', count: 2, failed: 0, sumMs: 60_000.5 },
      histogram: [1, ...requestDurationBounds.slice(1).map(() => 0), 1],
    },
  ]);
  observe(404, 0.0005);
  observe(503, 0.002);
  const [added] = subtractRequests(await read(), before);
  expect(added).toMatchObject({ endpoint: 'GET /api/feed', count: 2, failed: 1 });
  expect(added?.histogram.slice(0, 3)).toEqual([1, 1, 0]);
  expect(added?.sumMs).toBeCloseTo(2.5);
  expect(subtractRequests(await read(), await read())).toEqual([]);
  telemetry.close();
});
