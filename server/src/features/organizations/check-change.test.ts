import { expect, test } from 'vitest';
import { refuseOtherChanges } from './check-change.ts';

const current = {
  id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5e',
  slug: 'analytical-engines',
  role: 'owner',
  subscription_tier: 'free',
  is_demo: false,
  created_at: '2024-12-16T09:30:00.000Z',
};

test('what was read and is sent back is taken, ids in any case and times in any form', () => {
  refuseOtherChanges(current, current);
  refuseOtherChanges(current, {});
  refuseOtherChanges(current, { id: current.id.toUpperCase(), created_at: '2024-12-16T10:30:00+01:00' });
});

test.each([
  [{ is_demo: true }, "is_demo: 'true' is not what it is, 'false'; it cannot be changed"],
  [{ slug: 'other' }, "slug: 'other' is not what it is, 'analytical-engines'; it cannot be changed"],
  [
    { subscription_tier: 'pro' },
    "subscription_tier: 'pro' is not what it is, 'free'; change it at POST /users/upgrade",
  ],
  [
    { role: 'viewer' },
    "role: 'viewer' is not what it is, 'owner'; change it at PUT /api/organizations/:id/members/:user_id",
  ],
  [{ created_at: '2024-12-16T09:30:00.001Z' }, 'created_at: '],
])('a change of another kind is refused and says where to make it: %j', (sent, message) => {
  expect(() => refuseOtherChanges(current, sent)).toThrow(message);
});

test('every wrong field is named', () => {
  expect(() => refuseOtherChanges(current, { slug: 'other', is_demo: true })).toThrow('(and 1 more)');
});
