import type { FieldFault } from '@almanac/contract/errors.ts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError, validationFailed } from '../errors/app-error.ts';

type BodyDone = (error: Error | null, body?: unknown) => void;

/** Reads JSON; an empty body is no body. Keys that would change prototypes are refused. */
export function readJsonBody(app: FastifyInstance) {
  const parse = app.getDefaultJsonParser('error', 'error');
  return (request: FastifyRequest, body: string | Buffer, done: BodyDone): void => {
    if (body.length === 0) return done(null, undefined);
    void parse(request, body as string, (error, parsed) => {
      if (error) return done(error);
      // Only an escape can bring a character that the database cannot hold.
      const fault = body.includes('\\u') ? findUnstorable(parsed, '') : undefined;
      done(fault ? validationFailed([fault]) : null, parsed);
    });
  };
}

const maxDepth = 100;

/** Finds the first text that cannot be stored: one with U+0000 or with half of a surrogate pair. */
function findUnstorable(value: unknown, path: string, depth = 0): FieldFault | undefined {
  if (typeof value === 'string') return describeUnstorable(value, path);
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > maxDepth) return { field: 'body', issue: `is nested deeper than ${maxDepth} levels` };
  for (const [key, inner] of Object.entries(value)) {
    const step = Array.isArray(value) ? `[${key}]` : `${path === '' ? '' : '.'}${key}`;
    const fault = describeUnstorable(key, `${path}${step}`) ?? findUnstorable(inner, `${path}${step}`, depth + 1);
    if (fault) return fault;
  }
  return undefined;
}

function describeUnstorable(text: string, path: string): FieldFault | undefined {
  const field = path === '' ? 'body' : path;
  if (text.includes('\0')) return { field, issue: 'contains the character U+0000, which cannot be stored' };
  if (!text.isWellFormed()) return { field, issue: 'contains half of a surrogate pair, which is no character' };
  return undefined;
}

/** A body of another media type, or of none: taken when it is empty, refused when there is one. */
export function readUnnamedBody(request: FastifyRequest, payload: NodeJS.ReadableStream, done: BodyDone): void {
  let isEmpty = true;
  payload.on('data', () => {
    isEmpty = false;
  });
  payload.on('error', done);
  payload.on('end', () => {
    if (isEmpty) return done(null, undefined);
    const sent = request.headers['content-type'] ?? '';
    const named = sent === '' ? 'A body without Content-Type' : `The Content-Type '${sent}'`;
    done(
      new AppError({
        code: 'UNSUPPORTED_MEDIA_TYPE',
        message: `${named} is not read here: send \`Content-Type: application/json\`.`,
      }),
    );
  });
}
