import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { FieldFault } from '@almanac/contract/errors.ts';
import type { FastifyRequest } from 'fastify';
import { AppError, validationFailed } from '../errors/app-error.ts';
import { giveTime } from './body-time.ts';
import { findUnstorable } from './find-unstorable.ts';
import type { RouteConfig } from './route-config.ts';

type BodyDone = (error: Error | null, body?: unknown) => void;

/** Reads JSON (RFC 8259, so UTF-8); an empty body is no body. Keys that would change prototypes are refused. */
export function readJsonBody(request: FastifyRequest, body: Buffer, done: BodyDone): void {
  let parsed: unknown;
  try {
    parsed = body.length === 0 ? undefined : parseJson(body, request.headers['content-encoding']);
  } catch (error) {
    done(error as AppError);
    return;
  }
  done(null, parsed);
}

function parseJson(body: Buffer, encoding: string | undefined): unknown {
  if (encoding !== undefined && encoding !== 'identity') {
    throw unsupported(`The Content-Encoding '${encoding.slice(0, 100)}' is not read here: send the body as it is.`);
  }
  return parseJsonBytes(body);
}

/** Parses one JSON document (RFC 8259). Throws MALFORMED_BODY, and VALIDATION_ERROR for what cannot be stored. */
export function parseJsonBytes(body: Buffer): unknown {
  if (!isUtf8(body)) throw malformed('The body is not valid UTF-8.');
  return parseJsonText(body.toString('utf8'));
}

/** The same of a document that is text already. */
export function parseJsonText(text: string): unknown {
  const parsed = parseText(text);
  // Only an escape can bring a character that the database cannot hold, or hide a key.
  const fault = text.includes('\\u') || text.includes('__proto__') ? findRefused(parsed, '') : undefined;
  if (fault) throw validationFailed([fault]);
  return parsed;
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(`The body is not valid JSON: ${(error as Error).message}.`, error);
  }
}

function malformed(message: string, cause?: unknown): AppError {
  return new AppError({ code: 'MALFORMED_BODY', message, cause });
}

function unsupported(message: string): AppError {
  return new AppError({ code: 'UNSUPPORTED_MEDIA_TYPE', message });
}

const maxDepth = 100;
const maxPathLength = 200;

/** Finds the first text under a path that cannot be stored, one with U+0000 or half of a surrogate pair, and the first key refused. */
export function findRefused(value: unknown, path: string, depth = 0): FieldFault | undefined {
  if (typeof value === 'string') return describeUnstorable(value, path);
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > maxDepth) return { field: 'body', issue: `is nested deeper than ${maxDepth} levels` };
  for (const [key, inner] of Object.entries(value)) {
    const step = Array.isArray(value) ? `[${key}]` : `${path === '' ? '' : '.'}${key}`;
    const innerPath = `${path}${step}`.slice(0, maxPathLength);
    if (key === '__proto__') return { field: innerPath, issue: 'is not taken as the name of a field' };
    const fault = describeUnstorable(key, innerPath) ?? findRefused(inner, innerPath, depth + 1);
    if (fault) return fault;
  }
  return undefined;
}

function describeUnstorable(text: string, path: string): FieldFault | undefined {
  const issue = findUnstorable(text);
  return issue === undefined ? undefined : { field: path === '' ? 'body' : path.toWellFormed(), issue };
}

/** Hands a stream of lines on to the routes that read them. */
export function readLinesBody(request: FastifyRequest, payload: IncomingMessage, done: BodyDone): void {
  const { endpoint } = request.routeOptions.config as Partial<RouteConfig>;
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (!endpoint?.takesLines) done(unsupported('Lines of JSON are not read here: send application/json.'));
  else if (encoding !== 'identity' && encoding !== 'gzip')
    done(unsupported(`The Content-Encoding '${encoding.slice(0, 100)}' is not read here: gzip is.`));
  else {
    giveTime(request.raw);
    // A fault of either stream ends both; the reader of the lines meets it.
    done(null, encoding === 'gzip' ? pipeline(payload, createGunzip(), () => undefined) : payload);
  }
}

/** A body of another media type, or of none: taken when it is empty, refused as soon as there is one. */
export function readUnnamedBody(request: FastifyRequest, payload: NodeJS.ReadableStream, done: BodyDone): void {
  const settle = (error: Error | null) => {
    payload.removeListener('data', refuse).removeListener('end', accept).removeListener('error', settle);
    payload.on('error', () => undefined);
    done(error);
  };
  const accept = () => settle(null);
  const refuse = (chunk: Buffer) => {
    if (chunk.length === 0) return;
    const sent = request.headers['content-type'] ?? '';
    const named = sent === '' ? 'A body without Content-Type' : `The Content-Type '${sent.slice(0, 100)}'`;
    settle(unsupported(`${named} is not read here: send \`Content-Type: application/json\`.`));
  };
  payload.on('data', refuse).on('end', accept).on('error', settle);
}
