import { parseArgs } from 'node:util';
import { sql } from 'kysely';
import { systemPrincipal } from '#platform/access/principal.ts';
import { shapeConfig } from '#platform/config/config.ts';
import { configurationProblem, readEnvironment } from '#platform/config/environment.ts';
import type { Scopes } from '#platform/db/scopes.ts';
import { createScopes } from '#platform/db/scopes.ts';
import { askRunningProcess } from './control.ts';
import { withDatabase } from './open-database.ts';
import { renderTable } from './render-table.ts';

interface SqlInput {
  organization: string;
  statement: string;
}

/**
 * `almanac sql --organization demo "SELECT …"`: reads one organization's tables, under its row security and read only,
 * from the running process where the database is embedded.
 */
export async function runSql(words: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: { organization: { type: 'string', short: 'o', default: 'demo' } },
  });
  const statement = positionals.join(' ').trim();
  if (statement === '') throw configurationProblem('sql needs a statement: almanac sql --organization demo "SELECT …"');
  const input: SqlInput = { organization: values.organization, statement };
  const config = shapeConfig(readEnvironment());
  const answered = config.databaseUrl === undefined ? await askRunningProcess(config.dataDir, 'sql', input) : undefined;
  const output = answered ?? (await withDatabase((database, log) => answerSql(createScopes({ database, log }), input)));
  process.stdout.write(output);
}

/** Runs a statement in an organization, read only, and draws its rows as a table. */
export async function answerSql(scopes: Scopes, { organization, statement }: SqlInput): Promise<string> {
  const organizationId = await scopes.inInstance(async ({ db }) => {
    const found = await sql<{ id: string }>`
      select id from organizations where slug = ${organization} or id::text = ${organization}`.execute(db);
    return found.rows[0]?.id;
  });
  if (!organizationId) throw configurationProblem(`There is no organization '${organization}'.`);
  try {
    return await scopes.inOrganization(systemPrincipal(organizationId), async ({ db }) => {
      await sql`set transaction read only`.execute(db);
      // As a cursor, because that takes one statement that reads, and no second one behind a semicolon.
      await sql`select set_config('almanac.statement', ${statement.replace(/;\s*$/, '')}, true)`.execute(db);
      await sql`
        do $$ declare answer refcursor := 'almanac_answer';
        begin open answer for execute current_setting('almanac.statement'); end $$`.execute(db);
      const { rows } = await sql<Record<string, unknown>>`fetch all from almanac_answer`.execute(db);
      return renderTable(rows);
    });
  } catch (error) {
    // A write in a read-only transaction is told as an outage to the callers of the API; here the database's own words count.
    const { cause, message } = error as Error;
    throw configurationProblem(`The database answered: ${cause instanceof Error ? cause.message : message}`);
  }
}
