import type { FieldFault } from '@almanac/contract/errors.ts';
import { Ajv, type ErrorObject, type SchemaValidateFunction, type ValidateFunction } from 'ajv';
import addFormatsModule, { type FormatsPlugin } from 'ajv-formats';
import fastJsonStringify, { type Schema } from 'fast-json-stringify';
import type { FastifyValidationResult } from 'fastify/types/schema.js';
import type { TSchema } from 'typebox';
import { isId } from '#kernel/ids.ts';
import { readUtcMicroseconds } from '#kernel/read-time.ts';
import { describeFaults } from './describe-faults.ts';
import { findUnstorable } from './find-unstorable.ts';

// The package's types describe its CommonJS form; at run time the import is the plugin itself.
const addFormats = addFormatsModule as unknown as FormatsPlugin;

/** Bodies with more values than this are told their first fault alone: to list all could take gigabytes. */
const maxListedValues = 100_000;

function createAjv(options: { coerceTypes: boolean; allErrors: boolean }): Ajv {
  const ajv = new Ajv({ ...options, removeAdditional: false, useDefaults: true, verbose: true, strict: false });
  addFormats(ajv);
  // The package's own format takes `urn:uuid:` too.
  ajv.addFormat('uuid', isId);
  const anyForm = ajv.formats['date-time'] as { validate: (text: string) => boolean };
  ajv.addFormat('date-time', (text: string) => readUtcMicroseconds(text) !== undefined || anyForm.validate(text));
  ajv.addKeyword({
    keyword: 'isLowerCased',
    type: 'string',
    schemaType: 'boolean',
    modifying: true,
    validate: lowerCase,
  });
  return ajv;
}

/** The keyword that puts a text into lower case where it lies. */
const lowerCase: SchemaValidateFunction = (_schema, text: string, ...[, at]) => {
  if (at) at.parentData[at.parentDataProperty] = text.toLowerCase();
  return true;
};

/** Has the ids that a schema takes lower-cased, once and for all that compares them: the database answers them so. */
function lowerCaseIds(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(lowerCaseIds);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, lowerCaseIds(value)]));
  return inner.format === 'uuid' ? { ...inner, isLowerCased: true } : inner;
}

const first = createAjv({ coerceTypes: false, allErrors: false });
const all = createAjv({ coerceTypes: false, allErrors: true });
const coercing = createAjv({ coerceTypes: true, allErrors: true });

const compileBodyCheck = compileOnce((schema) => createBodyCheck(lowerCaseIds(schema) as object));
const compileTextCheck = compileOnce((schema) => createTextCheck(coercing.compile(lowerCaseIds(schema) as object)));
const compileWriter = compileOnce((schema) => fastJsonStringify(schema as Schema));

/**
 * Compiles the schema of a part of a route: bodies are taken as they are, query strings and path parameters are coerced,
 * and unknown fields are refused. Ids are taken in any case, and reach the handlers in lower case.
 */
export function compileValidator({
  schema,
  httpPart,
}: {
  schema: unknown;
  httpPart?: string;
}): FastifyValidationResult {
  const compile = httpPart === 'body' ? compileBodyCheck : compileTextCheck;
  return createLazyCheck(() => compile(schema as object)) as unknown as FastifyValidationResult;
}

/** Makes what checks values that come in another way than as the body of a route, by the same rules. */
export function createBodyReader(schema: TSchema): (body: unknown) => { faults?: [FieldFault, ...FieldFault[]] } {
  const check = createLazyCheck(() => compileBodyCheck(schema));
  return (body) => (check(body) ? {} : { faults: describeFaults((check.errors ?? []) as never, 'body') });
}

/** Makes the writer of answers by the route's schema. */
export function compileSerializer({ schema }: { schema: unknown }): (data: unknown) => string {
  let write: ((data: unknown) => string) | undefined;
  return (data) => {
    write ??= compileWriter(schema as object);
    return write(data);
  };
}

/** Has each schema compiled once in a process, however many servers and readers it has. */
function compileOnce<Compiled>(compile: (schema: object) => Compiled): (schema: object) => Compiled {
  const known = new WeakMap<object, Compiled>();
  return (schema) => known.getOrInsertComputed(schema, compile);
}

interface Check {
  (data: unknown): boolean;
  errors?: ErrorObject[] | null;
}

/** Compiles with the first request: a start does not wait for what nobody may ask for. */
function createLazyCheck(compile: () => Check): Check {
  let compiled: Check | undefined;
  const check: Check = (data) => {
    compiled ??= compile();
    const isValid = compiled(data);
    check.errors = isValid ? null : (compiled.errors ?? null);
    return isValid;
  };
  return check;
}

/** Looks for the first fault, and for all of them only where there is one. */
function createBodyCheck(schema: object): Check {
  const isValid = first.compile(schema);
  let findAll: ValidateFunction | undefined;
  const check: Check = (body) => {
    if (isValid(body)) return true;
    check.errors = isValid.errors ?? null;
    if (isLarge(body)) return false;
    findAll ??= all.compile(schema);
    findAll(body);
    check.errors = findAll.errors ?? check.errors;
    return false;
  };
  return check;
}

function isLarge(body: unknown): boolean {
  const waiting = [body];
  for (let count = 0; waiting.length > 0; count += 1) {
    if (count + waiting.length > maxListedValues) return true;
    const value = waiting.pop();
    if (typeof value !== 'object' || value === null) continue;
    const inner = Object.values(value);
    if (inner.length > maxListedValues) return true;
    for (const one of inner) waiting.push(one);
  }
  return false;
}

/**
 * Coercion turns `1e400` into Infinity and takes digits that a number cannot hold; both are refused, and so is text that
 * the database cannot hold.
 */
function createTextCheck(validate: ValidateFunction): Check {
  const check: Check = (data) => {
    if (!validate(data)) {
      check.errors = validate.errors ?? null;
      return false;
    }
    const fault = findUnusable((data ?? {}) as object);
    if (!fault) return true;
    check.errors = [fault];
    return false;
  };
  return check;
}

function findUnusable(data: object): ErrorObject | undefined {
  for (const [name, value] of Object.entries(data)) {
    if (isInexact(value)) return inexactNumber(name, value);
    const message = typeof value === 'string' ? findUnstorable(value) : undefined;
    if (message)
      return { keyword: 'storable', instancePath: `/${name}`, schemaPath: '', params: {}, data: value, message };
  }
  return undefined;
}

function isInexact(value: unknown): boolean {
  return typeof value === 'number' && (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER);
}

function inexactNumber(name: string, data: unknown): ErrorObject {
  const limit = Number.MAX_SAFE_INTEGER;
  const params = { comparison: '<=', limit };
  return { keyword: 'maximum', instancePath: `/${name}`, schemaPath: '', params, data };
}
