import type { FeedPayload } from '@almanac/contract/feed.ts';
import type { WeeklyData } from '@almanac/contract/weekly.ts';
import { Type } from 'typebox';
import { canonicalWeek } from '#kernel/weeks.ts';
import { requirePermission } from '#platform/access/principal.ts';
import { AppError } from '#platform/errors/app-error.ts';
import type { RateLimiter } from '#platform/limits/rate-limiter.ts';
import type { Connection } from '#platform/realtime/connection.ts';
import type { RealtimeNamespace } from '#platform/realtime/namespace.ts';
import type { WeekClock } from './week-clock.ts';
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
 * the week has turned, the next event of any week brings the week that the word now stands for.
 */
export function serveWeeklyEvents(namespace: RealtimeNamespace, options: EventsOptions): void {
  const readObject = createObjectReader(options.service);
  namespace.onConnection((connection) => {
    requirePermission(connection.principal, 'weekly:read');
    const resolve = (text: string) => options.clock.resolve(text, connection.principal.organization);
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
      connection.sendState(`weekly/${startDate}`, 'weekly_data_update', () =>
        readObject(connection.principal, text, version),
      );
    };

    void connection.follow(['weekly.changed'], ({ events, isGone }) => {
      const payloads = events.map(({ payload }) => payload as FeedPayload<'weekly.changed'>);
      const changed = new Map(payloads.map(({ week_start, version }) => [week_start, version]));
      for (const [text, sentDate] of [...watched]) {
        const { startDate } = resolve(text);
        if (isGone || changed.has(startDate) || startDate !== sentDate) send(text, changed.get(startDate));
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
      await options.service.refresh(connection.principal, week);
      send(canonicalWeek(week, resolve(week)));
      return {};
    });
  });
}

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
