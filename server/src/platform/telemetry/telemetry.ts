import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Log } from '#platform/log/log.ts';
import { type EventLoopMonitor, type EventLoopSpan, startEventLoopMonitor } from './event-loop-monitor.ts';
import { createRequestMetrics, type ObservedRequest } from './request-metrics.ts';
import { createWatchedMetrics, type WatchedMetrics } from './watched-metrics.ts';
import { createWorkMetrics, type WorkMetrics } from './work-metrics.ts';

const unusedMonitorStepMs = 60_000;

interface TelemetryOptions {
  log?: Log;
  now?: () => Date;
}

/** One figure of a metric. */
export interface MetricSample {
  /** The metric's name; of a histogram with `_bucket`, `_sum` or `_count` behind it. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** The figures of one process, and where the rest of the server tells them. */
export interface Telemetry extends WorkMetrics, WatchedMetrics {
  /** An answered request; cheap enough for each of them. */
  observeRequest(request: ObservedRequest): void;
  /** All metrics in Prometheus' text format, with the Content-Type to send them under. */
  render(): Promise<{ contentType: string; body: string }>;
  /** The figures of one metric as they stand; none where there is no metric of that name. */
  readSamples(metric: string): Promise<MetricSample[]>;
  /**
   * How long the event loop kept things waiting of late, as the median in milliseconds: what load is shed by. A single
   * long block, as at a start, is no overload.
   */
  eventLoopDelay(): number;
  /** How long the event loop kept things waiting since this was last called. */
  takeEventLoopSpan(): EventLoopSpan;
  /** Stops watching the event loop. */
  close(): void;
}

/**
 * Makes the metrics of this process on a registry of its own. Ours are named `almanac_…`; those of the process itself keep
 * the names that every Prometheus dashboard knows (`process_…`, `nodejs_…`).
 */
export function createTelemetry({ log, now = () => new Date() }: TelemetryOptions = {}): Telemetry {
  const registry = new Registry();
  const monitor = startEventLoopMonitor();
  // The library's own view of the event loop is emptied by every reader, so that two spoil each other's: ours replaces it.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: unusedMonitorStepMs });
  for (const { name } of registry.getMetricsAsArray()) {
    if (name.startsWith('nodejs_eventloop_lag')) registry.removeSingleMetric(name);
  }
  registerEventLoopDelay(registry, monitor);
  return {
    ...createWorkMetrics(registry),
    ...createWatchedMetrics({ registry, now, log }),
    observeRequest: createRequestMetrics(registry),
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
    readSamples: (metric) => readSamples(registry, metric),
    eventLoopDelay: () => monitor.read().p50,
    takeEventLoopSpan: () => monitor.takeSpan(),
    close: () => monitor.close(),
  };
}

async function readSamples(registry: Registry, metric: string): Promise<MetricSample[]> {
  const { values = [] } = (await registry.getSingleMetric(metric)?.get()) ?? {};
  return values.map(({ labels, value, ...named }) => ({
    name: 'metricName' in named && typeof named.metricName === 'string' ? named.metricName : metric,
    labels: labels as MetricSample['labels'],
    value,
  }));
}

function registerEventLoopDelay(registry: Registry, monitor: EventLoopMonitor): void {
  new Gauge({
    name: 'almanac_event_loop_delay_seconds',
    help: 'How long the event loop kept things waiting within the last two seconds.',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      const { p50, p99, max } = monitor.read();
      this.set({ quantile: '0.5' }, p50 / 1000);
      this.set({ quantile: '0.99' }, p99 / 1000);
      this.set({ quantile: '1' }, max / 1000);
    },
  });
}
