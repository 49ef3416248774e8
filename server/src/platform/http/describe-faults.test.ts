import { type TSchema, Type } from 'typebox';
import { describe, expect, test } from 'vitest';
import { describeFaults } from './describe-faults.ts';
import { quote } from './quote.ts';
import { compileValidator } from './validation.ts';

const compile = compileValidator;
function faultsOf(schema: TSchema, value: unknown, httpPart = 'body') {
  const check = compile({ schema, httpPart }) as unknown as {
    (data: unknown): boolean;
    errors: Parameters<typeof describeFaults>[0];
  };
  return check(value) ? [] : describeFaults(check.errors, httpPart);
}
const strict = { additionalProperties: false };

describe('A value that may have one of several forms', () => {
  const Shape = Type.Union([
    Type.Object({ kind: Type.Literal('circle'), radius: Type.Number({ minimum: 0 }) }, strict),
    Type.String({ maxLength: 3 }),
    Type.Null(),
  ]);

  test('gets one fault when it has none of the types', () => {
    expect(faultsOf(Shape, 5)).toEqual([{ field: 'body', issue: "'5' is not of type object or string or null" }]);
  });

  test('is told what is wrong in the form whose type it has', () => {
    expect(faultsOf(Shape, 'long')).toEqual([{ field: 'body', issue: 'is 4 characters long; at most 3 are taken' }]);
    expect(faultsOf(Shape, { kind: 'circle', radius: -1, colour: 1 }).map(({ field }) => field)).toEqual([
      'colour',
      'radius',
    ]);
  });

  test('leaves the other faults beside it as they are', () => {
    const Both = Type.Object({ shape: Shape, list: Type.Array(Type.Union([Type.Integer(), Type.Null()])) });
    expect(faultsOf(Both, { shape: true, list: [1, 'x', null, 'y'] })).toEqual([
      { field: 'shape', issue: expect.stringContaining("'true' is not of type") },
      { field: 'list[1]', issue: "'x' is not of type integer or null", index: 1 },
      { field: 'list[3]', issue: "'y' is not of type integer or null", index: 3 },
    ]);
  });
});

test('characters are counted as people do', () => {
  expect(faultsOf(Type.String({ maxLength: 2 }), '👋👋👋')).toEqual([
    { field: 'body', issue: 'is 3 characters long; at most 2 are taken' },
  ]);
});

test('the name of a field is cut to what a message holds', () => {
  const [fault] = faultsOf(Type.Object({}, strict), { ['k'.repeat(5_000)]: 1 });
  expect(fault?.field).toBe(`${'k'.repeat(100)}…`);
});

test('a body is not coerced, a query is, and neither holds a number that is none', () => {
  const Query = Type.Object({ limit: Type.Optional(Type.Integer()), on: Type.Optional(Type.Boolean()) }, strict);
  expect(faultsOf(Query, { limit: '5' })).toHaveLength(1);
  expect(faultsOf(Query, { limit: '5', on: 'true' }, 'querystring')).toEqual([]);
  for (const limit of ['', 'NaN', 'Infinity', '1e400', '9007199254740993', '1.5']) {
    expect(faultsOf(Query, { limit }, 'querystring'), limit).toMatchObject([{ field: 'limit' }]);
  }
});

test('a secret is repeated to nobody', () => {
  const parentSchema = { type: 'string', writeOnly: true };
  for (const keyword of ['type', 'minLength', 'format', 'enum', 'pattern']) {
    const params = { type: 'string', limit: 8, format: 'email', allowedValues: [] };
    const error = { keyword, instancePath: '/password', schemaPath: '', params, parentSchema, data: 'hunter2' };
    const [fault] = describeFaults([error] as never, 'body');
    expect(fault?.issue).toMatch(/^the value is /);
  }
});

describe('A quoted value', () => {
  test.each([
    ['x'.repeat(100), `'${'x'.repeat(60)}…'`],
    [`${'x'.repeat(59)}👋`, `'${'x'.repeat(59)}\ufffd…'`],
    [{ a: 1 }, `'{"a":1}'`],
    [[1, [2, [3]]], `'[1,[2,"…"]]'`],
    [undefined, "'undefined'"],
    [Number.POSITIVE_INFINITY, "'Infinity'"],
  ])('%# is short', (value, quoted) => {
    expect(quote(value)).toBe(quoted);
  });

  test('costs little however large the value', () => {
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`k${n}`, n]));
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    expect(quote(wide).length).toBeLessThan(70);
    expect(quote(deep)).toBe(`'[["…"]]'`);
  });
});
