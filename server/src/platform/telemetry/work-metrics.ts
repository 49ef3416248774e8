import { Counter, Histogram, type Registry } from 'prom-client';
import { createBoundedLabel } from './bounded-label.ts';

/** The metrics of work other than answering requests: calls to the outside, jobs, the feed. */
export interface WorkMetrics {
  /** A finished call to the outside; `outcome` is `2xx` … `5xx` or the kind of problem. */
  observeOutbound(call: { service: string; outcome: string; seconds: number }): void;
  /** A finished run of a job. */
  observeJobRun(run: { job: string; outcome: string; seconds: number }): void;
  /** Events written to the feed. */
  countFeedPublished(count: number): void;
  /** Events handed to connections (`websocket`, `polling`, `sse`, `http`). */
  countFeedDelivered(delivery: { transport: string; count: number }): void;
}

// Names come from code, but a connector's may one day not: a bound costs nothing.
const maxNames = 100;

/** Makes the metrics of work on the registry. */
export function createWorkMetrics(registry: Registry): WorkMetrics {
  const observeOutbound = createTimedCounter(registry, {
    name: 'almanac_outbound_calls',
    durationName: 'almanac_outbound_call_duration_seconds',
    what: 'Calls to outside services, with their retries,',
    label: 'service',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60],
  });
  const observeJob = createTimedCounter(registry, {
    name: 'almanac_job_runs',
    durationName: 'almanac_job_run_duration_seconds',
    what: 'Runs of jobs',
    label: 'job',
    buckets: [0.01, 0.05, 0.25, 1, 5, 15, 60, 300, 1800],
  });
  const published = new Counter({
    name: 'almanac_feed_events_published_total',
    help: 'Events written to the feed.',
    registers: [registry],
  });
  const delivered = new Counter({
    name: 'almanac_feed_events_delivered_total',
    help: 'Feed events handed to connections, by transport.',
    labelNames: ['transport'],
    registers: [registry],
  });
  const boundTransport = createBoundedLabel(maxNames);
  return {
    observeOutbound: ({ service, outcome, seconds }) => observeOutbound(service, outcome, seconds),
    observeJobRun: ({ job, outcome, seconds }) => observeJob(job, outcome, seconds),
    countFeedPublished: (count) => published.inc(count),
    countFeedDelivered: ({ transport, count }) => delivered.inc({ transport: boundTransport(transport) }, count),
  };
}

interface TimedCounterOptions {
  name: string;
  durationName: string;
  what: string;
  label: string;
  buckets: number[];
}

function createTimedCounter(registry: Registry, options: TimedCounterOptions) {
  const { label, what } = options;
  const counter = new Counter({
    name: `${options.name}_total`,
    help: `${what} by ${label} and outcome.`,
    labelNames: [label, 'outcome'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: options.durationName,
    help: `${what} by ${label}: how long they took.`,
    labelNames: [label],
    buckets: options.buckets,
    registers: [registry],
  });
  const boundName = createBoundedLabel(maxNames);
  const boundOutcome = createBoundedLabel(maxNames);
  return (name: string, outcome: string, seconds: number) => {
    const bounded = boundName(name);
    counter.inc({ [label]: bounded, outcome: boundOutcome(outcome) });
    durations.observe({ [label]: bounded }, seconds);
  };
}
