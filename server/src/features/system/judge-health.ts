import type { RuleState } from './system.views.ts';

export type CheckStatus = 'healthy' | 'warning' | 'critical' | 'unknown';
export type HealthStatus = Exclude<CheckStatus, 'unknown'>;

/** One check of the installation's health. */
export interface HealthCheck {
  name: string;
  status: CheckStatus;
  value: number | null;
  threshold: number | null;
  unit: 'ms' | 'percent' | 'count' | 'minutes';
}

/** What is known. What is undefined is not. */
export interface HealthFacts {
  now: Date;
  /** How long the database took to answer; undefined where it did not. */
  databaseMs: number | undefined;
  /** Of the newest check. */
  rules: readonly RuleState[];
  lastCheckAt: Date | undefined;
  eventLoopMs: number | undefined;
  waitingRuns: number | undefined;
  overdueEvents: number | undefined;
  freeDiskPercent: number | undefined;
}

/** A check that was not made for so long tells nothing of now. */
const staleMinutes = 15;

/** From which value on a check warns, and is critical. `below` counts downwards. */
interface Limits {
  warning: number;
  critical?: number;
  below?: true;
}

const limits = {
  event_loop_delay: { warning: 100, critical: 1_000 },
  queue_depth: { warning: 1_000, critical: 100_000 },
  feed_backlog: { warning: 0, critical: 10_000 },
  disk: { warning: 10, critical: 3, below: true },
  monitoring: { warning: staleMinutes },
} as const satisfies Record<string, Limits>;

/** A broken rule warns, except where the value is past this. */
const criticalRules: Readonly<Record<string, number>> = { connections: 95, error_rate: 25 };

const rules = [
  ['cache_hit_ratio', 'percent'],
  ['connections', 'percent'],
  ['slow_queries', 'count'],
  ['job_failures', 'count'],
  ['error_rate', 'percent'],
] as const;

/** Judges the installation, check by check. */
export function judgeHealth(facts: HealthFacts): HealthCheck[] {
  const { now, databaseMs, lastCheckAt } = facts;
  const minutes = lastCheckAt && Math.max(0, Math.floor((now.getTime() - lastCheckAt.getTime()) / 60_000));
  const isFresh = minutes !== undefined && minutes <= staleMinutes;
  return [
    judgeDatabase(databaseMs),
    ...rules.map(([kind, unit]) => {
      const rule = facts.rules.find((state) => state.kind === kind);
      // How many jobs fail is known without a check.
      const isKnown = isFresh || kind === 'job_failures';
      return { ...judgeRule(kind, rule && { ...rule, status: isKnown ? rule.status : 'unknown' }), unit };
    }),
    judge('event_loop_delay', isFresh ? round(facts.eventLoopMs) : undefined, 'ms'),
    judge('queue_depth', facts.waitingRuns, 'count'),
    judge('feed_backlog', facts.overdueEvents, 'count'),
    judge('disk', facts.freeDiskPercent, 'percent'),
    judge('monitoring', minutes, 'minutes'),
  ];
}

function round(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value * 10) / 10;
}

/** The status of the worst check; what is unknown makes nothing worse. */
export function worstOf(checks: readonly Pick<HealthCheck, 'status'>[]): HealthStatus {
  if (checks.some(({ status }) => status === 'critical')) return 'critical';
  return checks.some(({ status }) => status === 'warning') ? 'warning' : 'healthy';
}

function judgeDatabase(ms: number | undefined): HealthCheck {
  const threshold = 1_000;
  if (ms === undefined) return { name: 'database', status: 'critical', value: null, threshold, unit: 'ms' };
  return { name: 'database', status: ms > threshold ? 'warning' : 'healthy', value: ms, threshold, unit: 'ms' };
}

function judgeRule(name: string, rule: RuleState | undefined): Omit<HealthCheck, 'unit'> {
  if (rule === undefined || rule.status === 'unknown') {
    return { name, status: 'unknown', value: null, threshold: rule?.threshold ?? null };
  }
  const { value, threshold } = rule;
  if (rule.status === 'kept') return { name, status: 'healthy', value, threshold };
  const isCritical = value !== null && value > (criticalRules[name] ?? Number.POSITIVE_INFINITY);
  return { name, status: isCritical ? 'critical' : 'warning', value, threshold };
}

function judge(name: keyof typeof limits, value: number | undefined, unit: HealthCheck['unit']): HealthCheck {
  const { warning, critical, below }: Limits = limits[name];
  const common = { name, threshold: warning, unit };
  if (value === undefined) return { ...common, status: 'unknown', value: null };
  const isPast = (limit: number) => (below ? value < limit : value > limit);
  if (critical !== undefined && isPast(critical)) return { ...common, status: 'critical', value };
  return { ...common, status: isPast(warning) ? 'warning' : 'healthy', value };
}
