import { leastPeople, type Trait } from '@almanac/contract/assessments.ts';
import { type RawBuilder, sql } from 'kysely';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { recentAssessments, traitAverages } from './aggregations.store.ts';

/** What is counted of assessments. */
export interface AssessmentNumbers {
  readonly total: number;
  readonly completed: number;
  /** The newest beginning or completion counted, as the database writes times. */
  readonly last_at: string | null;
}

/**
 * A subquery of one value, AssessmentNumbers, for the statement that counts all of a dashboard at one moment: the
 * assessments begun from a moment on and until another, and those of them that were completed until then.
 */
export function assessmentsOf(
  { organizationId }: OrganizationTx,
  { startMs, untilMs }: { startMs: number; untilMs: number },
): RawBuilder<AssessmentNumbers> {
  const until = new Date(untilMs);
  return sql<AssessmentNumbers>`(
    select jsonb_build_object('total', count(*), 'completed', count(*) filter (where completed_at < ${until}),
      'last_at', greatest(max(created_at), max(completed_at) filter (where completed_at < ${until})))
    from assessments
    where organization_id = ${organizationId} and created_at >= ${new Date(startMs)} and created_at < ${until})`;
}

/** The average score of each trait, and of how many people. */
export interface OceanAverages {
  readonly people: number;
  readonly averages: Readonly<Record<Trait, number>>;
  /** The newest completion counted. */
  readonly asOf: Date;
}

/**
 * Averages over all people of the organization, each by their newest completed assessment of the 90 days before; undefined
 * where they are too few for it to be told.
 */
export async function readOceanAverages(tx: OrganizationTx, now: Date): Promise<OceanAverages | undefined> {
  const { rows } = await sql<OceanAverages>`
    with recent as materialized (${recentAssessments(tx, now)})
    select count(*)::int as people, ${traitAverages} as averages, max(completed_at) as "asOf" from recent`.execute(
    tx.db,
  );
  const [row] = rows;
  return row && row.people >= leastPeople ? row : undefined;
}
