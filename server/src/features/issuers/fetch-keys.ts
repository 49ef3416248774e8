import { createLocalJWKSet, type JSONWebKeySet, type LocalJWKSet } from 'jose';
import type { Config } from '#platform/config/config.ts';
import type { Outbound } from '#platform/outbound/outbound.ts';

/** An issuer as the environment names it. */
export type NamedIssuer = Config['issuers'][number];

/** What tokens of an issuer verify by. */
export interface IssuerKeys {
  /** As its tokens spell it. */
  readonly issuer: string;
  readonly find: LocalJWKSet;
}

const timeoutMs = 4_000;
const maxBytes = 128 * 1024;
/** A token that names no key is tried with each. */
const maxKeys = 100;

/** True for two spellings of one issuer: with and without a slash at the end. */
export function isSameIssuer(one: string, other: string): boolean {
  return one.replace(/\/$/, '') === other.replace(/\/$/, '');
}

/**
 * Fetches the keys of an issuer, where need be by OpenID Connect Discovery. Throws for everything that is not a key set
 * straight from where it belongs: a redirect, a foreign issuer, an answer that is too large, late or malformed.
 */
export async function fetchKeys(named: NamedIssuer, outbound: Pick<Outbound, 'request'>): Promise<IssuerKeys> {
  const { issuer, jwksUri } = await locateKeys(named, outbound);
  const { keys } = await fetchObject(jwksUri, { named, outbound });
  if (!Array.isArray(keys) || keys.length > maxKeys) throw new Error(`${jwksUri} answered no set of keys.`);
  return { issuer, find: createLocalJWKSet({ keys } as JSONWebKeySet) };
}

async function locateKeys(named: NamedIssuer, outbound: Pick<Outbound, 'request'>) {
  if (named.jwksUri !== undefined) return { issuer: named.issuer, jwksUri: named.jwksUri };
  const found = await fetchObject(`${named.issuer}/.well-known/openid-configuration`, { named, outbound });
  const { issuer, jwks_uri: jwksUri } = found;
  if (typeof issuer !== 'string' || !isSameIssuer(issuer, named.issuer)) {
    throw new Error(`${named.issuer} calls itself by another name: set OIDC_ISSUER to what its tokens say.`);
  }
  const url = typeof jwksUri === 'string' ? URL.parse(jwksUri) : null;
  const isSafe = url?.protocol === 'https:' || url?.origin === new URL(named.issuer).origin;
  if (!url || !isSafe) throw new Error(`${named.issuer} names no https:// address of its keys.`);
  return { issuer, jwksUri: url.href };
}

interface Source {
  named: NamedIssuer;
  outbound: Pick<Outbound, 'request'>;
}

async function fetchObject(url: string, { named, outbound }: Source): Promise<Readonly<Record<string, unknown>>> {
  const headers = { accept: 'application/json', ...(named.apiKey === undefined ? {} : { apikey: named.apiKey }) };
  // No repeats: whoever holds the keys asks again by itself.
  const answer = await outbound.request({ service: 'issuer', url, headers, timeoutMs, maxBytes, retries: 0 });
  if (answer.status !== 200) throw new Error(`${url} answered with status ${answer.status}.`);
  if (answer.url !== new URL(url).href) throw new Error(`${url} redirected, and keys are taken from nowhere else.`);
  const value = answer.json();
  if (typeof value !== 'object' || value === null) throw new Error(`${url} answered no object.`);
  return value as Record<string, unknown>;
}
