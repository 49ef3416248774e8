import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { shapeConfig } from './config.ts';
import { readEnvironment } from './environment.ts';

const strong = 'Jv8wqkEwT0l1m7n2b4c6x8z0A1S3D5F7';
const noFile = 'none.env';

describe('The defaults', () => {
  const shape = (values: NodeJS.Dict<string> = {}) =>
    shapeConfig(
      readEnvironment(noFile, { JWT_SECRET: strong, ENCRYPTION_KEY: strong, ...values } as NodeJS.ProcessEnv),
    );
  const production = { NODE_ENV: 'production', PUBLIC_URL: 'https://almanac.example' };

  test('suit a first try on one’s own machine', () => {
    const config = shape();
    expect(config).toMatchObject({
      role: 'all',
      logLevel: 'info',
      isDemoOn: true,
      isAnonymousAllowed: true,
      databaseUrl: undefined,
    });
    expect(config.http).toMatchObject({
      host: '127.0.0.1',
      port: 5000,
      isLoopback: true,
      areLoopbackOriginsAllowed: true,
      trustProxy: false,
    });
  });

  test('are hard in production', () => {
    const config = shape(production);
    expect(config).toMatchObject({ isDemoOn: false, isAnonymousAllowed: false, localGitPaths: [] });
    expect(config.http).toMatchObject({
      host: '0.0.0.0',
      isLoopback: false,
      areLoopbackOriginsAllowed: false,
      allowedOrigins: ['https://almanac.example'],
    });
  });

  test('give anonymous access to nobody on an address that others reach', () => {
    expect(shape({ HOST: '0.0.0.0' }).isAnonymousAllowed).toBe(false);
    expect(shape({ HOST: '192.0.2.1' }).isAnonymousAllowed).toBe(false);
    expect(shape({ HOST: 'localhost' }).isAnonymousAllowed).toBe(true);
  });

  test('of mails follow PUBLIC_URL, and MAIL_FROM stands over them', () => {
    const mailOf = (values: NodeJS.Dict<string>) => shape(values).mail;
    expect(mailOf({ PORT: '7000' })).toEqual({
      smtpUrl: undefined,
      from: { name: 'Almanac', address: 'almanac@localhost' },
      linkOrigin: 'http://localhost:7000',
    });
    expect(mailOf({ ...production, SMTP_URL: 'smtp://h' })).toEqual({
      smtpUrl: 'smtp://h',
      from: { name: 'Almanac', address: 'almanac@almanac.example' },
      linkOrigin: 'https://almanac.example',
    });
    for (const PUBLIC_URL of ['http://192.0.2.1:5000', 'http://[2001:db8::1]']) {
      expect(mailOf({ PUBLIC_URL }).from.address).toBe('almanac@localhost');
    }
    expect(mailOf({ ...production, MAIL_FROM: 'Post <post@b.example>' }).from).toEqual({
      name: 'Post',
      address: 'post@b.example',
    });
  });

  test('take tokens of no outside issuer, and then of the ones that are named', () => {
    expect(shape().issuers).toEqual([]);
    expect(
      shape({
        SUPABASE_URL: 'https://abc.supabase.co',
        SUPABASE_ANON_KEY: 'anon',
        OIDC_ISSUER: 'https://id.example/realms/main/',
      }).issuers,
    ).toEqual([
      {
        issuer: 'https://abc.supabase.co/auth/v1',
        audience: 'authenticated',
        jwksUri: 'https://abc.supabase.co/auth/v1/.well-known/jwks.json',
        apiKey: 'anon',
      },
      { issuer: 'https://id.example/realms/main', audience: 'almanac', jwksUri: undefined, apiKey: undefined },
    ]);
    const [named] = shape({ OIDC_ISSUER: 'https://id.example', OIDC_AUDIENCE: 'my-api' }).issuers;
    expect(named?.audience).toBe('my-api');
    const twice = { SUPABASE_URL: 'https://abc.supabase.co', OIDC_ISSUER: 'https://abc.supabase.co/auth/v1' };
    expect(() => shape(twice)).toThrow('SUPABASE_URL names that issuer already.');
  });

  test.each(['SUPABASE_URL', 'OIDC_ISSUER'])(
    '%s is reached over TLS, or is this machine outside production',
    (name) => {
      for (const url of ['https://id.example', 'http://127.0.0.1:8000', 'http://localhost:8000', 'http://[::1]:8000']) {
        expect(shape({ [name]: url }).issuers).toHaveLength(1);
      }
      const wrong = (values: NodeJS.Dict<string>) => expect(() => shape(values)).toThrow(`${name} got 'http://`);
      wrong({ [name]: 'http://id.example' });
      wrong({ [name]: 'http://localhost.id.example' });
      wrong({ [name]: 'http://10.0.0.7' });
      wrong({ ...production, [name]: 'http://127.0.0.1:8000' });
    },
  );

  test('sign tokens with the secret unless there is a key pair', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(shape().tokenKey).toEqual({ secret: strong });
    expect(shape({ JWT_PRIVATE_KEY: pem }).tokenKey).toEqual({ privateKey: pem.trim() });
  });

  test.each(['JWT_SECRET', 'ENCRYPTION_KEY', 'PUBLIC_URL'])('in production there is none for %s', (name) => {
    expect(() => shape({ ...production, [name]: '' })).toThrow(`${name} is not set: production requires it.`);
  });

  test('name all that production lacks at once', () => {
    const bare = { NODE_ENV: 'production', JWT_SECRET: '', ENCRYPTION_KEY: '' };
    expect(() => shape(bare)).toThrow(
      /^JWT_SECRET, ENCRYPTION_KEY and PUBLIC_URL are not set: production requires them\.$/,
    );
    expect(() => shape({ ...bare, ENCRYPTION_KEY: strong })).toThrow(
      /^JWT_SECRET and PUBLIC_URL are not set: production requires them\.$/,
    );
  });
});
