import type { FeedPayload } from '@almanac/contract/feed.ts';
import type { WeeklyData } from '@almanac/contract/weekly.ts';
import { Type } from 'typebox';
import { canonicalWeek, type WeekCalendar } from '#kernel/weeks.ts';
import { requirePermission } from '#platform/access/principal.ts';
import { AppError } from '#platform/errors/app-error.ts';
import type { RateLimiter } from '#platform/limits/rate-limiter.ts';
import type { Connection } from '#platform/realtime/connection.ts';
import type { RealtimeNamespace } from '#platform/realtime/namespace.ts';
import { actingBy } from './answer-week.ts';
import { findWeekOf, type WeekClock } from './week-clock.ts';
import type { WeeklyService } from './weekly.service.ts';

interface EventsOptions {
  service: WeeklyService;
  clock: WeekClock;
  limiter: RateLimiter;
}

const WeekPayload = Type.Object(
  {
    week: Type.Optional(
      Type.String({ maxLength: 40, description: 'current, last, two_weeks_ago, 2024-W51 or a date' }),
    ),
  },
  { additionalProperties: false },
);
const defaultWeek = 'current';
const refreshes = { perMinute: 12, burst: 4 };

/**
 * Serves the weekly dashboard's events on a namespace. A connection that never asked for anything is sent the running
 * week when it changes; one that did, the weeks it is subscribed to. A word such as `current` follows the calendar: once
 * the week has turned, the next event of any week brings the week that the word now stands for. Where the organization
 * counts its weeks in another way from then on, everything that is watched is sent again.
 */
export function serveWeeklyEvents(namespace: RealtimeNamespace, options: EventsOptions): void {
  const readObject = createObjectReader(options.service);
  namespace.onConnection((connection) => {
    requirePermission(connection.principal, 'weekly:read');
    // The principal's own is that of when the connection was made.
    let calendar: WeekCalendar = connection.principal.organization;
    const resolve = (text: string) => options.clock.resolve(text, calendar);
    /** What is watched, with the first day of the week that it stood for when it was sent last. */
    const watched = new Map([[defaultWeek, resolve(defaultWeek).startDate]]);
    let hasAsked = false;
    const asking = () => {
      if (!hasAsked) watched.clear();
      hasAsked = true;
    };
    const send = (text: string, version = 0) => {
      const { startDate } = resolve(text);
      if (watched.has(text)) watched.set(text, startDate);
      connection.sendState(`weekly/${startDate}`, 'weekly_data_update', async () => {
        const known = calendar;
        const data = await readObject(actingBy(known, connection.principal), text, version);
        // Told nothing newer meanwhile: the object is by the calendar of now, also where the event of its change was missed.
        if (calendar === known) calendar = findWeekOf(data).calendar;
        return data;
      });
    };

    void connection.follow(['weekly.changed', 'organization.calendar'], ({ events, isGone }) => {
      const moved = events.findLast(({ type }) => type === 'organization.calendar')?.payload;
      calendar = moved ? toCalendar(moved as FeedPayload<'organization.calendar'>) : calendar;
      const payloads = events.filter(({ type }) => type === 'weekly.changed').map(({ payload }) => payload);
      const changed = new Map(
        (payloads as FeedPayload<'weekly.changed'>[]).map(({ week_start, version }) => [week_start, version]),
      );
      for (const [text, sentDate] of [...watched]) {
        const { startDate } = resolve(text);
        const isOther = moved !== undefined || changed.has(startDate) || startDate !== sentDate;
        if (isGone || isOther) send(text, changed.get(startDate));
      }
    });
    connection.on('subscribe_weekly_updates', WeekPayload, ({ week = defaultWeek }) => {
      const text = canonicalWeek(week, resolve(week));
      asking();
      if (watched.size >= 20 && !watched.has(text)) throw tooManyWeeks();
      watched.set(text, '');
      send(text);
      return { week };
    });
    connection.on('unsubscribe_weekly_updates', WeekPayload, ({ week = defaultWeek }) => {
      const text = canonicalWeek(week, resolve(week));
      asking();
      watched.delete(text);
      return { week };
    });
    connection.on('request_weekly_refresh', WeekPayload, async ({ week = defaultWeek }) => {
      requirePermission(connection.principal, 'weekly:refresh');
      const verdict = options.limiter.take(`weekly refresh:${connection.id}`, refreshes);
      if (!verdict.allowed) throw refreshedTooOften(verdict.retryAfterSeconds);
      await options.service.refresh(actingBy(calendar, connection.principal), week);
      send(canonicalWeek(week, resolve(week)));
      return {};
    });
  });
}

const toCalendar = ({ timezone, first_day_of_week }: FeedPayload<'organization.calendar'>): WeekCalendar => ({
  timezone,
  firstDayOfWeek: first_day_of_week,
});

/** Reads a week's object, of that version or a later one, from the cached bytes; parses them once for all connections. */
function createObjectReader(service: WeeklyService) {
  const parsed = new WeakMap<Buffer, WeeklyData>();
  const read = async (principal: Connection['principal'], text: string): Promise<WeeklyData> => {
    const { body } = await service.getSummary(principal, text);
    const known = parsed.get(body);
    if (known) return known;
    const { data } = JSON.parse(body.toString()) as { data: WeeklyData };
    parsed.set(body, data);
    return data;
  };
  return async (principal: Connection['principal'], text: string, version: number): Promise<WeeklyData> => {
    const data = await read(principal, text);
    if (data.version >= version) return data;
    // Another process made the change, and its word to this one's cache is late or lost: nothing would correct it here.
    await service.forget(principal.organizationId);
    return read(principal, text);
  };
}

function tooManyWeeks(): AppError {
  return new AppError({
    code: 'CONFLICT',
    message: 'A connection watches at most 20 weeks. Unsubscribe from one first.',
  });
}

function refreshedTooOften(retryAfterSeconds: number): AppError {
  const wait = Math.ceil(retryAfterSeconds);
  return new AppError({
    code: 'RATE_LIMITED',
    message: `This connection asked for too many refreshes. Go on in ${wait} s.`,
    retryAfterSeconds: wait,
  });
}
