import type { Figure } from '@almanac/contract/report-content.ts';
import { sql } from 'kysely';
import { Type } from 'typebox';
import { compareFigure, defineSectionType, type ReportPeriod } from '#features/reports/index.ts';
import { eachDay } from '#kernel/days.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { hasCountedDays, type UserNumbers, usersOf } from './engagement.views.ts';

/** Who was active, and how much happened, by day. */
export const activitySection = defineSectionType({
  type: 'activity',
  summary: 'Active members and what they did, by day.',
  options: Type.Object({}, { additionalProperties: false }),
  read: async (tx, { period }) => {
    const { users, previousUsers, isSettled, days } = await readActivity(tx, period);
    const { startDate } = period.current;
    const own = days.filter(({ day }) => day >= startDate);
    const total = (counted: readonly DayRow[]) => counted.reduce((sum, { events }) => sum + events, 0);
    const common = { period, isSettled, as_of: users.last_at === null ? null : new Date(users.last_at).toISOString() };
    // Events are kept by whole days: those of a part of the period before are not known.
    const before = period.isComplete ? total(days.filter(({ day }) => day < startDate)) : null;
    return {
      figures: [
        toFigure(
          { name: 'active_users', label: 'Active members', value: users.active, previous: previousUsers.active },
          common,
        ),
        toFigure({ name: 'events', label: 'Activities', value: total(own), previous: before }, common),
      ],
      series: [
        toSeries({ name: 'active_users_by_day', label: 'Active members by day', days: own, field: 'active' }, common),
        toSeries({ name: 'events_by_day', label: 'Activities by day', days: own, field: 'events' }, common),
      ],
      isEmpty: users.active === 0 && previousUsers.active === 0,
    };
  },
});

interface DayRow {
  readonly day: string;
  readonly active: number;
  readonly events: number;
}

interface ActivityRow {
  readonly users: UserNumbers;
  readonly previousUsers: UserNumbers;
  readonly isSettled: boolean;
  readonly days: readonly DayRow[];
}

/** The numbers of both periods, and the days of both that had any activity, in one statement. */
async function readActivity(tx: OrganizationTx, period: ReportPeriod): Promise<ActivityRow> {
  const { current, previous, previousUntilMs } = period;
  const { rows } = await sql<ActivityRow>`
    select ${usersOf(tx, { ...current, untilMs: current.endMs })} as users,
      ${usersOf(tx, { ...previous, untilMs: previousUntilMs })} as "previousUsers",
      ${hasCountedDays(tx, previous.startDate)} as "isSettled",
      (select coalesce(jsonb_agg(d order by d.day), '[]') from (
        select day, count(*) as active, sum(events) as events from activity_daily_users
        where organization_id = ${tx.organizationId} and day between ${previous.startDate}::date and ${current.endDate}::date
        group by day) d) as days`.execute(tx.db);
  const [row] = rows;
  if (!row) throw new Error('The activity of the period could not be counted.');
  return row;
}

interface Common {
  readonly period: ReportPeriod;
  readonly isSettled: boolean;
  readonly as_of: string | null;
}

function toFigure(
  number: Pick<Figure, 'name' | 'label' | 'value' | 'previous'>,
  { period, isSettled, as_of }: Common,
): Figure {
  const isComparable = number.previous !== null;
  return compareFigure({ ...number, unit: 'count', direction: 'up', as_of, isSettled, isComparable }, period);
}

interface Shown {
  readonly name: string;
  readonly label: string;
  readonly days: readonly DayRow[];
  readonly field: 'active' | 'events';
}

/** Every day of the period that has begun, with zeros; the running one is partial. */
function toSeries({ name, label, days, field }: Shown, { period, isSettled }: Common) {
  const { current, calendar, nowMs } = period;
  const points = eachDay(current, calendar.timezone).map(({ startDate: at, startMs, endMs }) => {
    const value = startMs <= nowMs ? (days.find(({ day }) => day === at)?.[field] ?? 0) : null;
    return { at, value, partial: endMs > nowMs || !isSettled, anomaly: false };
  });
  return { name, label, unit: 'count', direction: 'up' as const, step: 'day' as const, points };
}
