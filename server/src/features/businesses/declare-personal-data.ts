import { sql } from 'kysely';
import type { Caches } from '#platform/cache/caches.ts';
import { columnsOf, type PersonalData } from '#platform/privacy/personal-data.ts';
import { tenantTopic } from './announce-change.ts';
import { type BusinessRow, businessColumns } from './businesses.store.ts';

interface DayRow {
  organization_id: string;
  business_id: string;
  day: string;
  views_count: number;
  messages_count: number;
  invites_count: number;
  responses_count: number;
}

interface StatusRow {
  organization_id: string;
  business_id: string;
  since: Date;
  status: string;
}

/** The person's businesses in all organizations, with their days and statuses. They go with the account. */
export function declareBusinesses(caches: Pick<Caches, 'invalidateAfter'>): readonly PersonalData[] {
  return [declareThemselves(caches), days, statuses] as readonly PersonalData[];
}

function declareThemselves(caches: Pick<Caches, 'invalidateAfter'>): PersonalData<BusinessRow> {
  return {
    section: 'businesses',
    covers: [
      ...columnsOf('businesses', [
        ...[
          'organization_id',
          'id',
          'user_id',
          'name',
          'industry',
          'location',
          'latitude',
          'longitude',
          'country_code',
        ],
        ...['timezone', 'status', 'views_count', 'messages_count', 'invites_count', 'responses_count'],
        ...['tracks_responses', 'created_at', 'updated_at'],
      ]),
      ...columnsOf('tenant_versions', ['organization_id', 'user_id', 'version', 'changed_at']),
    ],
    list: async ({ db }, { userId }, { after, limit }) => {
      const isPast = after
        ? sql`(b.organization_id, b.id) > (${after.organization_id}::uuid, ${after.id}::uuid)`
        : sql`true`;
      const { rows } = await sql<BusinessRow>`
        select ${businessColumns} from businesses b
        where b.user_id = ${userId} and ${isPast} order by b.organization_id, b.id limit ${limit}`.execute(db);
      return rows;
    },
    erase: async (tx, { userId }) => {
      const { rows } = await sql<{ organization_id: string }>`
        select organization_id from tenant_versions where user_id = ${userId} order by 1`.execute(tx.db);
      for (const { organization_id: organizationId } of rows) {
        await tx.inOrganization(organizationId, async (inside) =>
          caches.invalidateAfter(inside, [tenantTopic(userId)]),
        );
      }
    },
  };
}

const days: PersonalData<DayRow> = {
  section: 'business_days',
  covers: columnsOf('business_metrics', [
    ...['organization_id', 'business_id', 'day', 'views_count', 'messages_count', 'invites_count', 'responses_count'],
  ]),
  list: async ({ db }, { userId }, { after, limit }) => {
    const isPast = after
      ? sql`(m.organization_id, m.business_id, m.day)
          > (${after.organization_id}::uuid, ${after.business_id}::uuid, ${after.day}::date)`
      : sql`true`;
    const { rows } = await sql<DayRow>`
      select m.* from businesses b
      join business_metrics m on m.organization_id = b.organization_id and m.business_id = b.id
      where b.user_id = ${userId} and ${isPast} order by m.organization_id, m.business_id, m.day limit ${limit}`.execute(
      db,
    );
    return rows;
  },
};

const statuses: PersonalData<StatusRow> = {
  section: 'business_statuses',
  covers: columnsOf('business_statuses', ['organization_id', 'business_id', 'since', 'status']),
  list: async ({ db }, { userId }, { after, limit }) => {
    const isPast = after
      ? sql`(s.organization_id, s.business_id, s.since)
          > (${after.organization_id}::uuid, ${after.business_id}::uuid, ${after.since})`
      : sql`true`;
    const { rows } = await sql<StatusRow>`
      select s.* from businesses b
      join business_statuses s on s.organization_id = b.organization_id and s.business_id = b.id
      where b.user_id = ${userId} and ${isPast} order by s.organization_id, s.business_id, s.since limit ${limit}`.execute(
      db,
    );
    return rows;
  },
};
