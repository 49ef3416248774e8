import { type ELDHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** How long the event loop kept things waiting, in milliseconds. */
export interface EventLoopDelay {
  p50: number;
  p99: number;
  max: number;
}

/** What was seen in a number of windows. */
export interface EventLoopSpan {
  windows: number;
  /** Milliseconds, summed over the windows. */
  p99Sum: number;
  max: number;
}

/** Watches the event loop until it is closed. */
export interface EventLoopMonitor {
  /** The figures of the last window. */
  read(): EventLoopDelay;
  /** The figures of all windows since this was last called. */
  takeSpan(): EventLoopSpan;
  close(): void;
}

const resolutionMs = 20;
const stepMs = 1_000;

/**
 * Starts to watch the event loop, in windows of two seconds that move by one. Two histograms take turns at being read and
 * emptied, because an emptied one loses its next sample: with one alone, a loop that is blocked for longer than a window
 * at a time would look idle.
 */
export function startEventLoopMonitor(): EventLoopMonitor {
  let [older, newer] = [startHistogram(), startHistogram()];
  let last: EventLoopDelay = { p50: 0, p99: 0, max: 0 };
  let span: EventLoopSpan = { windows: 0, p99Sum: 0, max: 0 };

  const turn = () => {
    last = toDelay(older);
    span = { windows: span.windows + 1, p99Sum: span.p99Sum + last.p99, max: Math.max(span.max, last.max) };
    older.reset();
    [older, newer] = [newer, older];
  };
  // The samples are taken by timers too; after a block, setImmediate lets them come first.
  const timer = setInterval(() => setImmediate(turn), stepMs);
  timer.unref();

  return {
    read: () => last,
    takeSpan: () => {
      const taken = span;
      span = { windows: 0, p99Sum: 0, max: 0 };
      return taken;
    },
    close() {
      clearInterval(timer);
      older.disable();
      newer.disable();
    },
  };
}

function startHistogram(): ELDHistogram {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  return histogram;
}

/** A sample is the time between two firings of a timer, so its period is taken off; an empty histogram counts as 0. */
function toDelay(histogram: ELDHistogram): EventLoopDelay {
  const toMs = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolutionMs);
  if (histogram.count === 0) return { p50: 0, p99: 0, max: 0 };
  return { p50: toMs(histogram.percentile(50)), p99: toMs(histogram.percentile(99)), max: toMs(histogram.max) };
}
