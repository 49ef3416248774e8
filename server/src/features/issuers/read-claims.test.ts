import { expect, test } from 'vitest';
import { readClaims } from './read-claims.ts';

const good = { sub: 'ada', exp: 1_734_523_200 };
const read = (payload: object) => readClaims('https://id.example', { ...good, ...payload });

test('an address counts as verified only where the issuer itself says so', () => {
  const email = 'ada@example.org';
  expect(read({ email, email_verified: true })).toMatchObject({ email, isEmailVerified: true });
  for (const claims of [
    {},
    { email_verified: 'true' },
    { email_verified: 1 },
    { user_metadata: { email_verified: true } },
  ]) {
    expect(read({ email, ...claims })).toMatchObject({ email, isEmailVerified: false });
  }
});

test.each([7, '', 'x'.repeat(255), ['a@b'], null, 'a\0@b.example', '\uD800@b.example'])('%j is no address', (email) => {
  expect(read({ email })).toMatchObject({ subject: 'ada', email: undefined });
});

test.each([
  ['Ada', { name: ' Ada ' }],
  ['Ada', { user_metadata: { full_name: 'Ada', name: 'A' } }],
  ['A', { user_metadata: { full_name: ' ', name: 'A' } }],
  ['Ada', { name: 'x'.repeat(201), user_metadata: { name: 'Ada' } }],
  [undefined, { name: '' }],
  [undefined, { name: 7 }],
  [undefined, { name: 'Ada\u0000' }],
  [undefined, { name: '\uDC00' }],
  [undefined, { user_metadata: null }],
  [undefined, { user_metadata: 'Ada' }],
])('a name is %j in %j', (name, claims) => {
  expect(read(claims)?.name).toBe(name);
});

test.each([
  [true, { aal: 'aal2' }],
  [true, { amr: ['pwd', 'mfa'] }],
  [false, {}],
  [false, { aal: 'aal1' }],
  [false, { amr: ['pwd'] }],
  [false, { amr: 'mfa' }],
  [false, { amr: [{ method: 'password' }] }],
])('a second factor is %j in %j', (has, claims) => {
  expect(read(claims)?.hasSecondFactor).toBe(has);
});

test.each([
  { sub: undefined },
  { sub: 1 },
  { exp: undefined },
  { exp: -1 },
  { exp: 1e300 },
  { events: {} },
  { is_anonymous: true },
])('%j is of nobody', (claims) => {
  expect(read(claims)).toBeUndefined();
});
