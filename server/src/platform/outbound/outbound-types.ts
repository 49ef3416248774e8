/** The methods that the outbound client sends. */
export type OutboundMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One call to the outside. */
export interface OutboundRequest {
  /** Who is called, as a constant of the code (`github`, `webhook`): the label of circuit, metrics and log. */
  service: string;
  url: string | URL;
  method?: OutboundMethod;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  /** For the whole call with its redirects, retries and waits; 15 s unless given. */
  timeoutMs?: number;
  /** The most that the answer's body may hold after decompression; 5 MiB unless given. */
  maxBytes?: number;
  /** How often a failed call is repeated; 2 unless given. Only what is safe to repeat is. */
  retries?: number;
  /** For a POST or PATCH that the other side recognizes when it comes twice. GET, HEAD, PUT and DELETE always are. */
  isSafeToRepeat?: boolean;
  signal?: AbortSignal;
  /** Names of headers that carry secrets, on top of the usual ones: masked in the log, dropped across origins. */
  secretHeaders?: readonly string[];
  /** The path itself is a credential, as with chat webhooks: only the origin is logged. */
  isPathSecret?: boolean;
}

/** A whole answer of any status; the caller decides what an error status means. */
export interface OutboundAnswer {
  status: number;
  /** Lower-case names; repeated headers joined with a comma. */
  headers: Readonly<Record<string, string>>;
  /** Where the answer came from, after redirects. */
  url: string;
  /** The decompressed body. */
  bytes: Uint8Array;
  /** The body as text, in the character set of its Content-Type or else UTF-8. */
  text(): string;
  /** The body as JSON; throws the OutboundProblem `malformed_reply` when it is none. */
  json(): unknown;
}

/** What the client tells about each finished call; `outcome` is `2xx` … `5xx` or the kind of problem. */
export interface OutboundMetrics {
  observeOutbound(call: { service: string; outcome: string; seconds: number }): void;
}

/** Timers of the client, apart from the ones inside the network libraries. `after` returns what cancels it. */
export interface OutboundTimers {
  after(delayMs: number, run: () => void): () => void;
}
