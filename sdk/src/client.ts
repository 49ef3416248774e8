import type { Endpoint, EndpointAnswer, EndpointInput } from '@almanac/contract/endpoint.ts';
import { readError } from './almanac-error.ts';

export interface ClientOptions {
  /** Where the server answers, such as `http://localhost:5000`. */
  baseUrl: string;
  /** Access token; without one the session cookie or the anonymous viewer counts. */
  token?: string | undefined;
  /** API key, in place of a token. */
  apiKey?: string | undefined;
  /** Id or slug of the organization to act in; without one the token's own. */
  organization?: string | undefined;
  fetch?: typeof fetch | undefined;
}

type NoFields = Record<never, never>;
type Part<Name extends string, Fields> = [Fields] extends [undefined]
  ? unknown
  : NoFields extends Fields
    ? Partial<Record<Name, Fields>>
    : Record<Name, Fields>;

/** What an endpoint is called with: the inputs it declares, those with no required field optional. */
export type CallInput<Declared extends Endpoint> = Part<'params', EndpointInput<Declared>['params']> &
  Part<'query', EndpointInput<Declared>['query']> &
  Part<'body', EndpointInput<Declared>['body']> & {
    /** The same key and body get the first call's answer, however often they are sent. */
    idempotencyKey?: string;
    signal?: AbortSignal;
  };

type OptionalWhereEmpty<Input> = NoFields extends Input ? [input?: Input] : [input: Input];

/** Calls a server's endpoints. */
export interface Client {
  /**
   * Calls an endpoint of the contract and answers its data, without the envelope; the text for a file, null for none.
   * Throws an AlmanacError for any other answer; what `fetch` throws where there is no answer passes through.
   */
  call<const Declared extends Endpoint>(
    endpoint: Declared,
    ...input: OptionalWhereEmpty<CallInput<Declared>>
  ): Promise<EndpointAnswer<Declared>>;
}

interface AnyInput {
  params?: Readonly<Record<string, unknown>>;
  query?: Readonly<Record<string, unknown>>;
  body?: unknown;
  idempotencyKey?: string;
  signal?: AbortSignal;
}

/** Makes a client of one server, as one user in one organization. */
export function createClient(options: ClientOptions): Client {
  const send = options.fetch ?? fetch;
  return {
    call: async (endpoint, ...[input]) => {
      const given = (input ?? {}) as AnyInput;
      const answer = await send(buildUrl(options.baseUrl, endpoint, given), {
        method: endpoint.method,
        headers: buildHeaders(options, given),
        credentials: 'include',
        ...(given.body === undefined ? {} : { body: JSON.stringify(given.body) }),
        ...(given.signal ? { signal: given.signal } : {}),
      });
      if (!answer.ok) throw await readError(answer);
      return (await readData(endpoint, answer)) as EndpointAnswer<typeof endpoint>;
    },
  };
}

function buildUrl(baseUrl: string, { path }: Endpoint, { params = {}, query = {} }: AnyInput): URL {
  const filled = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params[name])));
  const url = new URL(`${baseUrl.replace(/\/$/, '')}${filled}`);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

function buildHeaders({ token, apiKey, organization }: ClientOptions, { body, idempotencyKey }: AnyInput): Headers {
  const headers = new Headers();
  if (body !== undefined) headers.set('content-type', 'application/json');
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  if (apiKey !== undefined) headers.set('x-api-key', apiKey);
  if (organization !== undefined) headers.set('x-organization-id', organization);
  if (idempotencyKey !== undefined) headers.set('idempotency-key', idempotencyKey);
  return headers;
}

async function readData(endpoint: Endpoint, answer: Response): Promise<unknown> {
  if (answer.status === 204) return null;
  if (endpoint.files) return answer.text();
  const body: unknown = await answer.json();
  return endpoint.envelope === 'success' ? (body as { data: unknown }).data : body;
}
