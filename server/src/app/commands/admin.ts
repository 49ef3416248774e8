import { shapeConfig } from '#platform/config/config.ts';
import { configurationProblem, readEnvironment } from '#platform/config/environment.ts';
import { createScopes } from '#platform/db/scopes.ts';
import { addAdministrator } from '../add-administrator.ts';
import { askRunningProcess } from './control.ts';
import { withDatabase } from './open-database.ts';

/** `almanac admin add <e-mail address>`: makes an account an administrator of the installation. */
export async function runAdmin([word, email, ...rest]: string[]): Promise<void> {
  if (word !== 'add' || !email || rest.length > 0)
    throw configurationProblem('admin takes an address: almanac admin add <e-mail address>');
  const { databaseUrl, dataDir } = shapeConfig(readEnvironment());
  const answered = databaseUrl === undefined ? await askRunningProcess(dataDir, 'admin-add', email) : undefined;
  const output =
    answered ??
    (await withDatabase((database, log) =>
      addAdministrator(createScopes({ database, log }), { email, now: new Date() }),
    ));
  process.stdout.write(output);
}
