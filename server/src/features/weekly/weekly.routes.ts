import {
  addItems,
  exportWeek,
  getActivity,
  getStats,
  getSummary,
  listPending,
  type NewItem,
  refreshWeek,
} from '@almanac/contract/weekly.ts';
import type { FastifyInstance } from 'fastify';
import type { Exporter } from '#exporters/kit/exporter.ts';
import type { ItemRecord } from '#features/activity/index.ts';
import { readTime } from '#kernel/read-time.ts';
import type { CachedAnswer } from '#platform/cache/cached-answer.ts';
import type { Scopes } from '#platform/db/scopes.ts';
import { AnswerWithHeaders, BytesAnswer, FileAnswer } from '#platform/http/answers.ts';
import { bind } from '#platform/http/bind.ts';
import { describeWeekExport } from './export-week.ts';
import { findWeekOf } from './week-clock.ts';
import type { WeeklyService } from './weekly.service.ts';

interface RoutesOptions {
  service: WeeklyService;
  scopes: Pick<Scopes, 'inOrganization'>;
  exporters: readonly Exporter[];
}

function answerBytes(found: CachedAnswer | Promise<CachedAnswer>): BytesAnswer | Promise<BytesAnswer> {
  return found instanceof Promise ? found.then(toBytesAnswer) : toBytesAnswer(found);
}

const toBytesAnswer = ({ body, etag }: CachedAnswer) => new BytesAnswer(body, etag);

/** GET /api/weekly/summary, /stats, /activity, /pending, /export; POST /api/weekly/refresh, /items. */
export function addWeeklyRoutes(app: FastifyInstance, { service, scopes, exporters }: RoutesOptions): void {
  bind(app, getSummary, {
    access: 'weekly:read',
    handle: ({ principal, query }) => answerBytes(service.getSummary(principal, query.week)),
  });
  bind(app, getStats, {
    access: 'weekly:read',
    handle: ({ principal, query }) => answerBytes(service.getStats(principal, query.week)),
  });
  bind(app, getActivity, {
    access: 'weekly:read',
    handle: ({ principal, query }) => answerBytes(service.getActivity(principal, query.week)),
  });
  bind(app, listPending, {
    access: 'weekly:read',
    handle: async ({ principal, query: { week, limit = 1_000 } }) => {
      const { reviews, total } = await service.listPending(principal, { week, limit });
      return new AnswerWithHeaders(reviews, { 'x-total-count': String(total) });
    },
  });
  bind(app, refreshWeek, {
    access: 'weekly:refresh',
    handle: ({ principal, body }) => service.refresh(principal, body.week),
  });
  bind(app, exportWeek, {
    access: 'weekly:read',
    handle: async ({ principal, query }) => {
      const exporter = exporters.find(({ format }) => format === (query.format ?? 'json'));
      if (!exporter) throw new Error(`No exporter is registered for ${query.format}.`);
      const data = await service.readWeek(principal, query.week);
      const week = findWeekOf(data);
      const source = describeWeekExport({ principal, week, data }, scopes);
      const { mediaType, extension } = exporter;
      return new FileAnswer({ content: exporter.write(source), mediaType, fileName: `${source.name}.${extension}` });
    },
  });
  bind(app, addItems, {
    access: 'weekly:write',
    handle: ({ principal, body, once }) => service.addItems(principal, body.items.map(toRecord), once),
  });
}

function toRecord(item: NewItem): ItemRecord {
  const isReview = item.kind === 'review';
  return {
    external_id: item.external_id ?? null,
    kind: item.kind,
    title: item.title,
    author: item.author,
    category: item.category ?? 'General',
    impact: item.impact ?? 'medium',
    status: item.status ?? (isReview && !item.resolved_at ? 'pending' : 'done'),
    url: item.url ?? null,
    occurred_at: toUtc(item.occurred_at),
    resolved_at: item.resolved_at ? toUtc(item.resolved_at) : null,
  };
}

/** A time as RFC 3339 in UTC; as it was sent where it is none, for the check that names it. */
function toUtc(text: string): string {
  return readTime(text)?.toISOString() ?? text;
}
