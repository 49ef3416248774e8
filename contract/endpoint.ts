import type { Static, TSchema } from 'typebox';
import type { ErrorCode } from './errors.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * One endpoint, declared once. Validation, serialiser, OpenAPI, the server's handler types and the client's call types
 * all come from this.
 */
export interface Endpoint {
  /** Unique, `feature.verb`; the client SDK and the documentation name it so. */
  readonly id: string;
  readonly method: Method;
  /** Path with parameters as `:name`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** `plain`: the resource itself; `success`: `{success: true, data}`. */
  readonly envelope: 'plain' | 'success';
  readonly params?: TSchema;
  readonly query?: TSchema;
  readonly body?: TSchema;
  /** True where no body stands for an empty object. */
  readonly isBodyOptional?: boolean;
  /** The list of the body that one element sent by itself stands for: `{…}` is taken as `{points: [{…}]}`. */
  readonly listField?: string;
  /** True where the body may also be NDJSON, one element of `listField` a line, read as it comes and without limit. */
  readonly takesLines?: boolean;
  /** Largest body in bytes where it is not the common 1 MiB. */
  readonly maxBodyBytes?: number;
  /** Status of success. */
  readonly status: 200 | 201 | 202 | 204;
  /** Further statuses of success, where one path does two things. */
  readonly furtherStatuses?: readonly (200 | 201 | 202)[];
  /** The path parameter that names the organization acted in, where the path does and the header does not. */
  readonly organizationParam?: string;
  /** What is answered, without the envelope; for files the schema of a text. */
  readonly response: TSchema;
  /** Media types of a file answer; absent for JSON. */
  readonly files?: readonly string[];
  /** Error codes beyond those that every endpoint may answer. */
  readonly errors: readonly ErrorCode[];
  /** True for a POST that takes an Idempotency-Key. */
  readonly isIdempotent?: boolean;
  /** A request that works against the demo, and what it answers (without the envelope). */
  readonly example: {
    readonly query?: object;
    readonly params?: object;
    readonly body?: unknown;
    readonly response: unknown;
  };
}

type StaticOr<Schema, Absent> = Schema extends TSchema ? Static<Schema> : Absent;

/** The inputs of an endpoint as its handler and its callers see them. */
export interface EndpointInput<Declared extends Endpoint> {
  readonly params: StaticOr<Declared['params'], undefined>;
  readonly query: StaticOr<Declared['query'], undefined>;
  readonly body: StaticOr<Declared['body'], undefined>;
}

/** What an endpoint answers, without the envelope. */
export type EndpointAnswer<Declared extends Endpoint> = Static<Declared['response']>;

/** Declares an endpoint, keeping the types of its schemas. */
export function defineEndpoint<const Declared extends Endpoint>(endpoint: Declared): Declared {
  return endpoint;
}
