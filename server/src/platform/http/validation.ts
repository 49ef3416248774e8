import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormatsModule, { type FormatsPlugin } from 'ajv-formats';
import fastJsonStringify, { type Schema } from 'fast-json-stringify';
import type { FastifyValidationResult } from 'fastify/types/schema.js';

// The package's types describe its CommonJS form; at run time the import is the plugin itself.
const addFormats = addFormatsModule as unknown as FormatsPlugin;

/** Bodies with more values than this are told their first fault alone: to list all could take gigabytes. */
const maxListedValues = 100_000;

function createAjv(options: { coerceTypes: boolean; allErrors: boolean }): Ajv {
  const ajv = new Ajv({ ...options, removeAdditional: false, useDefaults: true, verbose: true, strict: false });
  addFormats(ajv);
  return ajv;
}

/**
 * Makes the compiler of route schemas: bodies are taken as they are, query strings and path parameters are coerced, and
 * unknown fields are refused.
 */
export function createValidatorCompiler(): (route: { schema: unknown; httpPart?: string }) => FastifyValidationResult {
  const first = createAjv({ coerceTypes: false, allErrors: false });
  const all = createAjv({ coerceTypes: false, allErrors: true });
  const coercing = createAjv({ coerceTypes: true, allErrors: true });
  return ({ schema, httpPart }) => {
    const check = createLazyCheck(() =>
      httpPart === 'body'
        ? createBodyCheck({ schema: schema as object, first, all })
        : createTextCheck(coercing.compile(schema as object)),
    );
    return check as unknown as FastifyValidationResult;
  };
}

/** Makes the writer of answers by the route's schema. */
export function createSerializerCompiler(): (route: { schema: unknown }) => (data: unknown) => string {
  return ({ schema }) => {
    let write: ((data: unknown) => string) | undefined;
    return (data) => {
      write ??= fastJsonStringify(schema as Schema);
      return write(data);
    };
  };
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
function createBodyCheck({ schema, first, all }: { schema: object; first: Ajv; all: Ajv }): Check {
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

/** Coercion turns `1e400` into Infinity and takes digits that a number cannot hold; both are refused. */
function createTextCheck(validate: ValidateFunction): Check {
  const check: Check = (data) => {
    if (!validate(data)) {
      check.errors = validate.errors ?? null;
      return false;
    }
    const inexact = Object.entries((data ?? {}) as object).find(([, value]) => isInexact(value));
    if (!inexact) return true;
    check.errors = [inexactNumber(...inexact)];
    return false;
  };
  return check;
}

function isInexact(value: unknown): boolean {
  return typeof value === 'number' && (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER);
}

function inexactNumber(name: string, data: unknown): ErrorObject {
  const limit = Number.MAX_SAFE_INTEGER;
  const params = { comparison: '<=', limit };
  return { keyword: 'maximum', instancePath: `/${name}`, schemaPath: '', params, data };
}
