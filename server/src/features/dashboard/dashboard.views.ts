import { sql } from 'kysely';
import { type AssessmentNumbers, assessmentsOf } from '#features/assessments/index.ts';
import { hasCountedDays, type UserNumbers, usersOf } from '#features/engagement/index.ts';
import type { ComparedPeriods } from '#kernel/compared-periods.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';

/** What is counted of a period and of the part of the one before. */
export interface PeriodNumbers {
  readonly users: UserNumbers;
  readonly previousUsers: UserNumbers;
  readonly assessments: AssessmentNumbers;
  readonly previousAssessments: AssessmentNumbers;
  /** False while days of either are counted anew after a change of the time zone. */
  readonly isSettled: boolean;
}

/** Counts both periods in one statement, so of one moment. */
export async function readPeriodNumbers(
  tx: OrganizationTx,
  { current, previous, previousUntilMs }: Pick<ComparedPeriods, 'current' | 'previous' | 'previousUntilMs'>,
): Promise<PeriodNumbers> {
  const whole = { ...current, untilMs: current.endMs };
  const part = { ...previous, untilMs: previousUntilMs };
  const { rows } = await sql<PeriodNumbers>`
    select ${usersOf(tx, whole)} as users, ${usersOf(tx, part)} as "previousUsers",
      ${assessmentsOf(tx, whole)} as assessments, ${assessmentsOf(tx, part)} as "previousAssessments",
      ${hasCountedDays(tx, previous.startDate)} as "isSettled"`.execute(tx.db);
  const [row] = rows;
  if (!row) throw new Error('The period could not be counted.');
  return row;
}
