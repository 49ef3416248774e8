import type { Endpoint } from '@almanac/contract/endpoint.ts';
import { errorCodes } from '@almanac/contract/errors.ts';
import { ruleOf } from '@almanac/contract/permissions.ts';
import type { FastifySchema } from 'fastify';
import { type TSchema, Type } from 'typebox';
import { type Access, errorCodesOf } from './route-config.ts';

const FieldFaults = Type.Array(
  Type.Object({ field: Type.String(), issue: Type.String(), index: Type.Optional(Type.Integer()) }),
);

const Details = Type.Optional(
  Type.Object({
    field: Type.Optional(Type.String()),
    issue: Type.Optional(Type.String()),
    errors: Type.Optional(FieldFaults),
    mfa_token: Type.Optional(Type.String()),
    accepted: Type.Optional(Type.Integer()),
    duplicates: Type.Optional(Type.Integer()),
  }),
);

const PlainError = Type.Object({
  error: Type.Object({
    code: Type.String(),
    message: Type.String(),
    details: Details,
    request_id: Type.String(),
  }),
});

const SuccessError = Type.Object({
  success: Type.Literal(false),
  error: Type.String(),
  code: Type.String(),
  details: Details,
  request_id: Type.String(),
});

/** The route schema of an endpoint: what Fastify validates and serialises with, and what OpenAPI is made from. */
export function describeEndpoint(endpoint: Endpoint, access: Access): FastifySchema & Record<string, unknown> {
  const { params, query, body } = endpoint;
  return {
    operationId: endpoint.id,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    description: describe(endpoint, access),
    security: describeSecurity(access),
    ...(params ? { params } : {}),
    ...(query ? { querystring: query } : {}),
    ...(body ? { body: describeBody(endpoint, body) } : {}),
    ...(endpoint.isIdempotent ? { headers: idempotencyHeader } : {}),
    response: { ...describeSuccesses(endpoint), ...describeErrors(endpoint, access) },
  };
}

/** Lines are no document that a schema could validate: whoever reads them checks each. */
function describeBody({ takesLines, example }: Endpoint, body: TSchema): unknown {
  const schema = { ...body, examples: [example.body] };
  if (!takesLines) return schema;
  return { content: { 'application/json': { schema }, 'application/x-ndjson': { schema: {} } } };
}

const idempotencyHeader = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ description: 'Makes a repeated call answer what the first one answered; kept 24 hours' }),
  ),
});

/** The ways to be let in, as the permission table has them; an empty one stands for the anonymous viewer. */
function describeSecurity(access: Access): Record<string, string[]>[] {
  if (access === 'public') return [];
  const { sessionOnly, anonymous } = ruleOf(access);
  const ofSessions = [{ bearer: [] }, { cookie: [] }];
  return [...ofSessions, ...(sessionOnly ? [] : [{ apiKey: [] }]), ...(anonymous ? [{}] : [])];
}

function describe(endpoint: Endpoint, access: Access): string {
  const right = access === 'public' ? 'Needs no credentials.' : `Needs the right \`${access}\`.`;
  return endpoint.description ? `${endpoint.description}\n\n${right}` : right;
}

function describeSuccesses(endpoint: Endpoint): Record<string, unknown> {
  const statuses = [endpoint.status, ...(endpoint.furtherStatuses ?? [])];
  return Object.fromEntries(statuses.map((status) => [status, describeSuccess(endpoint)]));
}

function describeSuccess(endpoint: Endpoint): unknown {
  if (endpoint.status === 204) return { description: 'Done', type: 'null' };
  if (endpoint.files) {
    const file = { schema: { type: 'string' }, example: endpoint.example.response };
    return { description: 'The file', content: Object.fromEntries(endpoint.files.map((type) => [type, file])) };
  }
  return { ...wrap(endpoint.envelope, endpoint.response), description: 'Success', examples: [exampleOf(endpoint)] };
}

function exampleOf({ envelope, example }: Endpoint): unknown {
  return envelope === 'success' ? { success: true, data: example.response } : example.response;
}

function wrap(envelope: Endpoint['envelope'], schema: TSchema): TSchema {
  return envelope === 'success' ? Type.Object({ success: Type.Literal(true), data: schema }) : schema;
}

function describeErrors(endpoint: Endpoint, access: Access): Record<string, unknown> {
  const byStatus = new Map<number, string[]>();
  for (const code of errorCodesOf(endpoint, access)) {
    const { status, meaning } = errorCodes[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), `${code}: ${meaning}`]);
  }
  const schema = endpoint.envelope === 'success' ? SuccessError : PlainError;
  return Object.fromEntries(
    [...byStatus].map(([status, lines]) => [status, { ...schema, description: lines.join('\n') }]),
  );
}
