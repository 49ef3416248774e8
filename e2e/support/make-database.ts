import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** A database of a test's own, owned by a role that is no superuser, as it is at a hosting service. */
export interface OwnedDatabase {
  /** Connection string of the owner. */
  readonly url: string;
  readonly name: string;
  readonly server: { host: string; port: number };
  /** The owner's connection string through another port, such as a proxy's. */
  urlThrough(port: number): string;
  /** Runs a statement in the database as the cluster's administrator. */
  query<Row extends object>(statement: string, values?: readonly unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

const serverUrl = process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** Makes a database and its owner; both go with `drop`. */
export async function makeDatabase(): Promise<OwnedDatabase> {
  const suffix = randomBytes(4).toString('hex');
  const name = `almanac_e2e_${suffix}`;
  const owner = `almanac_owner_${suffix}`;
  const password = randomBytes(8).toString('hex');
  await runOnServer([
    `create role ${owner} login createrole password '${password}'`,
    `create database ${name} owner ${owner}`,
  ]);
  const urlOf = (user: string, userPassword: string, port?: number) => {
    const url = new URL(serverUrl);
    Object.assign(url, { username: user, password: userPassword, pathname: `/${name}` });
    if (port !== undefined) Object.assign(url, { hostname: '127.0.0.1', port: String(port) });
    return url.href;
  };
  const { hostname, port, username, password: adminPassword } = new URL(serverUrl);
  const admin = new pg.Pool({ connectionString: urlOf(username, adminPassword), max: 1 });
  admin.on('error', () => undefined);
  return {
    url: urlOf(owner, password),
    name,
    server: { host: hostname, port: Number(port || 5432) },
    urlThrough: (proxyPort) => urlOf(owner, password, proxyPort),
    query: async <Row extends object>(statement: string, values: readonly unknown[] = []) =>
      (await admin.query<Row>(statement, [...values])).rows,
    drop: async () => {
      await admin.end();
      await runOnServer([`drop database ${name} with (force)`, `drop role ${owner}`]);
    },
  };
}

async function runOnServer(statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
