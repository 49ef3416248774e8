import { errorCodes } from '@almanac/contract/errors.ts';
import { Ajv } from 'ajv';
import addFormatsModule, { type FormatsPlugin } from 'ajv-formats';
import type { TSchema } from 'typebox';
import { describe, expect, test } from 'vitest';
import { listEndpoints } from '#testing/list-endpoints.ts';

// The package's types describe its CommonJS form; at run time the import is the plugin itself.
const addFormats = addFormatsModule as unknown as FormatsPlugin;
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);

const endpoints = listEndpoints();
const faultsOf = (schema: TSchema, value: unknown) => (ajv.validate(schema, value) ? [] : ajv.errors);

test('the contract declares endpoints, each under an id, a method and a path of its own', () => {
  expect(endpoints.length).toBeGreaterThan(10);
  expect(new Set(endpoints.map(({ id }) => id)).size).toBe(endpoints.length);
  expect(new Set(endpoints.map(({ method, path }) => `${method} ${path}`)).size).toBe(endpoints.length);
});

describe.each(endpoints.map((endpoint) => [endpoint.id, endpoint] as const))('%s', (_id, endpoint) => {
  const { body, params, query, example, response } = endpoint;

  test('has an id, tag and summary that documentation can print', () => {
    expect(endpoint.id).toMatch(/^[a-z][a-zA-Z]*\.[a-z][a-zA-Z]*$/);
    expect(endpoint.tag).toMatch(/^[A-Z]/);
    expect(endpoint.summary).toMatch(/^[^.]{3,100}$/);
    expect(endpoint.errors.every((code) => code in errorCodes)).toBe(true);
  });

  test('has an example of each part, and the example fits the schema', () => {
    expect('response' in example).toBe(true);
    expect(faultsOf(response, example.response)).toEqual([]);
    for (const [schema, value] of [
      [body, example.body],
      [query, example.query],
      [params, example.params],
    ] as const) {
      expect(value === undefined).toBe(schema === undefined);
      if (schema) expect(faultsOf(schema, value)).toEqual([]);
    }
  });

  test('refuses unknown fields, and has a schema for each parameter of its path', () => {
    for (const schema of [body, query, params]) {
      if (schema) expect((schema as { additionalProperties?: boolean }).additionalProperties).toBe(false);
    }
    const named = [...endpoint.path.matchAll(/:(\w+)/g)].map(([, name]) => name);
    expect(Object.keys((params as { properties?: object } | undefined)?.properties ?? {})).toEqual(named);
  });

  test('bounds every text and list that it takes', () => {
    expect([body, query, params].flatMap((schema) => (schema ? findUnbounded(schema, '') : []))).toEqual([]);
  });

  test('marks what it takes in secret, so that no error repeats it', () => {
    const parts = Object.entries((body as Part | undefined)?.properties ?? {});
    const secrets = parts.filter(([name]) => /password|token|secret|(?<!country_)code/.test(name));
    expect(secrets.filter(([, part]) => !part.writeOnly).map(([name]) => name)).toEqual([]);
  });

  test('takes a body and an Idempotency-Key only where the method has them', () => {
    // What deletes an account confirms the password, which belongs in no address.
    const takesNone =
      endpoint.method === 'GET' || (endpoint.method === 'DELETE' && endpoint.id !== 'privacy.deleteAccount');
    if (takesNone) expect(body).toBeUndefined();
    if (endpoint.isIdempotent) expect(endpoint.method).toBe('POST');
  });
});

interface Part {
  type?: string;
  maxLength?: number;
  maxItems?: number;
  writeOnly?: boolean;
  enum?: unknown;
  format?: string;
  items?: Part;
  anyOf?: Part[];
  properties?: Record<string, Part>;
}

function findUnbounded(schema: Part, path: string): string[] {
  const isOpenText = schema.type === 'string' && schema.maxLength === undefined && !schema.enum && !schema.format;
  const isOpenList = schema.type === 'array' && schema.maxItems === undefined;
  const inner = [
    ...(schema.items ? findUnbounded(schema.items, `${path}[]`) : []),
    ...(schema.anyOf ?? []).flatMap((part) => findUnbounded(part, path)),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, part]) => findUnbounded(part, `${path}.${name}`)),
  ];
  return isOpenText || isOpenList ? [path, ...inner] : inner;
}
