import { getActivity, getStats, getSummary, type WeeklyData } from '@almanac/contract/weekly.ts';
import { getOrganizationSettings } from '#features/organizations/index.ts';
import type { Week, WeekCalendar } from '#kernel/weeks.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { CachedAnswer } from '#platform/cache/cached-answer.ts';
import type { Caches } from '#platform/cache/caches.ts';
import type { OrganizationTx, Scopes } from '#platform/db/scopes.ts';
import { createEncoder } from '#platform/http/bind.ts';
import { comparedRanges, compareStats } from './compare-week.ts';
import { loadWeek, type WeekComputing, weeklyTopic } from './settle-changes.ts';
import { readStats } from './weekly.views.ts';

interface AnswersOptions extends Pick<WeekComputing, 'clock' | 'now' | 'recordPoints'> {
  scopes: Pick<Scopes, 'inOrganization'>;
  caches: Pick<Caches, 'dashboard'>;
}

type Answer = CachedAnswer | Promise<CachedAnswer>;
type ComputeAnswer = (tx: OrganizationTx, week: Week) => Promise<{ body: Buffer; version: string }>;

/** Raised when the shape of an answer changes, so that no cache serves the old one. */
const schemaVersion = '2';

/** Makes the answers about a week that are cached as bytes, each with the ETag of its version. */
export function createWeekAnswers({ scopes, caches, clock, now, recordPoints }: AnswersOptions) {
  const encodeSummary = createEncoder(getSummary);
  const encodeStats = createEncoder(getStats);
  const encodeActivity = createEncoder(getActivity);

  const answer = (view: string, compute: ComputeAnswer) => {
    const find = (principal: UserPrincipal, text?: string): Answer => {
      const week = clock.resolve(text, principal.organization);
      const { timezone, firstDayOfWeek } = week.calendar;
      const parts = [view, 'weekly:read', week.startDate, timezone, String(firstDayOfWeek), schemaVersion];
      const key = { organizationId: principal.organizationId, topic: weeklyTopic, parts };
      const computeAnswer = async (tx: OrganizationTx): Promise<CachedAnswer> => {
        const settings = await getOrganizationSettings(tx);
        if (!isSameCalendar(settings, week.calendar)) throw new CalendarMoved(settings);
        const until = validUntil(week, now().getTime());
        const { body, version } = await compute(tx, week);
        // Names everything that the bytes rest on: one address answers for several organizations.
        const etag = `W/"${[principal.organizationId, ...parts.slice(2), version].join('/')}"`;
        return { body, etag, ...until };
      };
      return (
        caches.dashboard.peek(key) ??
        caches.dashboard
          .getOrSet(key, () => scopes.inOrganization(principal, computeAnswer))
          .catch((error: unknown) => {
            if (error instanceof CalendarMoved) return find(actingBy(error.calendar, principal), text);
            throw error;
          })
      );
    };
    return find;
  };

  const load = async (tx: OrganizationTx, week: Week) => {
    const data = await loadWeek(tx, week, { now, recordPoints });
    const progress = data.week.complete ? 'complete' : String(data.week.elapsed_fraction);
    return { data, version: `${data.version}/${progress}` };
  };
  const readSummary = answer('summary', async (tx, week) => {
    const { data, version } = await load(tx, week);
    return { body: encodeSummary(data), version };
  });

  return {
    /** The weekly data object as bytes. */
    getSummary: readSummary,

    /** Seven days of activity, as bytes. */
    getActivity: answer('activity', async (tx, week) => {
      const { data, version } = await load(tx, week);
      return { body: encodeActivity(data.chartData.weeklyActivity), version };
    }),

    /** The six numbers against the week before, as bytes. */
    getStats: answer('stats', async (tx, week) => {
      const ranges = comparedRanges(week, now().getTime());
      const { version, stats } = await readStats(tx, week, [ranges.current, ranges.previous]);
      const [current, previous] = stats;
      if (!current || !previous) throw new Error('The numbers of the week could not be read.');
      return {
        body: encodeStats(compareStats(ranges, current, previous)),
        version: `${version}/${ranges.basis}/${ranges.previous.endMs}/${ranges.isAhead}`,
      };
    }),

    /** The weekly data object itself. */
    readWeek: async (principal: UserPrincipal, text?: string): Promise<WeeklyData> => {
      const { body } = await readSummary(principal, text);
      return (JSON.parse(body.toString()) as { data: WeeklyData }).data;
    },
  };
}

/** The organization counts its weeks in another way than a caller knew it to. */
class CalendarMoved extends Error {
  readonly calendar: WeekCalendar;

  constructor(calendar: WeekCalendar) {
    super('The calendar of the organization has changed.');
    this.calendar = calendar;
  }
}

const isSameCalendar = (a: WeekCalendar, b: WeekCalendar) =>
  a.timezone === b.timezone && a.firstDayOfWeek === b.firstDayOfWeek;

/** The same principal, who knows the organization's calendar of now. */
export function actingBy({ timezone, firstDayOfWeek }: WeekCalendar, principal: UserPrincipal): UserPrincipal {
  return { ...principal, organization: { ...principal.organization, timezone, firstDayOfWeek } };
}

/** What says that a week has not begun, or is not over, must not be served once it has or is. */
function validUntil(week: Week, nowMs: number): { validUntil: number } | undefined {
  if (nowMs >= week.endMs) return undefined;
  return { validUntil: nowMs < week.startMs ? week.startMs : week.endMs };
}
