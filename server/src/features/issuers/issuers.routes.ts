import { publishedKeys } from '@almanac/contract/keys.ts';
import type { FastifyInstance } from 'fastify';
import type { PublicKey } from '#platform/crypto/sign-tokens.ts';
import { bind } from '#platform/http/bind.ts';

/** The installation as an issuer itself: what others verify its tokens by. */
export function addIssuerRoutes(app: FastifyInstance, publicKeys: readonly PublicKey[]): void {
  bind(app, publishedKeys, { access: 'public', handle: () => ({ keys: [...publicKeys] }) });
}
