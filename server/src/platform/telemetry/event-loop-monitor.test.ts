import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type EventLoopMonitor, startEventLoopMonitor } from './event-loop-monitor.ts';

let monitor: EventLoopMonitor;

beforeEach(() => {
  // Only the windows are moved by hand; the event loop that is measured is the real one.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  monitor = startEventLoopMonitor();
});

afterEach(() => {
  monitor.close();
  vi.useRealTimers();
});

function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** Lets the loop turn until its real timers have run, then ends a window. */
async function endWindow(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  vi.advanceTimersByTime(1_000);
  await new Promise((resolve) => setImmediate(resolve));
}

describe('the event-loop monitor', () => {
  it('starts at nothing', () => {
    expect(monitor.read()).toEqual({ p50: 0, p99: 0, max: 0 });
  });

  it('sees a loop that is blocked for longer than its windows, and forgets it two windows later', async () => {
    for (let windows = 0; windows < 3; windows += 1) {
      block(300);
      await endWindow();
    }
    expect(monitor.read().p99).toBeGreaterThan(200);
    expect(monitor.read().max).toBeLessThan(2_000);
    await endWindow();
    await endWindow();
    await endWindow();
    expect(monitor.read().p99).toBeLessThan(200);
  });

  it('sums its windows until they are taken', async () => {
    for (let windows = 0; windows < 3; windows += 1) {
      block(300);
      await endWindow();
    }
    const span = monitor.takeSpan();
    expect(span.windows).toBe(3);
    expect(span.p99Sum).toBeGreaterThan(200);
    expect(span.max).toBeGreaterThan(200);
    expect(monitor.takeSpan()).toEqual({ windows: 0, p99Sum: 0, max: 0 });
  });

  it('stops with close', async () => {
    monitor.close();
    block(120);
    await endWindow();
    expect(monitor.read().max).toBe(0);
  });
});
