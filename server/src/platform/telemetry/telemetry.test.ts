import { afterEach, describe, expect, it, vi } from 'vitest';
import { createTelemetry, type Telemetry } from './telemetry.ts';

const opened: Telemetry[] = [];

afterEach(() => {
  vi.useRealTimers();
  for (const telemetry of opened.splice(0)) telemetry.close();
});

function startTelemetry(options?: Parameters<typeof createTelemetry>[0]): Telemetry {
  const telemetry = createTelemetry(options);
  opened.push(telemetry);
  return telemetry;
}

/** Reads the text format strictly: every line is a comment, blank, or a sample of a metric declared before. */
async function readSamples(telemetry: Telemetry): Promise<Map<string, number>> {
  const { body } = await telemetry.render();
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of body.split('\n').filter((text) => text !== '')) {
    const declared = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line);
    if (declared) types.set(declared[1] ?? '', declared[2] ?? '');
    if (line.startsWith('#')) continue;
    const sample = /^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)*\})? (-?[\d.e+-]+|NaN|[+-]Inf)$/i.exec(line);
    expect(sample, line).not.toBeNull();
    const [, name = '', labels = '', value] = sample ?? [];
    expect(types.has(name) || types.has(name.replace(/_(bucket|sum|count)$/, '')), line).toBe(true);
    expect(samples.has(name + labels), `${line} stands twice`).toBe(false);
    samples.set(name + labels, Number(value));
  }
  return samples;
}

const request = { route: '/api/weeks/:week', method: 'GET', status: 200, seconds: 0.004 };

describe('the rendered metrics', () => {
  it('parse, carry the right content type and hold the process beside our own', async () => {
    const telemetry = startTelemetry();
    expect((await telemetry.render()).contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    const samples = await readSamples(telemetry);
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(samples.has('process_cpu_user_seconds_total')).toBe(true);
    expect(samples.has('almanac_event_loop_delay_seconds{quantile="0.99"}')).toBe(true);
  });

  it('follow the naming conventions: known prefixes, counters end in _total, times in seconds', async () => {
    const { body } = await startTelemetry().render();
    for (const [, name = '', type] of body.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
      expect(name).toMatch(/^(almanac|process|nodejs)_[a-z0-9_]+$/);
      if (name.startsWith('almanac_')) expect(name.endsWith('_total'), name).toBe(type === 'counter');
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    }
  });

  it('of two telemetries in one process are apart', async () => {
    const [one, two] = [startTelemetry(), startTelemetry()];
    one.observeRequest(request);
    expect([...(await readSamples(two)).keys()].filter((key) => key.startsWith('almanac_http'))).toEqual([]);
  });
});

describe('requests', () => {
  it('are counted and timed by route, method and class of status', async () => {
    const telemetry = startTelemetry();
    telemetry.observeRequest(request);
    telemetry.observeRequest({ ...request, status: 204 });
    telemetry.observeRequest({ ...request, status: 404, seconds: 0.3 });
    const samples = await readSamples(telemetry);
    const labels = 'route="/api/weeks/:week",method="GET"';
    expect(samples.get(`almanac_http_requests_total{${labels},status="2xx"}`)).toBe(2);
    expect(samples.get(`almanac_http_requests_total{${labels},status="4xx"}`)).toBe(1);
    expect(samples.get(`almanac_http_request_duration_seconds_count{${labels},status="2xx"}`)).toBe(2);
    expect(samples.get(`almanac_http_request_duration_seconds_bucket{le="0.0025",${labels},status="2xx"}`)).toBe(0);
    expect(samples.get(`almanac_http_request_duration_seconds_bucket{le="0.005",${labels},status="2xx"}`)).toBe(2);
  });

  it('without a route share one label, and neither methods nor routes grow without bound', async () => {
    const telemetry = startTelemetry();
    for (let index = 0; index < 2000; index += 1) {
      telemetry.observeRequest({ ...request, route: undefined, method: `M${index}`, status: 404 });
      telemetry.observeRequest({ ...request, route: `/made-up/${index}` });
      telemetry.observeRequest({ ...request, status: index });
    }
    const samples = await readSamples(telemetry);
    const counters = [...samples].filter(([key]) => key.startsWith('almanac_http_requests_total'));
    expect(samples.get('almanac_http_requests_total{route="unmatched",method="other",status="4xx"}')).toBe(2000);
    expect(samples.get('almanac_http_requests_total{route="other",method="GET",status="2xx"}')).toBeGreaterThan(1000);
    expect(counters.length).toBeLessThan(520);
    expect(counters.reduce((sum, [, value]) => sum + value, 0)).toBe(6000);
  });
});

describe('work', () => {
  it('moves the counters of calls, jobs and the feed', async () => {
    const telemetry = startTelemetry();
    telemetry.observeOutbound({ service: 'github', outcome: '2xx', seconds: 0.2 });
    telemetry.observeOutbound({ service: 'github', outcome: 'timeout', seconds: 15 });
    telemetry.observeJobRun({ job: 'weekly-snapshot', outcome: 'succeeded', seconds: 3 });
    telemetry.countFeedPublished(3);
    telemetry.countFeedDelivered({ transport: 'websocket', count: 5 });
    const samples = await readSamples(telemetry);
    expect(samples.get('almanac_outbound_calls_total{service="github",outcome="timeout"}')).toBe(1);
    expect(samples.get('almanac_outbound_call_duration_seconds_sum{service="github"}')).toBeCloseTo(15.2);
    expect(samples.get('almanac_job_runs_total{job="weekly-snapshot",outcome="succeeded"}')).toBe(1);
    expect(samples.get('almanac_feed_events_published_total')).toBe(3);
    expect(samples.get('almanac_feed_events_delivered_total{transport="websocket"}')).toBe(5);
  });
});

describe('what is watched', () => {
  it('is read afresh at every rendering, and what is gone is gone', async () => {
    const telemetry = startTelemetry();
    const sockets = [{ transport: 'websocket', namespace: '/weekly', count: 2 }];
    const cache = { cache: 'answers', hits: 5, misses: 1 };
    telemetry.watchPools(() => [{ pool: 'primary', total: 10, idle: 4, waiting: 1 }]);
    telemetry.watchCaches(() => [cache]);
    telemetry.watchSockets(() => sockets);
    telemetry.watchSockets(() => [{ transport: 'sse', namespace: '/', count: 1 }]);
    const first = await readSamples(telemetry);
    expect(first.get('almanac_database_pool_connections{pool="primary",state="busy"}')).toBe(6);
    expect(first.get('almanac_database_pool_waiting{pool="primary"}')).toBe(1);
    expect(first.get('almanac_cache_hits_total{cache="answers"}')).toBe(5);
    expect(first.get('almanac_sockets{transport="websocket",namespace="/weekly"}')).toBe(2);
    expect(first.get('almanac_sockets{transport="sse",namespace="/"}')).toBe(1);

    cache.hits = 8;
    sockets.pop();
    const second = await readSamples(telemetry);
    expect(second.get('almanac_cache_hits_total{cache="answers"}')).toBe(8);
    expect(second.has('almanac_sockets{transport="websocket",namespace="/weekly"}')).toBe(false);
  });
});

describe('the depth of the queues', () => {
  const depth = 'almanac_job_queue_depth{queue="reports"}';
  let clock = Date.parse('2026-03-02T10:00:00Z');
  const now = () => new Date(clock);

  it('is asked for once in five seconds, however often the metrics are read', async () => {
    const telemetry = startTelemetry({ now });
    let asked = 0;
    telemetry.watchQueues(() => {
      asked += 1;
      return Promise.resolve({ reports: asked });
    });
    const [first] = await Promise.all([readSamples(telemetry), readSamples(telemetry)]);
    expect([first?.get(depth), asked]).toEqual([1, 1]);
    clock += 4_999;
    expect((await readSamples(telemetry)).get(depth)).toBe(1);
    clock += 1;
    expect((await readSamples(telemetry)).get(depth)).toBe(2);
  });

  it('is the last known one while the database is silent, and absent after a minute', async () => {
    const telemetry = startTelemetry({ now });
    const answers = [Promise.resolve({ reports: 7 }), new Promise<never>(() => undefined)];
    telemetry.watchQueues(() => answers.shift() ?? Promise.reject(new Error('asked twice at once')));
    expect((await readSamples(telemetry)).get(depth)).toBe(7);

    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    clock += 6_000;
    const [late] = await Promise.all([readSamples(telemetry), vi.advanceTimersByTimeAsync(1_000)]);
    expect(late.get(depth)).toBe(7);
    clock += 60_000;
    const [later] = await Promise.all([readSamples(telemetry), vi.advanceTimersByTimeAsync(1_000)]);
    expect(later.has(depth)).toBe(false);
  });

  it('does not spoil the other metrics when it cannot be had', async () => {
    const telemetry = startTelemetry({ now });
    telemetry.watchQueues(() => Promise.reject(new Error('no database')));
    telemetry.observeRequest(request);
    const samples = await readSamples(telemetry);
    expect(samples.has(depth)).toBe(false);
    expect(samples.has('process_resident_memory_bytes')).toBe(true);
  });
});
