import type { Endpoint } from '@almanac/contract/endpoint.ts';
import type { Endpoints } from './generated/endpoint-types.ts';

/** What a call needs to know of an endpoint at run time. */
export interface EndpointFacts {
  readonly method: Endpoint['method'];
  /** Path with parameters as `:name`. */
  readonly path: string;
  readonly envelope: Endpoint['envelope'];
  /** True where a file is answered. */
  readonly isFile?: true;
  /** True where an Idempotency-Key is taken. */
  readonly isIdempotent?: true;
  /** True where the body may also be lines of JSON, sent as they come. */
  readonly takesLines?: true;
  /** True where a session is answered. */
  readonly opensSession?: true;
}

/** The facts of every endpoint, so that one that is missing or too many does not compile. */
export type Manifest = { [Group in keyof Endpoints]: { [Verb in keyof Endpoints[Group]]: EndpointFacts } };
