import type { FieldFault } from '@almanac/contract/errors.ts';
import { Ajv, type ErrorObject } from 'ajv';
import addFormatsModule, { type FormatsPlugin } from 'ajv-formats';
import type { FastifySchemaValidationError, FastifyValidationResult } from 'fastify/types/schema.js';

// The package's types describe its CommonJS form; at run time the import is the plugin itself.
const addFormats = addFormatsModule as unknown as FormatsPlugin;

const maxFaults = 20;

function createAjv(coerceTypes: boolean): Ajv {
  const ajv = new Ajv({
    coerceTypes,
    removeAdditional: false,
    useDefaults: true,
    allErrors: true,
    verbose: true,
    strict: false,
  });
  addFormats(ajv);
  return ajv;
}

/**
 * Makes the compiler of route schemas: bodies are taken as they are, query strings and path parameters are coerced, and
 * unknown fields are refused.
 */
export function createValidatorCompiler(): (route: { schema: unknown; httpPart?: string }) => FastifyValidationResult {
  const exact = createAjv(false);
  const coercing = createAjv(true);
  return ({ schema, httpPart }) => {
    const ajv = httpPart === 'body' ? exact : coercing;
    return ajv.compile(schema as object) as unknown as FastifyValidationResult;
  };
}

/** Turns what the validator found into the faults that the caller reads: field, value quoted, what is taken instead. */
export function describeFaults(
  errors: readonly FastifySchemaValidationError[],
  part: string,
): [FieldFault, ...FieldFault[]] {
  const faults = (errors as unknown as ErrorObject[])
    .filter(({ keyword }) => keyword !== 'if')
    .slice(0, maxFaults)
    .map((error) => describeFault(error, part));
  const [first = { field: part, issue: 'is not valid' }, ...rest] = faults;
  return [first, ...rest];
}

function describeFault(error: ErrorObject, part: string): FieldFault {
  const path = error.instancePath.split('/').slice(1);
  const index = path.find((step) => /^\d+$/.test(step));
  const named = fieldName(path, missingOrUnknown(error));
  const fault = { field: named === '' ? part : named, issue: issueOf(error) };
  return index === undefined ? fault : { ...fault, index: Number(index) };
}

function missingOrUnknown({ keyword, params }: ErrorObject): string | undefined {
  if (keyword === 'required') return params.missingProperty as string;
  if (keyword === 'additionalProperties') return params.additionalProperty as string;
  return undefined;
}

/** `/items/3/kind` becomes `items[3].kind`. */
function fieldName(path: readonly string[], last: string | undefined): string {
  const steps = last === undefined ? path : [...path, last];
  return steps.reduce((name, step) => {
    if (/^\d+$/.test(step)) return `${name}[${step}]`;
    return name === '' ? step : `${name}.${step}`;
  }, '');
}

/** The value as the caller sent it, cut to what fits a message. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return `'${text.length > 60 ? `${text.slice(0, 60)}…` : text}'`;
}

const formatExamples: Readonly<Record<string, string>> = {
  'date-time': 'a time such as 2024-12-16T09:30:00Z',
  date: 'a date such as 2024-12-16',
  email: 'an e-mail address such as ada@example.org',
  uuid: 'an id such as 01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5a',
  uri: 'a web address such as https://example.org/page',
};

type IssueWriter = (error: ErrorObject) => string;

const issues: Readonly<Record<string, IssueWriter>> = {
  required: () => 'is missing',
  additionalProperties: ({ parentSchema }) =>
    `is not taken here; taken are ${Object.keys(parentSchema?.properties ?? {}).join(', ')}`,
  type: ({ data, params }) => `${quote(data)} is not of type ${String(params.type)}`,
  enum: ({ data, params }) => `${quote(data)} is not one of ${(params.allowedValues as unknown[]).join(', ')}`,
  const: ({ data, params }) => `${quote(data)} is not ${quote(params.allowedValue)}`,
  format: ({ data, params }) =>
    `${quote(data)} is not ${formatExamples[String(params.format)] ?? String(params.format)}`,
  minLength: ({ data, params }) =>
    data === '' ? 'is empty' : `${quote(data)} is shorter than ${String(params.limit)} characters`,
  maxLength: ({ data, params }) =>
    `is ${String((data as string).length)} characters long; at most ${String(params.limit)} are taken`,
  minItems: ({ params }) => `has too few entries; at least ${String(params.limit)} are needed`,
  maxItems: ({ data, params }) =>
    `has ${String((data as unknown[]).length)} entries; at most ${String(params.limit)} are taken`,
  pattern: ({ data, parentSchema }) =>
    `${quote(data)} is not ${String(parentSchema?.description ?? 'of the form taken')}`,
};

const comparisons = new Set(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum']);

function issueOf(error: ErrorObject): string {
  const write = issues[error.keyword];
  if (write) return write(error);
  if (comparisons.has(error.keyword))
    return `${quote(error.data)} must be ${String(error.params.comparison)} ${String(error.params.limit)}`;
  return `${quote(error.data)} ${error.message ?? 'is not valid'}`;
}
