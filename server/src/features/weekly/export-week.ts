import type { WeeklyData } from '@almanac/contract/weekly.ts';
import type { ExportColumn, ExportDocument } from '#exporters/kit/exporter.ts';
import type { Week } from '#kernel/weeks.ts';
import type { Principal } from '#platform/access/principal.ts';
import type { Scopes } from '#platform/db/scopes.ts';
import { type ExportPosition, readExportPage } from './weekly.views.ts';

const pageSize = 1_000;

const columns = [
  { name: 'kind', type: 'text' },
  { name: 'title', type: 'text' },
  { name: 'author', type: 'text' },
  { name: 'category', type: 'text' },
  { name: 'impact', type: 'text' },
  { name: 'status', type: 'text' },
  { name: 'occurred_at', type: 'time' },
  { name: 'resolved_at', type: 'time' },
  { name: 'url', type: 'text' },
  { name: 'external_id', type: 'text' },
  { name: 'id', type: 'text' },
] as const satisfies ExportColumn[];

interface WeekExport {
  principal: Principal;
  week: Week;
  data: WeeklyData;
}

/** A week as an export reads it: its object, and every item in pages by key, so that memory stays flat. */
export function describeWeekExport(
  { principal, week, data }: WeekExport,
  { inOrganization }: Pick<Scopes, 'inOrganization'>,
): ExportDocument {
  return {
    name: `weekly-report-${week.id}`,
    document: data,
    columns,
    async *rows() {
      let after: ExportPosition | undefined;
      for (;;) {
        const position = after;
        const page = await inOrganization(principal, (tx) =>
          readExportPage(tx, { week, after: position, limit: pageSize }),
        );
        for (const item of page) {
          const { occurred_at, resolved_at } = item;
          const times = {
            occurred_at: new Date(occurred_at).toISOString(),
            resolved_at: resolved_at === null ? null : new Date(resolved_at).toISOString(),
          };
          yield columns.map(({ name }) => ({ ...item, ...times })[name]);
        }
        const last = page.at(-1);
        if (!last || page.length < pageSize) return;
        after = { occurredAt: last.occurred_at, id: last.id };
      }
    },
  };
}
