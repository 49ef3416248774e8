import { withDatabase } from './open-database.ts';

/** `almanac migrate`: the newest schema, without starting a server. */
export async function runMigrate(): Promise<void> {
  await withDatabase(async () => {
    process.stdout.write('The database has the newest schema.\n');
  });
}
