import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Endpoint, EndpointAnswer, EndpointInput } from '@almanac/contract/endpoint.ts';
import fastJsonStringify, { type Schema } from 'fast-json-stringify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ActingRequest, UserPrincipal } from '../access/principal.ts';
import type { IdempotentCall } from '../db/idempotency.ts';
import { validationFailed } from '../errors/app-error.ts';
import { AnswerWithHeaders, AnswerWithStatus, BytesAnswer, FileAnswer, StreamAnswer } from './answers.ts';
import { describeEndpoint } from './describe.ts';
import type { Access, RouteConfig } from './route-config.ts';

/** A request as a handler sees it: validated input and who asks. */
export interface BoundRequest<Declared extends Endpoint> extends EndpointInput<Declared> {
  /** Who asks; absent on public routes. */
  readonly principal: UserPrincipal;
  /** The body as it comes, where it is lines; `body` is of no use then. */
  readonly lines: AsyncIterable<Buffer> | undefined;
  /** Present where the caller sent an Idempotency-Key. */
  readonly once: IdempotentCall | undefined;
  readonly headers: FastifyRequest['headers'];
  readonly cookies: FastifyRequest['cookies'];
  /** The request's id and the address it came from. */
  readonly origin: ActingRequest;
  readonly reply: Pick<FastifyReply, 'header' | 'setCookie' | 'clearCookie'>;
}

type Answer<Declared extends Endpoint> =
  | EndpointAnswer<Declared>
  | AnswerWithHeaders<EndpointAnswer<Declared>>
  | AnswerWithStatus<EndpointAnswer<Declared>>
  | BytesAnswer
  | FileAnswer
  | StreamAnswer;

interface Binding<Declared extends Endpoint> {
  access: Access;
  anonymousOrganization?: 'demo' | 'local';
  handle(request: BoundRequest<Declared>): Answer<Declared> | Promise<Answer<Declared>>;
}

/**
 * Binds an endpoint's declaration to its use case: the route validates, serialises and documents itself from the
 * declaration. The handler returns the data of the success answer; everything else is thrown.
 */
export function bind<const Declared extends Endpoint>(
  app: FastifyInstance,
  endpoint: Declared,
  binding: Binding<Declared>,
): void {
  const { access, anonymousOrganization = 'demo', handle } = binding;
  const config: RouteConfig = { access, endpoint, anonymousOrganization };
  app.route({
    method: endpoint.method,
    url: endpoint.path,
    config,
    // The headers of a stream alone would never end.
    exposeHeadRoute: endpoint.method === 'GET' && !endpoint.files?.includes('text/event-stream'),
    ...(endpoint.maxBodyBytes === undefined ? {} : { bodyLimit: endpoint.maxBodyBytes }),
    ...(endpoint.isBodyOptional ? { preValidation: takeNoBodyAsEmpty } : {}),
    ...(endpoint.listField ? { preValidation: takeOneAsList(endpoint.listField) } : {}),
    ...(endpoint.takesLines ? { preHandler: requireBody } : {}),
    schema: describeEndpoint(endpoint, access),
    handler: (request, reply) => {
      const once = readIdempotencyKey(request, endpoint);
      const bound = {
        principal: request.principal,
        params: request.params,
        query: request.query,
        body: request.body,
        lines: request.body instanceof Readable ? request.body : undefined,
        headers: request.headers,
        cookies: request.cookies,
        origin: { id: request.id, address: request.ip },
        once,
        reply,
      } as unknown as BoundRequest<Declared>;
      const send = (answer: Answer<Declared>) => {
        if (once?.wasReplayed) reply.header('idempotency-replayed', 'true');
        return sendAnswer({ request, reply, endpoint, answer });
      };
      // A cached answer is there at once, and goes out at once.
      const answer = handle(bound);
      return answer instanceof Promise ? answer.then(send) : send(answer);
    },
  });
}

function takeNoBodyAsEmpty(request: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  request.body ??= {};
  done();
}

function takeOneAsList(field: string) {
  return (request: FastifyRequest, _reply: FastifyReply, done: () => void): void => {
    const { body } = request;
    const isObject = typeof body === 'object' && body !== null && !Array.isArray(body) && !(body instanceof Readable);
    if (isObject && !Object.hasOwn(body, field)) request.body = { [field]: [body] };
    done();
  };
}

/** A body of no type is validated by no schema where there are several. */
function requireBody(request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  const isThere = request.body !== undefined && request.body !== null;
  done(isThere ? undefined : validationFailed([{ field: 'body', issue: 'is missing' }]));
}

interface Sending {
  request: FastifyRequest;
  reply: FastifyReply;
  endpoint: Endpoint;
  answer: unknown;
}

function sendAnswer({ request, reply, endpoint, answer }: Sending): FastifyReply {
  if (answer instanceof BytesAnswer) return sendBytes(request, reply, answer);
  if (answer instanceof FileAnswer) return sendFile(reply, answer);
  if (answer instanceof StreamAnswer) return startStream(reply, answer);
  if (answer instanceof AnswerWithHeaders) {
    reply.headers(answer.headers);
    return sendAnswer({ request, reply, endpoint, answer: answer.data });
  }
  if (answer instanceof AnswerWithStatus) return sendData(reply.code(answer.status), endpoint, answer.data);
  return sendData(reply.code(endpoint.status), endpoint, answer);
}

function sendData(reply: FastifyReply, endpoint: Endpoint, data: unknown): FastifyReply {
  if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'private, no-cache');
  if (endpoint.status === 204) return reply.send();
  return reply.send(endpoint.envelope === 'success' ? { success: true, data } : data);
}

function sendBytes(request: FastifyRequest, reply: FastifyReply, answer: BytesAnswer): FastifyReply {
  reply.header('etag', answer.etag).header('cache-control', 'private, no-cache');
  const known = request.headers['if-none-match'];
  if (known !== undefined && matchesTag(known, answer.etag)) return reply.code(304).send();
  return reply.header('content-type', 'application/json; charset=utf-8').send(answer.body);
}

/** If-None-Match compares weakly (RFC 9110, 13.1.2). */
function matchesTag(header: string, etag: string): boolean {
  const bare = (tag: string) => tag.trim().replace(/^W\//, '');
  return header.trim() === '*' || header.split(',').some((tag) => bare(tag) === bare(etag));
}

function sendFile(reply: FastifyReply, file: FileAnswer): FastifyReply {
  reply
    .headers(file.headers)
    .header('content-type', file.mediaType)
    .header('content-disposition', `attachment; filename="${file.fileName}"`)
    .header('cache-control', 'private, no-store');
  const { content } = file;
  return reply.send(Buffer.isBuffer(content) ? content : Readable.from(content, { objectMode: false }));
}

function startStream(reply: FastifyReply, answer: StreamAnswer): FastifyReply {
  const headers = Object.fromEntries(
    Object.entries(reply.getHeaders()).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  reply.hijack();
  void answer.start(reply.raw, headers).catch(() => reply.raw.destroy());
  return reply;
}

/**
 * Makes the encoder of an endpoint's answers, for the cache: the same bytes as the route would send, the fields in the
 * order of the schema however the data came.
 */
export function createEncoder<Declared extends Endpoint>(
  endpoint: Declared,
): (data: EndpointAnswer<Declared>) => Buffer {
  const stringify = fastJsonStringify(endpoint.response as Schema);
  return (data) =>
    Buffer.from(endpoint.envelope === 'success' ? `{"success":true,"data":${stringify(data)}}` : stringify(data));
}

function readIdempotencyKey(request: FastifyRequest, endpoint: Endpoint): IdempotentCall | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined || !endpoint.isIdempotent) return undefined;
  if (request.body instanceof Readable) {
    const issue = 'is not taken with lines: give each element an id, and it counts once however often it is sent';
    throw validationFailed([{ field: 'Idempotency-Key', issue }]);
  }
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw validationFailed([
      { field: 'Idempotency-Key', issue: `'${String(key).slice(0, 40)}' is not 1 to 255 visible ASCII characters` },
    ]);
  }
  const hash = createHash('sha256')
    .update(`${request.url}\n`)
    .update(JSON.stringify(request.body ?? null));
  return {
    caller: request.principal.userId,
    route: endpoint.id,
    key,
    requestHash: hash.digest('hex'),
    wasReplayed: false,
  };
}
