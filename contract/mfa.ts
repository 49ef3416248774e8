import { Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { MfaCode } from './identity.ts';

const strict = { additionalProperties: false };
const tag = 'Account';
const envelope = 'plain';

export const setUpMfa = defineEndpoint({
  id: 'mfa.setUp',
  method: 'POST',
  path: '/auth/mfa/setup',
  tag,
  envelope,
  summary: 'Begin to set up a second factor (TOTP, RFC 6238)',
  description: 'It counts once POST /auth/mfa/enable has had a code of it. Setting up again replaces the secret.',
  status: 200,
  response: Type.Object({
    otpauth_uri: Type.String({ description: 'for authenticator apps' }),
    qr_svg: Type.String({ description: 'the same as a QR code, an SVG document' }),
    secret: Type.String({ description: 'base32, to type in by hand' }),
  }),
  errors: ['CONFLICT'],
  example: {
    response: {
      otpauth_uri: 'otpauth://totp/Almanac:ada%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Almanac',
      qr_svg: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 45 45"></svg>',
      secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
    },
  },
});

export const enableMfa = defineEndpoint({
  id: 'mfa.enable',
  method: 'POST',
  path: '/auth/mfa/enable',
  tag,
  envelope,
  summary: 'Turn the second factor on with a code of it',
  description: 'Answers ten recovery codes, each of which stands in for a code once. They are not shown again.',
  body: Type.Object({ code: Type.String({ minLength: 6, maxLength: 32, writeOnly: true }) }, strict),
  status: 200,
  response: Type.Object({ recovery_codes: Type.Array(Type.String()) }),
  errors: ['CONFLICT'],
  example: { body: { code: '492039' }, response: { recovery_codes: ['k7m2q-x9w4t', 'h3n8r-c5v6b'] } },
});

export const disableMfa = defineEndpoint({
  id: 'mfa.disable',
  method: 'POST',
  path: '/auth/mfa/disable',
  tag,
  envelope,
  summary: 'Turn the second factor off',
  body: Type.Object({ password: Type.String({ maxLength: 128, writeOnly: true }), code: MfaCode }, strict),
  status: 204,
  response: Type.Null(),
  errors: ['INVALID_CREDENTIALS', 'CONFLICT'],
  example: { body: { password: 'correct horse battery', code: '492039' }, response: null },
});
