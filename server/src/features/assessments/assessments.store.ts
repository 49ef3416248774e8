import type { Assessment, AssessmentStatus, FacetScores, OceanScores } from '@almanac/contract/assessments.ts';
import { type RawBuilder, sql } from 'kysely';
import type { OrganizationTx } from '#platform/db/scopes.ts';

/** An assessment as it is stored. */
export interface AssessmentRow {
  readonly organization_id: string;
  readonly id: string;
  readonly user_id: string;
  readonly department: string | null;
  readonly role: string | null;
  readonly status: AssessmentStatus;
  readonly ocean_scores: OceanScores;
  readonly facet_scores: FacetScores;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly completed_at: Date | null;
}

/** An assessment as the interface shows it. */
export function toAssessment(row: AssessmentRow): Assessment {
  return {
    ...row,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    completed_at: row.completed_at?.toISOString() ?? null,
  };
}

export async function insertAssessment({ db }: OrganizationTx, row: AssessmentRow): Promise<void> {
  await sql`
    insert into assessments (organization_id, id, user_id, department, role, status, ocean_scores, facet_scores,
      created_at, updated_at, completed_at)
    values (${row.organization_id}, ${row.id}, ${row.user_id}, ${row.department}, ${row.role}, ${row.status},
      ${JSON.stringify(row.ocean_scores)}, ${JSON.stringify(row.facet_scores)}, ${row.created_at}, ${row.updated_at},
      ${row.completed_at})`.execute(db);
}

/** Finds an assessment, and holds off others who would change it. */
export async function lockAssessment(
  { db, organizationId }: OrganizationTx,
  id: string,
): Promise<AssessmentRow | undefined> {
  const { rows } = await sql<AssessmentRow>`
    select * from assessments where organization_id = ${organizationId} and id = ${id} for update`.execute(db);
  return rows[0];
}

export async function updateAssessment({ db, organizationId }: OrganizationTx, row: AssessmentRow): Promise<void> {
  await sql`
    update assessments set department = ${row.department}, role = ${row.role}, status = ${row.status},
      ocean_scores = ${JSON.stringify(row.ocean_scores)}, facet_scores = ${JSON.stringify(row.facet_scores)},
      updated_at = ${row.updated_at}, completed_at = ${row.completed_at}
    where organization_id = ${organizationId} and id = ${row.id}`.execute(db);
}

/** Which assessments are asked for; what is left out narrows nothing. */
export interface AssessmentFilter {
  readonly user_id: string | undefined;
  readonly status: AssessmentStatus | undefined;
  readonly department: string | undefined;
  readonly role: string | undefined;
}

interface AssessmentRange extends AssessmentFilter {
  /** The time and id of the assessment that the page follows. */
  readonly after: readonly [position: string, id: string] | undefined;
  readonly limit: number;
}

/** Assessments of the organization, the newest first; those of one moment by id. */
export async function listAssessments(
  { db, organizationId }: OrganizationTx,
  range: AssessmentRange,
): Promise<(AssessmentRow & { position: string })[]> {
  const { user_id, status, department, role, after, limit } = range;
  const conditions = [
    sql`organization_id = ${organizationId}`,
    user_id !== undefined && sql`user_id = ${user_id}`,
    status !== undefined && sql`status = ${status}`,
    department !== undefined && sql`department = ${department}`,
    role !== undefined && sql`role = ${role}`,
    after && sql`(created_at, id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`,
  ].filter((condition): condition is RawBuilder<unknown> => typeof condition === 'object');
  const { rows } = await sql<AssessmentRow & { position: string }>`
    select *, created_at::text as position from assessments
    where ${sql.join(conditions, sql` and `)} order by created_at desc, id desc limit ${limit}`.execute(db);
  return rows;
}

/** True for a member of the organization. */
export async function isMember({ db }: OrganizationTx, userId: string): Promise<boolean> {
  const { rows } = await sql`select from current_members() where user_id = ${userId}`.execute(db);
  return rows.length > 0;
}
