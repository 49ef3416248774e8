import { expect, it } from 'vitest';
import { decodeAnswer, encodeAnswer } from './encode-answer.ts';

it('reads back what it wrote, with and without an end', () => {
  const plain = { answer: { body: Buffer.from('{"a":"ä"}'), etag: 'W/"7"' }, expiresAt: 1_700_000_000_000 };
  const ending = { answer: { body: Buffer.alloc(0), etag: '', validUntil: 5 }, expiresAt: 4 };
  expect(decodeAnswer(encodeAnswer(plain))).toEqual(plain);
  expect(decodeAnswer(encodeAnswer(ending))).toEqual(ending);
});

it('does not take other bytes for an answer', () => {
  const good = encodeAnswer({ answer: { body: Buffer.from('x'), etag: 'W/"1"' }, expiresAt: 1 });
  expect(decodeAnswer(Buffer.alloc(0))).toBeUndefined();
  expect(decodeAnswer(Buffer.from('not an answer at all'))).toBeUndefined();
  expect(decodeAnswer(good.subarray(0, 20))).toBeUndefined();
});
