import { sql } from 'kysely';
import type { Caches } from '#platform/cache/caches.ts';
import type { PersonalData } from '#platform/privacy/personal-data.ts';
import { reportsTopic } from './reports.service.ts';

interface MadeRow {
  organization_id: string;
  id: string;
  kind: 'report' | 'template';
  title: string;
  created_at: Date;
}

/** The reports and templates that a person has made. They stay once the account is erased, made by nobody then. */
export function declareReports(caches: Pick<Caches, 'invalidateAfter'>): PersonalData<MadeRow> {
  return {
    section: 'reports',
    covers: ['weekly_reports.created_by', 'report_templates.created_by'],
    list: async ({ db }, { userId }, { after, limit }) => {
      const isPast = after
        ? sql`(organization_id, id) > (${after.organization_id}::uuid, ${after.id}::uuid)`
        : sql`true`;
      const { rows } = await sql<MadeRow>`
        select * from (
          select organization_id, id, 'report' as kind, title, created_at from weekly_reports
          where created_by = ${userId}
          union all
          select t.organization_id, t.id, 'template', v.name, t.created_at from report_templates t
          join report_template_versions v
            on v.organization_id = t.organization_id and v.template_id = t.id and v.version = t.version
          where t.created_by = ${userId}) made
        where ${isPast} order by organization_id, id limit ${limit}`.execute(db);
      return rows;
    },
    erase: async (tx, { userId }) => {
      const { rows } = await sql<{ organization_id: string }>`
        select distinct organization_id from weekly_reports where created_by = ${userId} order by 1`.execute(tx.db);
      for (const { organization_id: organizationId } of rows) {
        await tx.inOrganization(organizationId, async (inside) => caches.invalidateAfter(inside, [reportsTopic]));
      }
    },
  };
}
