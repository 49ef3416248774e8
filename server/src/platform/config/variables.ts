import * as take from './takers.ts';

/** One environment variable: how it is read, what it is without being set, and what the documentation says of it. */
export interface Variable<T> {
  /** What stands in the documentation's default column. */
  readonly shownDefault: string;
  readonly meaning: string;
  readonly secret?: true;
  readonly taker: take.Taker<T>;
}

function variable<T>(taker: take.Taker<T>, shownDefault: string, meaning: string): Variable<T> {
  return { taker, shownDefault, meaning };
}

function secret<T>(taker: take.Taker<T>, shownDefault: string, meaning: string): Variable<T> {
  return { taker, shownDefault, meaning, secret: true };
}

/** Every environment variable that Almanac reads, in the order in which they are documented. */
export const variables = {
  PORT: variable(take.port, '5000', 'Port to listen on; 0 takes a free one.'),
  HOST: variable(
    take.text,
    '127.0.0.1, in production 0.0.0.0',
    'Address to listen on. Bound to loopback, the Host header is checked too.',
  ),
  DATABASE_URL: secret(
    take.postgresUrl,
    'none: embedded PGlite under `DATA_DIR`',
    'PostgreSQL 15 or newer, as `postgres://user:password@host:5432/database`.',
  ),
  DATA_DIR: variable(take.text, '.almanac', 'Folder of the embedded database, generated secrets and local files.'),
  REDIS_URL: secret(
    take.redisUrl,
    'none: in process, or NOTIFY on PostgreSQL',
    'Second cache level, doorbell between processes, shared rate limits.',
  ),
  JWT_SECRET: secret(
    take.strongSecret,
    'made at first start, kept in `DATA_DIR`; required in production',
    'Signs access tokens, and keys what else the server signs; at least 32 bytes.',
  ),
  JWT_PRIVATE_KEY: secret(
    take.ed25519Key,
    'none: `JWT_SECRET` signs',
    'Signs access tokens instead (EdDSA; the public key at `/.well-known/jwks.json`). The PEM itself, its line ends also as `\\n`.',
  ),
  ENCRYPTION_KEY: secret(
    take.strongSecret,
    'made at first start, kept in `DATA_DIR`; required in production',
    'Encrypts stored credentials; at least 32 bytes.',
  ),
  FRONTEND_URL: variable(take.originUrl, 'same origin', 'Origin of a front end served elsewhere.'),
  CORS_ORIGINS: variable(
    take.originList,
    'none; outside production loopback origins on any port',
    'Further browser origins, separated by commas; holds for sockets too.',
  ),
  PUBLIC_URL: variable(
    take.originUrl,
    'the listening address; required in production',
    'What links and redirects are built from, never the Host header.',
  ),
  COOKIE_SAMESITE: variable(
    take.oneOf(['lax', 'strict', 'none']),
    'lax',
    '`none` when the front end lives on another site. Cookies are Secure in production.',
  ),
  OUTBOUND_ALLOW: variable(
    take.hostPortList,
    'none',
    'Private `host:port` pairs that sources may reach, separated by commas.',
  ),
  SUPABASE_URL: variable(
    take.originUrl,
    'none',
    'Project whose access tokens are taken too, verified by its asymmetric signing keys.',
  ),
  SUPABASE_ANON_KEY: secret(
    take.text,
    'none',
    'Sent as `apikey` when the keys of `SUPABASE_URL` are fetched, for gateways that ask for it.',
  ),
  OIDC_ISSUER: variable(
    take.issuerUrl,
    'none',
    'OpenID Connect issuer whose tokens are taken too; its keys are found by discovery.',
  ),
  OIDC_AUDIENCE: variable(take.text, 'almanac', 'What tokens of `OIDC_ISSUER` must name as their audience.'),
  SMTP_URL: secret(
    take.smtpUrl,
    'none: mails are kept, and shown to administrators of the installation',
    'Server that mails leave by, as `smtp://user:password@host:587` or `smtps://…`. A password goes to another machine over TLS alone, unless `?requireTLS=false` says otherwise.',
  ),
  MAIL_FROM: variable(
    take.mailAddress,
    'Almanac <almanac@…> at the host of `PUBLIC_URL`, else at localhost',
    'Sender of the mails; the server at `SMTP_URL` must be allowed to send for it.',
  ),
  METRICS_TOKEN: secret(take.text, 'none: `/metrics` answers loopback only', 'Bearer token for `/metrics`.'),
  SETUP_TOKEN: secret(
    take.text,
    'printed at each start in production until there is an account',
    'Needed there to register the first account, which administers the instance.',
  ),
  ALMANAC_ROLE: variable(
    take.oneOf(['all', 'api', 'worker']),
    'all',
    'What this process does: answer requests, run jobs, or both.',
  ),
  ALMANAC_DEMO: variable(take.onOff, 'on outside production', 'The demo organization and its generator.'),
  ANONYMOUS_ACCESS: variable(
    take.onOff,
    'on outside production when bound to loopback, else off',
    'Lets a request without credentials read the demo organization and the local one.',
  ),
  PROJECTS_LOCAL_GIT: variable(
    take.pathList,
    'outside production the checkout that the server is started in',
    'Folders of git repositories, separated by commas, that feed the organization `local`; `off` for none.',
  ),
  LOG_LEVEL: variable(take.oneOf(['debug', 'info', 'warn', 'error', 'silent']), 'info', 'Least level that is logged.'),
  TRUST_PROXY: variable(
    take.trustProxy,
    'off',
    'Proxies whose X-Forwarded-For counts: `off`, `on`, or addresses and networks separated by commas.',
  ),
  NODE_ENV: variable(
    take.oneOf(['development', 'test', 'production']),
    'development',
    '`production` hardens the defaults.',
  ),
} satisfies Record<string, Variable<unknown>>;

/** The names of all variables. */
export type VariableName = keyof typeof variables;

/** The values as read: undefined where a variable is not set. */
export type VariableValues = {
  [Name in VariableName]: (typeof variables)[Name] extends Variable<infer T> ? T | undefined : never;
};
