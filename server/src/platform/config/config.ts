import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { configurationProblem } from './environment.ts';
import { type GeneratedSecrets, loadOrMakeSecrets } from './secrets.ts';
import { type MailAddress, readMailAddress } from './takers.ts';
import type { VariableName, VariableValues } from './variables.ts';

/** The effective configuration: every value present, shaped for those who use it. */
export interface Config {
  readonly isProduction: boolean;
  readonly role: 'all' | 'api' | 'worker';
  readonly logLevel: string;
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly jwtSecret: string;
  /** What access tokens are signed with: the key pair where there is one, else the secret. */
  readonly tokenKey: { readonly privateKey: string } | { readonly secret: string };
  readonly encryptionKey: string;
  readonly setupToken: string | undefined;
  readonly isDemoOn: boolean;
  readonly isAnonymousAllowed: boolean;
  /** Undefined: take the checkout that the server is started in. */
  readonly localGitPaths: readonly string[] | undefined;
  readonly outboundAllow: readonly string[];
  /** Those whose tokens are taken beside our own. */
  readonly issuers: readonly OutsideIssuer[];
  readonly mail: MailConfig;
  readonly http: HttpConfig;
}

/** Somebody whose tokens are taken beside our own. */
export interface OutsideIssuer {
  /** A URL without a slash at its end. */
  readonly issuer: string;
  readonly audience: string;
  /** Where its keys are; undefined where discovery tells. */
  readonly jwksUri: string | undefined;
  /** What its gateway asks of those who fetch the keys. */
  readonly apiKey: string | undefined;
}

/** How mails leave, and what they say of where they come from. */
export interface MailConfig {
  /** Undefined: mails are kept and not sent. */
  readonly smtpUrl: string | undefined;
  readonly from: MailAddress;
  /** Origin of the links in mails. */
  readonly linkOrigin: string;
}

/** What the HTTP side needs. */
export interface HttpConfig {
  readonly port: number;
  readonly host: string;
  readonly isLoopback: boolean;
  readonly isProduction: boolean;
  readonly allowedOrigins: readonly string[];
  readonly areLoopbackOriginsAllowed: boolean;
  readonly publicUrl: string | undefined;
  readonly cookieSameSite: 'lax' | 'strict' | 'none';
  readonly metricsToken: string | undefined;
  readonly trustProxy: boolean | readonly string[];
}

const requiredInProduction = ['JWT_SECRET', 'ENCRYPTION_KEY', 'PUBLIC_URL'] as const satisfies VariableName[];

/** True for an address that only this machine reaches. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * Shapes what the environment says. Makes and keeps the secrets where they may be generated.
 * Throws a configuration problem that names every required value that production lacks.
 */
export function shapeConfig(values: VariableValues): Config {
  const isProduction = values.NODE_ENV === 'production';
  if (isProduction) {
    const missing = requiredInProduction.filter((name) => values[name] === undefined);
    if (missing.length > 0) throw notSet(missing);
  }
  const dataDir = resolve(values.DATA_DIR ?? '.almanac');
  const http = shapeHttp(values, isProduction);
  const secrets = chooseSecrets(values, dataDir);
  return {
    isProduction,
    role: values.ALMANAC_ROLE ?? 'all',
    logLevel: values.LOG_LEVEL ?? 'info',
    dataDir,
    databaseUrl: values.DATABASE_URL,
    redisUrl: values.REDIS_URL,
    ...secrets,
    tokenKey: values.JWT_PRIVATE_KEY ? { privateKey: values.JWT_PRIVATE_KEY } : { secret: secrets.jwtSecret },
    setupToken: values.SETUP_TOKEN,
    isDemoOn: values.ALMANAC_DEMO ?? !isProduction,
    isAnonymousAllowed: values.ANONYMOUS_ACCESS ?? (!isProduction && http.isLoopback),
    localGitPaths: values.PROJECTS_LOCAL_GIT ?? (isProduction ? [] : undefined),
    outboundAllow: values.OUTBOUND_ALLOW ?? [],
    issuers: shapeIssuers(values, isProduction),
    mail: shapeMail(values, http),
    http,
  };
}

function notSet(missing: readonly VariableName[]): Error {
  const [are, them] = missing.length === 1 ? ['is', 'it'] : ['are', 'them'];
  const names = new Intl.ListFormat('en-GB').format(missing);
  return configurationProblem(`${names} ${are} not set: production requires ${them}.`);
}

/** The host of PUBLIC_URL sends where nothing else is said; an IP address is no domain to send from. */
function shapeMail({ SMTP_URL, MAIL_FROM }: VariableValues, { publicUrl, port }: HttpConfig): MailConfig {
  const host = publicUrl === undefined ? 'localhost' : new URL(publicUrl).hostname;
  const isAddress = isIP(host) !== 0 || host.startsWith('[');
  return {
    smtpUrl: SMTP_URL,
    from: readMailAddress(MAIL_FROM ?? '') ?? { name: 'Almanac', address: `almanac@${isAddress ? 'localhost' : host}` },
    linkOrigin: publicUrl ?? `http://localhost:${port}`,
  };
}

/**
 * The outside issuers that the environment names. Throws a configuration problem for one that is reached without TLS,
 * this machine outside production apart, and for one that is named twice.
 */
function shapeIssuers(values: VariableValues, isProduction: boolean): OutsideIssuer[] {
  const { SUPABASE_URL, SUPABASE_ANON_KEY, OIDC_ISSUER, OIDC_AUDIENCE = 'almanac' } = values;
  requireTls({ SUPABASE_URL, OIDC_ISSUER }, isProduction);
  const issuers: OutsideIssuer[] = [];
  if (SUPABASE_URL !== undefined) {
    const issuer = `${SUPABASE_URL}/auth/v1`;
    const jwksUri = `${issuer}/.well-known/jwks.json`;
    issuers.push({ issuer, audience: 'authenticated', jwksUri, apiKey: SUPABASE_ANON_KEY });
  }
  if (OIDC_ISSUER !== undefined) {
    if (issuers.some(({ issuer }) => issuer === OIDC_ISSUER)) {
      throw configurationProblem(`OIDC_ISSUER got '${OIDC_ISSUER}': SUPABASE_URL names that issuer already.`);
    }
    issuers.push({ issuer: OIDC_ISSUER, audience: OIDC_AUDIENCE, jwksUri: undefined, apiKey: undefined });
  }
  return issuers;
}

function requireTls(named: Readonly<Record<string, string | undefined>>, isProduction: boolean): void {
  for (const [name, value] of Object.entries(named)) {
    if (value === undefined) continue;
    const { protocol, hostname } = new URL(value);
    if (protocol === 'https:' || (!isProduction && isLoopbackHost(hostname.replace(/^\[|\]$/g, '')))) continue;
    const others = isProduction ? '' : ', or http:// on this machine';
    throw configurationProblem(`${name} got '${value}': it takes https://${others}, since keys are fetched from it.`);
  }
}

function chooseSecrets({ JWT_SECRET, ENCRYPTION_KEY }: VariableValues, dataDir: string): GeneratedSecrets {
  if (JWT_SECRET && ENCRYPTION_KEY) return { jwtSecret: JWT_SECRET, encryptionKey: ENCRYPTION_KEY };
  const kept = loadOrMakeSecrets(dataDir);
  return { jwtSecret: JWT_SECRET ?? kept.jwtSecret, encryptionKey: ENCRYPTION_KEY ?? kept.encryptionKey };
}

function shapeHttp(values: VariableValues, isProduction: boolean): HttpConfig {
  const host = values.HOST ?? (isProduction ? '0.0.0.0' : '127.0.0.1');
  const frontend = values.FRONTEND_URL ? [values.FRONTEND_URL] : [];
  const own = values.PUBLIC_URL ? [values.PUBLIC_URL] : [];
  return {
    port: values.PORT ?? 5000,
    host,
    isLoopback: isLoopbackHost(host),
    isProduction,
    allowedOrigins: [...new Set([...own, ...frontend, ...(values.CORS_ORIGINS ?? [])])],
    areLoopbackOriginsAllowed: !isProduction,
    publicUrl: values.PUBLIC_URL,
    cookieSameSite: values.COOKIE_SAMESITE ?? 'lax',
    metricsToken: values.METRICS_TOKEN,
    trustProxy: values.TRUST_PROXY ?? false,
  };
}
