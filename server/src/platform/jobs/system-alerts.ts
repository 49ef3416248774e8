import { type Kysely, sql } from 'kysely';
import { newId } from '#kernel/ids.ts';
import type { Tables } from '../db/tables.ts';

/** Something an operator is to know of: one open alert for each kind and subject. */
export interface SystemAlert {
  kind: string;
  subject: string;
  message: string;
}

/** Opens an alert; an open one of the same kind and subject stands as it is. Answers whether it was opened. */
export async function raiseAlert(db: Kysely<Tables>, alert: SystemAlert & { now: Date }): Promise<boolean> {
  const { rows } = await sql`
    insert into system_alerts (id, kind, subject, message, opened_at)
    values (${newId()}, ${alert.kind}, ${alert.subject}, ${alert.message}, ${alert.now})
    on conflict (kind, subject) where resolved_at is null do nothing
    returning id`.execute(db);
  return rows.length > 0;
}

/** Ends the open alerts of a kind on these subjects. Answers how many there were. */
export async function resolveAlerts(
  db: Kysely<Tables>,
  { kind, subjects, now }: { kind: string; subjects: readonly string[]; now: Date },
): Promise<number> {
  if (subjects.length === 0) return 0;
  const { numAffectedRows } = await sql`
    update system_alerts set resolved_at = ${now}
    where kind = ${kind} and subject = any(${[...subjects]}::text[]) and resolved_at is null`.execute(db);
  return Number(numAffectedRows ?? 0);
}
