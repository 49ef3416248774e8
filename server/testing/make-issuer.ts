import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

/** A key pair of the issuer's. */
export interface IssuerKey {
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** An issuer of tokens on a real HTTP server of its own: OpenID Connect at its origin, and its keys where Supabase has them. */
export interface TestIssuer {
  readonly origin: string;
  /** The keys it publishes at the moment. */
  readonly keys: IssuerKey[];
  /** What it was asked for, in order. */
  readonly requests: { path: string; headers: IncomingMessage['headers'] }[];
  /** Answers by path that stand in for its own. */
  readonly answers: Map<string, Answer>;
  /** Resolves when it is asked for the path the next time. */
  nextRequest(path: string): Promise<void>;
  /** A token of the first key, of this issuer, for `almanac`, from now for an hour; all of it can be changed. */
  sign(change?: { payload?: JWTPayload; header?: object; key?: IssuerKey }): Promise<string>;
  close(): Promise<void>;
}

export const jwksPath = '/keys.json';
export const discoveryPath = '/.well-known/openid-configuration';
export const supabaseJwksPath = '/auth/v1/.well-known/jwks.json';

/** Makes a key pair, named unless `kid` is null. */
export async function makeIssuerKey(alg: string, kid: string | null = crypto.randomUUID()): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), alg, use: 'sig', ...(kid === null ? {} : { kid }) };
  return { alg, privateKey, jwk };
}

/** Starts the issuer, with one key of the algorithm. */
export async function makeIssuer({ alg = 'ES256', now }: { alg?: string; now: () => Date }): Promise<TestIssuer> {
  const keys = [await makeIssuerKey(alg)];
  const requests: TestIssuer['requests'] = [];
  const answers: TestIssuer['answers'] = new Map();
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.push({ path, headers: request.headers });
    (answers.get(path) ?? answerAsUsual)(response, request);
    server.emit(`request ${path}`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  function answerAsUsual(response: ServerResponse, { url }: IncomingMessage): void {
    const body = {
      [discoveryPath]: { issuer: origin, jwks_uri: origin + jwksPath },
      [jwksPath]: { keys: keys.map(({ jwk }) => jwk) },
      [supabaseJwksPath]: { keys: keys.map(({ jwk }) => jwk) },
    }[url ?? ''];
    response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? {}));
  }

  return {
    origin,
    keys,
    requests,
    answers,
    nextRequest: async (path) => {
      await once(server, `request ${path}`);
    },
    sign: ({ payload, header, key = keys[0] } = {}) => {
      if (!key) throw new Error('The issuer has no key.');
      const seconds = Math.floor(now().getTime() / 1000);
      const usual = { iss: origin, aud: 'almanac', sub: 'ada', iat: seconds, exp: seconds + 3_600 };
      const { kid } = key.jwk;
      return new SignJWT({ ...usual, ...payload })
        .setProtectedHeader({ alg: key.alg, ...(kid === undefined ? {} : { kid }), ...header })
        .sign(key.privateKey);
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
