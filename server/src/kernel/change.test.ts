import { expect, test } from 'vitest';
import { changeBetween } from './change.ts';

test.each([
  ['nothing to nothing', 0, 0, { percent: 0 }],
  ['the same', 7, 7, { percent: 0 }],
  ['nothing to something', 0, 5, { percent: null, reason: 'previous_zero' }],
  ['nothing to less', 0, -5, { percent: null, reason: 'previous_zero' }],
  ['something to nothing', 5, 0, { percent: -100 }],
  ['no value before', null, 5, { percent: null, reason: 'previous_missing' }],
  ['never a value before', undefined, 0, { percent: null, reason: 'previous_missing' }],
  ['more', 4, 5, { percent: 25 }],
  ['less', 5, 4, { percent: -20 }],
  ['a negative base, upwards', -10, -5, { percent: 50 }],
  ['a negative base, downwards', -10, -15, { percent: -50 }],
  ['a negative base to nothing', -10, 0, { percent: 100 }],
  ['a half, upwards', 80, 103, { percent: 28.8 }],
  ['a half, downwards', 80, 57, { percent: -28.8 }],
  ['a negative zero before', -0, 0, { percent: 0 }],
] as const)('the change from %s', (...[, previous, current, expected]) => {
  expect(changeBetween(previous, current)).toEqual(expected);
});
