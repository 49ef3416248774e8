import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
const pem = {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
} as const;
const ed25519Pem = generateKeyPairSync('ed25519', pem).privateKey;

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
  JWT_PRIVATE_KEY: {
    takes: [
      [ed25519Pem, ed25519Pem.trim()],
      [ed25519Pem.replaceAll('\n', '\\n'), ed25519Pem.trim()],
    ],
    refuses: [
      strong,
      'keys/signing.pem',
      generateKeyPairSync('rsa', { modulusLength: 2048, ...pem }).privateKey,
      generateKeyPairSync('ec', { namedCurve: 'P-256', ...pem }).privateKey,
      generateKeyPairSync('x25519', pem).privateKey,
      generateKeyPairSync('ed25519', pem).publicKey,
      generateKeyPairSync('ed25519', {
        publicKeyEncoding: pem.publicKeyEncoding,
        privateKeyEncoding: { ...pem.privateKeyEncoding, cipher: 'aes-256-cbc', passphrase: 'x' },
      }).privateKey,
      ed25519Pem.replace(/M/, '*'),
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
  SUPABASE_URL: {
    takes: [['https://abcdefgh.supabase.co/', 'https://abcdefgh.supabase.co']],
    refuses: ['abcdefgh', 'https://abcdefgh.supabase.co/auth/v1', 'ftp://h', 'https://u:p@h'],
  },
  SUPABASE_ANON_KEY: { takes: [['eyJhbGciOiJIUzI1NiJ9.e30.x', 'eyJhbGciOiJIUzI1NiJ9.e30.x']], refuses: [] },
  OIDC_ISSUER: {
    takes: [
      ['https://id.example', 'https://id.example'],
      ['https://id.example/realms/Main/', 'https://id.example/realms/Main'],
      ['http://localhost:8080/realms/main', 'http://localhost:8080/realms/main'],
    ],
    refuses: ['id.example', 'https://id.example/?x=1', 'https://id.example/#x', 'https://u@id.example', 'file:///x'],
  },
  OIDC_AUDIENCE: { takes: [['my-api', 'my-api']], refuses: [] },
  SMTP_URL: {
    takes: [
      ['smtp://h', 'smtp://h'],
      [
        'smtps://ada%40a.example:p%2Fw@h:465/?tls.rejectUnauthorized=false',
        'smtps://ada%40a.example:p%2Fw@h:465/?tls.rejectUnauthorized=false',
      ],
      ['smtp://h:25?requireTLS=true&name=a.example', 'smtp://h:25?requireTLS=true&name=a.example'],
    ],
    refuses: [
      'h:25',
      'http://h',
      'smtp://?name=h',
      'smtp:///x',
      'smtp://h:99999',
      'smtp://h/x',
      'smtp://h?logger=true',
      'smtp://h#debug',
    ],
  },
  MAIL_FROM: {
    takes: [
      ['almanac@example.org', 'almanac@example.org'],
      ['Almanac <almanac@example.org>', 'Almanac <almanac@example.org>'],
      ['<a@b>', '<a@b>'],
      ['Älmanach, of sorts <almanac@bücher.example>', 'Älmanach, of sorts <almanac@bücher.example>'],
    ],
    refuses: [
      'Almanac',
      'a@b, c@d',
      '<a@b>, <c@d>',
      'A <a@b> <c@d>',
      'A <a@b, c@d>',
      'a@b@c',
      'A <a@b',
      '"A" <a@b>',
      '"a b"@c',
      ' a@b',
    ],
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

test.each(['A <a@b>\r\nBcc: c@d', 'A\r\nBcc: c@d <a@b>', 'A\u2028B <a@b>', `${'a'.repeat(252)}@b.c`])(
  'MAIL_FROM takes no line ends and no endless address: %j',
  (text) => {
    expect(() => read({ MAIL_FROM: text })).toThrow(/^MAIL_FROM got [^\n]+: it takes one address such as/);
  },
);

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
