import type { Endpoint, EndpointAnswer, EndpointInput } from '@almanac/contract/endpoint.ts';
import type { Endpoints } from './generated/endpoint-types.ts';
import type { FileAnswer } from './read-answer.ts';

type NoFields = Record<never, never>;
type Part<Name extends string, Fields> = [Fields] extends [undefined]
  ? unknown
  : NoFields extends Fields
    ? { [Key in Name]?: Fields | undefined }
    : { [Key in Name]: Fields };

type ElementOf<List> = List extends readonly (infer Element)[] ? Element : never;
type Lines<Element> = Iterable<Element> | AsyncIterable<Element>;

type BodyPart<Declared extends Endpoint> = Declared extends { takesLines: true; listField: infer Field extends string }
  ?
      | (Part<'body', EndpointInput<Declared>['body']> & { lines?: undefined })
      | {
          /** Elements of the body's list, any number, sent one a line as they come: no retry, and fetch must take streams. */
          lines: Lines<ElementOf<EndpointInput<Declared>['body'][Field & keyof EndpointInput<Declared>['body']]>>;
          body?: undefined;
        }
  : Part<'body', EndpointInput<Declared>['body']>;

type KeyPart<Declared extends Endpoint> = Declared extends { isIdempotent: true }
  ? {
      /** The same key and body get the first call's answer, however often they are sent. */
      idempotencyKey?: string | undefined;
    }
  : unknown;

/** What every call takes. */
export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** Id or slug of the organization to act in, in place of the client's. */
  organization?: string | undefined;
  /** How often the call is repeated at most, in place of the client's `retries`. */
  retries?: number | undefined;
  /** Is handed the headers of the answer, such as X-Total-Count. */
  onHeaders?: ((headers: Headers) => void) | undefined;
}

/** What an endpoint is called with: the inputs that it declares, those without a required field optional. */
export type CallInput<Declared extends Endpoint> = Part<'params', EndpointInput<Declared>['params']> &
  Part<'query', EndpointInput<Declared>['query']> &
  BodyPart<Declared> &
  KeyPart<Declared> &
  CallOptions;

/** What a call answers: the data without its envelope, null for none, a file where the endpoint answers one. */
export type CallAnswer<Declared extends Endpoint> = Declared extends { files: readonly string[] }
  ? FileAnswer
  : EndpointAnswer<Declared>;

/**
 * Calls an endpoint. Rejects with an AlmanacError for any answer but success; what `fetch` rejects with, where there is no
 * answer, passes through.
 */
export type Call<Declared extends Endpoint> = (
  ...input: NoFields extends CallInput<Declared> ? [input?: CallInput<Declared>] : [input: CallInput<Declared>]
) => Promise<CallAnswer<Declared>>;

/** A call for each endpoint, by the two parts of its id: `weekly.getStats` is `calls.weekly.getStats()`. */
export type Calls = {
  readonly [Group in keyof Endpoints]: {
    readonly [Verb in keyof Endpoints[Group]]: Endpoints[Group][Verb] extends Endpoint
      ? Call<Endpoints[Group][Verb]>
      : never;
  };
};

/** The input of a call once its types are checked. */
export interface AnyInput extends CallOptions {
  params?: Readonly<Record<string, unknown>>;
  query?: Readonly<Record<string, unknown>>;
  body?: unknown;
  lines?: Lines<unknown>;
  idempotencyKey?: string;
}
