import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** Makes a role that is no superuser but may make databases and roles; answers the server's address with it. */
export async function makePlainOwner(serverUrl: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `almanac_owner_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  const run = async (statement: string) => {
    const client = new pg.Client({ connectionString: serverUrl });
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  await run(`create role ${name} login createdb createrole nosuperuser password '${password}'`);
  const url = new URL(serverUrl);
  url.username = name;
  url.password = password;
  return { url: url.href, drop: () => run(`drop role ${name}`) };
}
