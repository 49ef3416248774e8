import { Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';

export const publishedKeys = defineEndpoint({
  id: 'issuers.keys',
  method: 'GET',
  path: '/.well-known/jwks.json',
  tag: 'Identity',
  envelope: 'plain',
  summary: 'The public key that access tokens verify by (RFC 7517)',
  description: 'Without JWT_PRIVATE_KEY a secret signs, and there is no key to publish.',
  status: 200,
  response: Type.Object({
    keys: Type.Array(
      Type.Object({
        kty: Type.Literal('OKP'),
        crv: Type.Literal('Ed25519'),
        x: Type.String({ description: 'the key, 32 bytes in base64url' }),
        kid: Type.String({ description: 'its thumbprint (RFC 7638), as in the header of the tokens' }),
        alg: Type.Literal('EdDSA'),
        use: Type.Literal('sig'),
      }),
    ),
  }),
  errors: [],
  example: {
    response: {
      keys: [
        {
          kty: 'OKP',
          crv: 'Ed25519',
          x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
          kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
          alg: 'EdDSA',
          use: 'sig',
        },
      ],
    },
  },
});
