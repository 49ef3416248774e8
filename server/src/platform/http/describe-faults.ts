import type { FieldFault } from '@almanac/contract/errors.ts';
import type { ErrorObject } from 'ajv';
import type { FastifySchemaValidationError } from 'fastify/types/schema.js';
import { quote } from './quote.ts';

const maxFaults = 1_000;
const maxStepLength = 100;

/** Turns what the validator found into the faults that the caller reads: field, value quoted, what is taken instead. */
export function describeFaults(
  errors: readonly FastifySchemaValidationError[],
  part: string,
): [FieldFault, ...FieldFault[]] {
  const found = (errors as unknown as ErrorObject[]).filter(({ keyword }) => keyword !== 'if');
  const faults = joinAlternatives(found)
    .slice(0, maxFaults)
    .map((error) => describeFault(error, part));
  const [first = { field: part, issue: 'is not valid' }, ...rest] = faults;
  return [first, ...rest];
}

/** Makes one fault of what the validator says about a value that fits none of several forms. */
function joinAlternatives(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const choices = errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf');
  return choices.reduce((left, choice) => {
    const forms = left.filter((error) => isOfForm(error, choice));
    if (forms.length === 0) return left;
    const closest = closestForm(forms, choice);
    return left.filter((error) => !forms.includes(error)).flatMap((error) => (error === choice ? closest : [error]));
  }, errors);
}

function isOfForm(error: ErrorObject, choice: ErrorObject): boolean {
  return (
    error.schemaPath.startsWith(`${choice.schemaPath}/`) &&
    (error.instancePath === choice.instancePath || error.instancePath.startsWith(`${choice.instancePath}/`))
  );
}

/** What is wrong in the form whose type fits; where none does, the types that would. */
function closestForm(forms: readonly ErrorObject[], choice: ErrorObject): ErrorObject[] {
  const isOfType = (error: ErrorObject) => error.keyword === 'type' && error.instancePath === choice.instancePath;
  const fitting = forms.find((error) => !isOfType(error));
  if (fitting) return forms.filter((error) => formNumber(error, choice) === formNumber(fitting, choice));
  const types = [...new Set(forms.map(({ params }) => String(params.type)))].join(' or ');
  return [{ ...choice, keyword: 'type', params: { type: types } }];
}

function formNumber(error: ErrorObject, choice: ErrorObject): string | undefined {
  return error.schemaPath.slice(choice.schemaPath.length + 1).split('/')[0];
}

function describeFault(error: ErrorObject, part: string): FieldFault {
  const path = error.instancePath.split('/').slice(1).map(unescapeStep);
  const index = path.find((step) => /^\d+$/.test(step));
  const named = fieldName(path, missingOrUnknown(error));
  const fault = { field: named === '' ? part : named, issue: issueOf(error) };
  return index === undefined ? fault : { ...fault, index: Number(index) };
}

/** As in a JSON Pointer (RFC 6901). */
function unescapeStep(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
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
    const short = step.length > maxStepLength ? `${step.slice(0, maxStepLength).toWellFormed()}…` : step;
    return name === '' ? short : `${name}.${short}`;
  }, '');
}

const formatExamples: Readonly<Record<string, string>> = {
  'date-time': 'a time such as 2024-12-16T09:30:00Z',
  date: 'a date such as 2024-12-16',
  email: 'an e-mail address such as ada@example.org',
  uuid: 'an id such as 01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5a',
  uri: 'a web address such as https://example.org/page',
};

type IssueWriter = (error: ErrorObject) => string;

/** What was sent, unless it is a secret: those are declared `writeOnly` and are repeated to nobody. */
function quoted({ data, parentSchema }: ErrorObject): string {
  return parentSchema?.writeOnly === true ? 'the value' : quote(data);
}

const issues: Readonly<Record<string, IssueWriter>> = {
  required: () => 'is missing',
  additionalProperties: ({ parentSchema }) =>
    `is not taken here; taken are ${Object.keys(parentSchema?.properties ?? {}).join(', ')}`,
  type: (error) =>
    (error.data ?? null) === null && error.instancePath === ''
      ? `is missing; an ${String(error.params.type)} is needed`
      : `${quoted(error)} is not of type ${String(error.params.type)}`,
  enum: (error) => `${quoted(error)} is not one of ${(error.params.allowedValues as unknown[]).join(', ')}`,
  const: (error) => `${quoted(error)} is not ${quote(error.params.allowedValue)}`,
  format: (error) =>
    `${quoted(error)} is not ${formatExamples[String(error.params.format)] ?? String(error.params.format)}`,
  minLength: (error) =>
    error.data === '' ? 'is empty' : `${quoted(error)} is shorter than ${String(error.params.limit)} characters`,
  maxLength: ({ data, params }) =>
    `is ${String([...(data as string)].length)} characters long; at most ${String(params.limit)} are taken`,
  minItems: ({ params }) => `has too few entries; at least ${String(params.limit)} are needed`,
  maxItems: ({ data, params }) =>
    `has ${String((data as unknown[]).length)} entries; at most ${String(params.limit)} are taken`,
  pattern: (error) => `${quoted(error)} is not ${String(error.parentSchema?.description ?? 'of the form taken')}`,
};

const comparisons = new Set(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum']);

function issueOf(error: ErrorObject): string {
  const write = issues[error.keyword];
  if (write) return write(error);
  if (comparisons.has(error.keyword))
    return `${quoted(error)} must be ${String(error.params.comparison)} ${String(error.params.limit)}`;
  return `${quoted(error)} ${error.message ?? 'is not valid'}`;
}
