import type { FastifySchemaValidationError } from 'fastify/types/schema.js';
import type { TSchema } from 'typebox';
import { validationFailed } from '#platform/errors/app-error.ts';
import { describeFaults } from '#platform/http/describe-faults.ts';
import { quote } from '#platform/http/quote.ts';
import { compileValidator } from '#platform/http/validation.ts';

/** Answers the payload as its schema takes it; throws a VALIDATION_ERROR that names the wrong fields. */
export type PayloadCheck = (payload: unknown) => unknown;

/** Makes the payload checks of all events: a schema is compiled once, however many connections use it. */
export function createPayloadChecks(): (schema: TSchema) => PayloadCheck {
  const known = new WeakMap<TSchema, PayloadCheck>();
  return (schema) => {
    const check = known.get(schema) ?? makeCheck(compileValidator({ schema, httpPart: 'body' }));
    known.set(schema, check);
    return check;
  };
}

type Validator = ReturnType<typeof compileValidator>;

function makeCheck(validate: Validator): PayloadCheck {
  return (sent) => {
    // An event without a payload is one with no field given, so that the faults name the missing ones.
    const payload = sent === undefined ? {} : sent;
    if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
      throw validationFailed([{ field: 'payload', issue: `${quote(payload)} is not an object` }]);
    }
    if (validate(payload) === true) return payload;
    throw validationFailed(describeFaults((validate.errors ?? []) as FastifySchemaValidationError[], 'payload'));
  };
}

/** The size of a payload as JSON; one that JSON cannot hold is larger than any limit. */
export function sizeOfPayload(payload: unknown): number {
  try {
    return JSON.stringify(payload)?.length ?? 0;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
