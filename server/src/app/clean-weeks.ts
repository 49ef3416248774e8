import { sql } from 'kysely';
import { systemPrincipal } from '#platform/access/principal.ts';
import type { Features } from './compose-features.ts';
import type { Platform } from './compose-platform.ts';

/** Removes the weekly data past the retention of each organization; answers what was done, in words. */
export async function cleanWeeks({ scopes }: Platform, { weekly }: Features): Promise<string> {
  const organizations = await scopes.inInstance(async ({ db }) => {
    const { rows } = await sql<{ id: string; slug: string }>`select id, slug from organizations order by slug`.execute(
      db,
    );
    return rows;
  });
  const lines: string[] = [];
  for (const { id, slug } of organizations) {
    const result = await weekly.removeOldWeeks({
      signal: AbortSignal.timeout(600_000),
      inOrganization: (work) => scopes.inOrganization(systemPrincipal(id), work),
    });
    lines.push(`${slug}: ${result?.items ?? 0} items removed\n`);
  }
  return lines.join('');
}
