import type { FastifyInstance } from 'fastify';
import type { Config } from '#platform/config/config.ts';
import { readPublicKeys } from '#platform/crypto/sign-tokens.ts';
import type { Log } from '#platform/log/log.ts';
import type { Outbound } from '#platform/outbound/outbound.ts';
import { fetchKeys, isSameIssuer } from './fetch-keys.ts';
import { createKeyHolder } from './hold-keys.ts';
import { invalidToken } from './issuers.errors.ts';
import { addIssuerRoutes } from './issuers.routes.ts';
import type { OutsideClaims } from './read-claims.ts';
import { readClaimedIssuer, verifyToken } from './verify-token.ts';

interface IssuersNeeds {
  config: Pick<Config, 'issuers' | 'tokenKey'>;
  outbound: Pick<Outbound, 'request'>;
  log: Pick<Log, 'warn'>;
  now: () => Date;
}

/** Whose tokens are taken beside our own, and what others verify ours by. */
export interface IssuersFeature {
  /** True for a token that claims to be of an outside issuer; nothing of it is verified yet. */
  isOutside(token: string): boolean;
  /** Throws INVALID_TOKEN, or ISSUER_UNAVAILABLE where the issuer's keys cannot be had. */
  verify(token: string): Promise<OutsideClaims>;
  addRoutes(app: FastifyInstance): void;
}

export function createIssuersFeature({ config, outbound, log, now }: IssuersNeeds): IssuersFeature {
  const issuers = config.issuers.map((named) => {
    const fetch = () => fetchKeys(named, outbound);
    return { named, now, keys: createKeyHolder({ issuer: named.issuer, fetch, now, log }) };
  });
  const findIssuer = (token: string) => {
    const claimed = issuers.length === 0 ? undefined : readClaimedIssuer(token);
    return claimed === undefined ? undefined : issuers.find(({ named }) => isSameIssuer(named.issuer, claimed));
  };
  return {
    isOutside: (token) => findIssuer(token) !== undefined,
    verify: async (token) => {
      const issuer = findIssuer(token);
      if (!issuer) throw invalidToken('is of no issuer that is known here');
      return await verifyToken(token, issuer);
    },
    addRoutes: (app) => addIssuerRoutes(app, readPublicKeys(config.tokenKey)),
  };
}
