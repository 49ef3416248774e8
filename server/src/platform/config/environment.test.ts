import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shapeConfig } from './config.ts';
import { readEnvironment } from './environment.ts';
import { type VariableName, variables } from './variables.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'environment-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const noFile = () => join(folder, 'none.env');
const read = (values: NodeJS.Dict<string>, file = noFile()) => readEnvironment(file, values as NodeJS.ProcessEnv);
const strong = 'Jv8wqkEwT0l1m7n2b4c6x8z0A1S3D5F7';

/** What each variable takes, as the code then sees it, and what it refuses. */
const cases: Record<VariableName, { takes: [string, unknown][]; refuses: string[] }> = {
  PORT: {
    takes: [
      ['0', 0],
      ['5000', 5000],
      ['65535', 65535],
    ],
    refuses: ['65536', '-1', '80.5', '0x50', 'http', '99999999', ' 80', 'Infinity'],
  },
  HOST: {
    takes: [
      ['0.0.0.0', '0.0.0.0'],
      ['::1', '::1'],
    ],
    refuses: [],
  },
  DATABASE_URL: {
    takes: [
      ['postgres://u:p@h:5432/d', 'postgres://u:p@h:5432/d'],
      ['postgresql://h/d', 'postgresql://h/d'],
    ],
    refuses: ['h:5432/d', 'mysql://h/d', 'nowhere', 'http://h'],
  },
  DATA_DIR: { takes: [['data', 'data']], refuses: [] },
  REDIS_URL: {
    takes: [
      ['redis://h:6379/0', 'redis://h:6379/0'],
      ['rediss://h', 'rediss://h'],
    ],
    refuses: ['h:6379', 'http://h'],
  },
  JWT_SECRET: {
    takes: [[strong, strong]],
    refuses: [
      'short',
      strong.slice(1),
      'a'.repeat(64),
      'your-256-bit-secret-your-256-bit-secret',
      'CHANGEMECHANGEMECHANGEMECHANGEME',
    ],
  },
  ENCRYPTION_KEY: { takes: [[strong, strong]], refuses: ['short', '0'.repeat(64)] },
  FRONTEND_URL: {
    takes: [
      ['https://a.example', 'https://a.example'],
      ['https://A.example:443/', 'https://a.example'],
    ],
    refuses: ['a.example', 'https://a.example/x', 'https://u:p@a.example', 'ftp://a.example', '*'],
  },
  CORS_ORIGINS: {
    takes: [['https://a.example, http://b.example:8080,', ['https://a.example', 'http://b.example:8080']]],
    refuses: ['*', 'https://a.example,b', 'https://a.example/x', 'null'],
  },
  PUBLIC_URL: {
    takes: [['https://a.example', 'https://a.example']],
    refuses: ['a.example', '//a.example', 'https://a.example?x=1'],
  },
  COOKIE_SAMESITE: { takes: [['none', 'none']], refuses: ['None', 'off', 'constructor'] },
  OUTBOUND_ALLOW: {
    takes: [['10.0.0.7:8080,[fd00::1]:80', ['10.0.0.7:8080', '[fd00::1]:80']]],
    refuses: ['10.0.0.7', '10.0.0.7:99999', 'http://h:80', 'h:', ':80', 'a b:80'],
  },
  METRICS_TOKEN: { takes: [['x', 'x']], refuses: [] },
  SETUP_TOKEN: { takes: [['x', 'x']], refuses: [] },
  ALMANAC_ROLE: { takes: [['worker', 'worker']], refuses: ['web', 'API', '__proto__'] },
  ALMANAC_DEMO: {
    takes: [
      ['on', true],
      ['OFF', false],
      ['1', true],
      ['false', false],
    ],
    refuses: ['yes', '2', 'constructor', '__proto__', ' on'],
  },
  ANONYMOUS_ACCESS: {
    takes: [
      ['off', false],
      ['true', true],
    ],
    refuses: ['maybe', 'constructor'],
  },
  PROJECTS_LOCAL_GIT: {
    takes: [
      ['off', []],
      ['/a, b', ['/a', 'b']],
    ],
    refuses: [],
  },
  LOG_LEVEL: { takes: [['silent', 'silent']], refuses: ['trace', 'INFO'] },
  TRUST_PROXY: {
    takes: [
      ['on', true],
      ['off', false],
      ['10.0.0.0/8, ::1', ['10.0.0.0/8', '::1']],
    ],
    refuses: ['2', 'proxy', '10.0.0.0/33', '10.0.0.0/0', '::1/129', '10.0.0.0/8/8', '10.0.0.1/', 'fe80::1%eth0'],
  },
  NODE_ENV: { takes: [['production', 'production']], refuses: ['prod', 'Production'] },
};

describe.each(Object.entries(cases) as [VariableName, (typeof cases)[VariableName]][])(
  '%s',
  (name, { takes, refuses }) => {
    test.each(takes)('takes %j', (text, value) => {
      expect(read({ [name]: text })[name]).toEqual(value);
    });

    test.each(refuses)('refuses %j in one line that says what it takes', (text) => {
      let message = '';
      try {
        read({ [name]: text });
      } catch (error) {
        expect((error as Error).name).toBe('ConfigurationProblem');
        ({ message } = error as Error);
      }
      const variable = variables[name];
      expect(message).toMatch(new RegExp(`^${name} got [^\\n]+: it takes [^\\n]+\\.$`));
      expect(message).toContain(variable.taker.takes);
      if ('secret' in variable) expect(message).not.toContain(text);
      else expect(message).toContain(text);
    });
  },
);

test('every variable is documented in a line, and has its case here', () => {
  expect(Object.keys(cases)).toEqual(Object.keys(variables));
  for (const { meaning, shownDefault } of Object.values(variables)) {
    expect(meaning).toMatch(/^[^\n|]+\.$/);
    expect(shownDefault).toMatch(/^[^\n|]+$/);
  }
});

test('a wrong value stays on one line, cut to what a line holds', () => {
  expect(() => read({ PORT: '80\n90' })).toThrow("PORT got '80\\n90': it takes a whole number from 0 to 65535.");
  expect(() => read({ PORT: `"${'x'.repeat(5_000)}` })).toThrow(/^PORT got '"x{99}…': it takes/);
});

test('the file stands behind the environment, and an empty value counts as unset', () => {
  const file = join(folder, 'some.env');
  writeFileSync(file, '# ours\nPORT=7000\nLOG_LEVEL="debug"\nALMANAC_ROLE=\nUNKNOWN=1\n');
  expect(read({ LOG_LEVEL: 'warn', HOST: '' }, file)).toEqual({ PORT: 7000, LOG_LEVEL: 'warn' });
  writeFileSync(file, 'PORT=seven');
  expect(() => read({}, file)).toThrow("PORT got 'seven'");
});

test('a file that cannot be read is told in one line', () => {
  expect(() => read({}, folder)).toThrow(`The file ${folder} cannot be read (EISDIR): make it readable, or remove it.`);
});

describe('The defaults', () => {
  const shape = (values: NodeJS.Dict<string> = {}) =>
    shapeConfig(read({ JWT_SECRET: strong, ENCRYPTION_KEY: strong, ...values }));
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

  test.each(['JWT_SECRET', 'ENCRYPTION_KEY', 'PUBLIC_URL'])('in production there is none for %s', (name) => {
    expect(() => shape({ ...production, [name]: '' })).toThrow(`${name} is not set: production requires it.`);
  });
});
