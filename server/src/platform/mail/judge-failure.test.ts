import { describe, expect, test } from 'vitest';
import { judgeFailure, planRetry } from './judge-failure.ts';

const failure = (fields: object, message = 'Message failed') => Object.assign(new Error(message), fields);

describe('A failed attempt', () => {
  test.each([
    [
      'a recipient that the server refuses',
      { code: 'EENVELOPE', responseCode: 550, permanent: true },
      { isPermanent: true, isOutage: false, outcome: '5xx' },
    ],
    [
      'a mail that the server refuses',
      { code: 'EMESSAGE', responseCode: 554, permanent: true },
      { isPermanent: true, isOutage: false, outcome: '5xx' },
    ],
    [
      'an address that the client refuses',
      { code: 'EENVELOPE' },
      { isPermanent: true, isOutage: false, outcome: '5xx' },
    ],
    [
      'a mailbox that is busy',
      { code: 'EENVELOPE', responseCode: 450, permanent: false },
      { isPermanent: false, isOutage: false, outcome: '4xx' },
    ],
    [
      'commands out of order',
      { code: 'EENVELOPE', responseCode: 503, permanent: false },
      { isPermanent: false, isOutage: false, outcome: '5xx' },
    ],
    [
      'a server that closes',
      { code: 'EENVELOPE', responseCode: 421, permanent: false },
      { isPermanent: false, isOutage: true, outcome: '4xx' },
    ],
    [
      'a wrong password',
      { code: 'EAUTH', responseCode: 535, permanent: true },
      { isPermanent: false, isOutage: true, outcome: '5xx' },
    ],
    [
      'a missing password',
      { code: 'EENVELOPE', responseCode: 530, permanent: true },
      { isPermanent: false, isOutage: true, outcome: '5xx' },
    ],
    [
      'a server that refuses us',
      { code: 'EPROTOCOL', responseCode: 554, permanent: true },
      { isPermanent: false, isOutage: true, outcome: '5xx' },
    ],
    ['a server that is away', { code: 'ESOCKET' }, { isPermanent: false, isOutage: true, outcome: 'unreachable' }],
    ['a name that is unknown', { code: 'EDNS' }, { isPermanent: false, isOutage: true, outcome: 'unreachable' }],
    ['a certificate that is wrong', { code: 'ETLS' }, { isPermanent: false, isOutage: true, outcome: 'unreachable' }],
    ['a server that says nothing', { code: 'ETIMEDOUT' }, { isPermanent: false, isOutage: true, outcome: 'timeout' }],
    ['a process that stops', { code: 'EABORT' }, { isPermanent: false, isOutage: false, outcome: 'aborted' }],
  ])('for %s', (_what, fields, expected) => {
    expect(judgeFailure(failure(fields))).toEqual({ ...expected, problem: 'Message failed' });
  });

  test('is told on one line that a row holds', () => {
    const { problem } = judgeFailure(failure({ code: 'EMESSAGE' }, `550-No\r\n550\0 such ${'🦉'.repeat(400)}`));
    expect(problem).toMatch(/^550-No 550 such 🦉/u);
    expect(problem.length).toBeLessThanOrEqual(500);
    expect(problem.isWellFormed()).toBe(true);
    expect(judgeFailure('broken').problem).toBe('broken');
  });
});

test('a mail is tried eight times within a day, at growing distances', () => {
  const tries = [new Date('2024-12-16T00:00:00Z')];
  for (let next = planRetry(1, tries[0] as Date); next; next = planRetry(tries.length, next)) tries.push(next);
  const gaps = tries.slice(1).map((at, index) => (at.getTime() - (tries[index] as Date).getTime()) / 60_000);
  expect(gaps).toEqual([1, 5, 15, 60, 180, 360, 720]);
  expect(tries.at(-1)).toEqual(new Date('2024-12-16T22:21:00Z'));
});
