import { isIP } from 'node:net';

/** Reads one environment variable's text; `takes` is the sentence that a wrong value is answered with. */
export interface Taker<T> {
  readonly takes: string;
  /** Returns undefined for a text that it does not take. */
  read(text: string): T | undefined;
}

function parsedUrl(text: string, protocols: readonly string[]): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url && protocols.includes(url.protocol) ? url : undefined;
}

function list<T>(readOne: (part: string) => T | undefined, text: string): T[] | undefined {
  const parts = text.split(',').map((part) => part.trim());
  const values = parts.filter((part) => part !== '').map(readOne);
  return values.includes(undefined) ? undefined : (values as T[]);
}

export const text: Taker<string> = { takes: 'a text that is not empty', read: (value) => value };

export const port: Taker<number> = {
  takes: 'a whole number from 0 to 65535',
  read: (value) => (/^\d{1,5}$/.test(value) && Number(value) <= 65_535 ? Number(value) : undefined),
};

const switchWords = new Map([
  ['on', true],
  ['true', true],
  ['1', true],
  ['off', false],
  ['false', false],
  ['0', false],
]);

export const onOff: Taker<boolean> = {
  takes: 'on or off',
  read: (value) => switchWords.get(value.toLowerCase()),
};

/** A closed set of words. */
export function oneOf<const Words extends readonly string[]>(words: Words): Taker<Words[number]> {
  return { takes: `one of ${words.join(', ')}`, read: (value) => words.find((word) => word === value) };
}

export const postgresUrl: Taker<string> = {
  takes: 'a URL such as postgres://user:password@host:5432/database',
  read: (value) => (parsedUrl(value, ['postgres:', 'postgresql:']) ? value : undefined),
};

export const redisUrl: Taker<string> = {
  takes: 'a URL such as redis://host:6379/0',
  read: (value) => (parsedUrl(value, ['redis:', 'rediss:']) ? value : undefined),
};

function readOrigin(value: string): string | undefined {
  const url = parsedUrl(value, ['http:', 'https:']);
  return url && url.pathname === '/' && !url.search && !url.username ? url.origin : undefined;
}

export const originUrl: Taker<string> = { takes: 'an origin such as https://almanac.example', read: readOrigin };

export const originList: Taker<string[]> = {
  takes: 'origins such as https://app.example, separated by commas',
  read: (value) => list(readOrigin, value),
};

export const hostPortList: Taker<string[]> = {
  takes: 'pairs such as 10.0.0.7:8080, separated by commas',
  read: (value) => list(readHostPort, value),
};

function readHostPort(part: string): string | undefined {
  const match = /^(\[[0-9a-f:]+\]|[\w.-]+):(\d{1,5})$/i.exec(part);
  return match && port.read(match[2] ?? '') !== undefined ? part : undefined;
}

export const pathList: Taker<string[]> = {
  takes: 'folders separated by commas, or off',
  read: (value) => (value === 'off' ? [] : list((part) => part, value)),
};

/** Secrets that stand in tutorials and in everybody's guess list; long enough, but known. */
const knownSecrets = new Set([
  'your-256-bit-secret-your-256-bit-secret',
  'changemechangemechangemechangeme',
  'secretsecretsecretsecretsecretsecret',
  '00000000000000000000000000000000',
  'your-super-secret-jwt-token-with-at-least-32-characters-long',
]);

export const strongSecret: Taker<string> = {
  takes: 'at least 32 bytes that stand in no tutorial; `openssl rand -base64 48` makes some',
  read: (value) => {
    const isGuessable = knownSecrets.has(value.toLowerCase()) || new Set(value).size < 8;
    return Buffer.byteLength(value) >= 32 && !isGuessable ? value : undefined;
  },
};

function readNetwork(part: string): string | undefined {
  const [address = '', prefix, ...rest] = part.split('/');
  const version = address.includes('%') ? 0 : isIP(address);
  const isPrefix =
    prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
  return version !== 0 && rest.length === 0 && isPrefix ? part : undefined;
}

export const trustProxy: Taker<boolean | string[]> = {
  takes: 'on, off, or addresses and networks such as 10.0.0.0/8, separated by commas',
  read: (value) => onOff.read(value) ?? list(readNetwork, value),
};
