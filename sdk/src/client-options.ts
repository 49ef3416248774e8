import type { OpenSocket } from './live/socket.ts';
import type { Timing } from './timing.ts';

/** How somebody signs in by password. */
export interface SignIn {
  email: string;
  password: string;
  /** The second factor where the account has one: six digits, or what makes them when they are asked for. */
  mfaCode?: string | (() => string | Promise<string>) | undefined;
}

/** The tokens of a session, as they are kept to go on with it. */
export interface Tokens {
  token: string;
  /** Works once, and answers the next one. Undefined where it is in a cookie. */
  refreshToken: string | undefined;
  /** When `token` ends, by this machine's clock. */
  expiresAt: Date;
}

/** A server, and who calls it. Without `token`, `refreshToken`, `apiKey` and `credentials` it is the anonymous viewer. */
export interface ClientOptions {
  /** Where the server answers, such as `http://localhost:5000`; without it, and for a path, the origin of the page. */
  baseUrl?: string | undefined;
  /** Access token. */
  token?: string | undefined;
  /** Renews the access token when it has ended. One program at a time may use it: a used one ends the session. */
  refreshToken?: string | undefined;
  /** Is handed each new pair of tokens, and awaited before they are used. */
  onTokens?: ((tokens: Tokens) => void | Promise<void>) | undefined;
  /** API key, in place of a token. */
  apiKey?: string | undefined;
  /**
   * E-mail and password, sent when first needed; or `cookie` for the session that a page's cookies hold, which are neither
   * sent nor set without it.
   */
  credentials?: SignIn | 'cookie' | undefined;
  /** Id or slug of the organization to act in; without one the token's own. */
  organization?: string | undefined;
  /** How often a call that may be repeated is, on 429 and 503; 2 unless given. */
  retries?: number | undefined;
  fetch?: typeof fetch | undefined;
  /** `io` of socket.io-client; without it that package is imported when a connection is first made. */
  io?: OpenSocket | undefined;
  /** The clock, timers and chance; those of the machine unless a test passes its own. */
  timing?: Timing | undefined;
}
