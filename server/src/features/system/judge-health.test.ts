import { describe, expect, test } from 'vitest';
import { type HealthFacts, judgeHealth, worstOf } from './judge-health.ts';

const now = new Date('2024-12-18T12:00:00Z');
const nothing: HealthFacts = {
  ...{ now, databaseMs: 2, rules: [], lastCheckAt: now, eventLoopMs: undefined },
  ...{ waitingRuns: undefined, overdueEvents: undefined, freeDiskPercent: undefined },
};
const statusOf = (name: string, facts: Partial<HealthFacts>) =>
  judgeHealth({ ...nothing, ...facts }).find((check) => check.name === name)?.status;
const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
const rule = (kind: string, status: 'broken' | 'kept' | 'unknown', value: number) => ({
  ...{ kind, status, value, subject: 'database', threshold: 80, samples: 1, checkedAt: now },
});

describe('A check', () => {
  test.each([
    ['database', { databaseMs: undefined }, 'critical'],
    ['database', { databaseMs: 1_000 }, 'healthy'],
    ['database', { databaseMs: 1_001 }, 'warning'],
    ['event_loop_delay', {}, 'unknown'],
    ['event_loop_delay', { eventLoopMs: 100 }, 'healthy'],
    ['event_loop_delay', { eventLoopMs: 101 }, 'warning'],
    ['event_loop_delay', { eventLoopMs: 1_001 }, 'critical'],
    ['event_loop_delay', { eventLoopMs: 1_001, lastCheckAt: minutesAgo(16) }, 'unknown'],
    ['queue_depth', { waitingRuns: 1_000 }, 'healthy'],
    ['queue_depth', { waitingRuns: 1_001 }, 'warning'],
    ['feed_backlog', { overdueEvents: 0 }, 'healthy'],
    ['feed_backlog', { overdueEvents: 1 }, 'warning'],
    ['disk', {}, 'unknown'],
    ['disk', { freeDiskPercent: 10 }, 'healthy'],
    ['disk', { freeDiskPercent: 9.9 }, 'warning'],
    ['disk', { freeDiskPercent: 2.9 }, 'critical'],
    ['monitoring', { lastCheckAt: undefined }, 'unknown'],
    ['monitoring', { lastCheckAt: minutesAgo(15) }, 'healthy'],
    ['monitoring', { lastCheckAt: minutesAgo(16) }, 'warning'],
    ['connections', {}, 'unknown'],
    ['connections', { rules: [rule('connections', 'kept', 80)] }, 'healthy'],
    ['connections', { rules: [rule('connections', 'broken', 95)] }, 'warning'],
    ['connections', { rules: [rule('connections', 'broken', 95.1)] }, 'critical'],
    ['connections', { rules: [rule('connections', 'broken', 99)], lastCheckAt: minutesAgo(16) }, 'unknown'],
    ['job_failures', { rules: [rule('job_failures', 'broken', 1)], lastCheckAt: undefined }, 'warning'],
  ] as const)('of %s on %j is %s', (name, facts, status) => {
    expect(statusOf(name, facts)).toBe(status);
  });
});

test('the whole is as the worst of its checks, and what is unknown makes nothing worse', () => {
  const worst = (...statuses: ('healthy' | 'warning' | 'critical' | 'unknown')[]) =>
    worstOf(statuses.map((status) => ({ status })));
  expect(worst('unknown', 'unknown')).toBe('healthy');
  expect(worst('healthy', 'warning', 'unknown')).toBe('warning');
  expect(worst('warning', 'critical', 'healthy')).toBe('critical');
});
