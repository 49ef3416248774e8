import { createPrivateKey } from 'node:crypto';
import { isIP } from 'node:net';
import { isGuessable } from './is-guessable.ts';

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

export const strongSecret: Taker<string> = {
  takes: 'at least 32 bytes that are no words and stand in no tutorial; `openssl rand -base64 48` makes some',
  read: (value) => (Buffer.byteLength(value) >= 32 && !isGuessable(value) ? value : undefined),
};

export const ed25519Key: Taker<string> = {
  takes: 'the PEM of an Ed25519 private key without a passphrase; `openssl genpkey -algorithm ed25519` makes one',
  read: (value) => {
    const pem = value.replaceAll('\\n', '\n').trim();
    if (!pem.startsWith('-----BEGIN PRIVATE KEY-----')) return undefined;
    try {
      return createPrivateKey(pem).asymmetricKeyType === 'ed25519' ? pem : undefined;
    } catch {
      return undefined;
    }
  },
};

/** An issuer is compared as a text, so it is kept as it is written, but for a slash at its end. */
export const issuerUrl: Taker<string> = {
  takes: 'a URL such as https://id.example/realms/main, without query',
  read: (value) => {
    const url = parsedUrl(value, ['http:', 'https:']);
    const isPlain = url && !/[\s?#\\]/.test(value) && !url.username && !url.password;
    return isPlain ? value.replace(/\/$/, '') : undefined;
  },
};

/** One address with the name it is shown under, which may be empty. */
export interface MailAddress {
  readonly name: string;
  readonly address: string;
}

// Narrower than RFC 5322: neither quoting nor comments, which readers of addresses take in different ways.
const plainAddress = /^[^\s\p{Cc}"(),:;<>@[\\\]]+@[^\s\p{Cc}"(),:;<>@[\\\]]+$/u;
const plainName = /^[^\p{Cc}\p{Zl}\p{Zp}"<>\\]*$/u;

/** True for a single address without quoting or comments. */
export function isMailAddress(text: string): boolean {
  return text.length <= 254 && plainAddress.test(text);
}

/** Reads `name <address>` or a bare address; undefined for anything else, also for several. */
export function readMailAddress(text: string): MailAddress | undefined {
  const [, name = '', bracketed] = /^([^<]*)<([^<>]*)>$/.exec(text) ?? [];
  const address = bracketed ?? text;
  return isMailAddress(address) && plainName.test(name) ? { name: name.trim(), address } : undefined;
}

export const mailAddress: Taker<string> = {
  takes: 'one address such as Almanac <almanac@example.org>',
  read: (value) => (readMailAddress(value) ? value : undefined),
};

/** What a URL may say of the connection: not what is logged, nor how long is waited. */
const smtpParameters = ['requireTLS', 'ignoreTLS', 'name', 'authMethod', 'tls.rejectUnauthorized', 'tls.servername'];

export const smtpUrl: Taker<string> = {
  takes: `a URL such as smtp://user:password@host:587 or smtps://host, with no parameters but ${smtpParameters.join(', ')}`,
  read: (value) => {
    const url = parsedUrl(value, ['smtp:', 'smtps:']);
    const isPlain = url && url.hostname !== '' && (url.pathname === '' || url.pathname === '/') && url.hash === '';
    return isPlain && [...url.searchParams.keys()].every((key) => smtpParameters.includes(key)) ? value : undefined;
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
