import { resolve } from 'node:path';
import { configurationProblem } from './environment.ts';
import { type GeneratedSecrets, loadOrMakeSecrets } from './secrets.ts';
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
  readonly encryptionKey: string;
  readonly setupToken: string | undefined;
  readonly isDemoOn: boolean;
  readonly isAnonymousAllowed: boolean;
  /** Undefined: take the checkout that the server is started in. */
  readonly localGitPaths: readonly string[] | undefined;
  readonly outboundAllow: readonly string[];
  readonly http: HttpConfig;
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
 * Throws a configuration problem where production lacks a required value.
 */
export function shapeConfig(values: VariableValues): Config {
  const isProduction = values.NODE_ENV === 'production';
  if (isProduction) {
    const missing = requiredInProduction.find((name) => values[name] === undefined);
    if (missing) throw configurationProblem(`${missing} is not set: production requires it.`);
  }
  const dataDir = resolve(values.DATA_DIR ?? '.almanac');
  const http = shapeHttp(values, isProduction);
  return {
    isProduction,
    role: values.ALMANAC_ROLE ?? 'all',
    logLevel: values.LOG_LEVEL ?? 'info',
    dataDir,
    databaseUrl: values.DATABASE_URL,
    redisUrl: values.REDIS_URL,
    ...chooseSecrets(values, dataDir),
    setupToken: values.SETUP_TOKEN,
    isDemoOn: values.ALMANAC_DEMO ?? !isProduction,
    isAnonymousAllowed: values.ANONYMOUS_ACCESS ?? (!isProduction && http.isLoopback),
    localGitPaths: values.PROJECTS_LOCAL_GIT ?? (isProduction ? [] : undefined),
    outboundAllow: values.OUTBOUND_ALLOW ?? [],
    http,
  };
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
