import type { AlmanacError } from './almanac-error.ts';
import type { ClientOptions, SignIn } from './client-options.ts';
import { isRefusal, openSession, type Post, type SessionAnswer } from './open-session.ts';
import { readExpiry } from './read-expiry.ts';
import type { Timing } from './timing.ts';

/** What a request or a handshake shows of who makes it. */
export interface Shown {
  readonly token?: string;
  readonly apiKey?: string;
}

interface SessionOptions {
  given: Pick<ClientOptions, 'token' | 'refreshToken' | 'apiKey' | 'credentials' | 'onTokens'>;
  post: Post;
  timing: Timing;
}

interface Held {
  token?: string | undefined;
  refreshToken?: string | undefined;
  expiresMs?: number | undefined;
}

/** Who the client is, through all renewals. */
export class Session {
  readonly #options: SessionOptions;
  /** True where the client was made with a token or key, and stays with it. */
  readonly #isFixed: boolean;
  readonly #listeners = new Set<(shown: Shown | undefined) => void>();
  #held: Held;
  /** True where the refresh token is in a cookie. */
  #isByCookie: boolean;
  #signIn: SignIn | undefined;
  #renewing: Promise<boolean> | undefined;
  /** Another object as soon as a session comes from elsewhere: what a renewal brings that began before is let go. */
  #epoch = { user: 0 };
  /**
   * Why the refresh token or the password was refused. Neither is sent again, which would lock the account, and no call is
   * made without them: it would be answered as somebody else.
   */
  #refusal: AlmanacError | undefined;

  constructor(options: SessionOptions) {
    const { token, refreshToken, apiKey, credentials } = options.given;
    this.#options = options;
    this.#isFixed = apiKey !== undefined || (token !== undefined && refreshToken === undefined && !credentials);
    this.#held = { token, refreshToken, expiresMs: readExpiry(token) };
    this.#isByCookie = credentials === 'cookie';
    this.#signIn = typeof credentials === 'object' ? credentials : undefined;
  }

  /**
   * What to show now; signs in first where that is still to be done, and waits for a renewal under way. Rejects where the
   * refresh token or the password was refused and there is no other token to show.
   */
  async show({ leastMs = 0 } = {}): Promise<Shown> {
    await this.#renewing?.catch(() => undefined);
    const { token } = this.#held;
    const leftMs = this.msLeft();
    const isShort = leftMs !== undefined && leftMs < leastMs;
    if ((token === undefined || isShort) && this.#canRenew()) await this.renew(this.#shown());
    if (this.#held.token === undefined && this.#refusal) throw this.#refusal;
    return this.#shown();
  }

  /**
   * Gets a token in place of the one that was shown: once, however many ask. False where there is no way to get one.
   * Rejects with what stood in the way: a network that does not answer, or a password that is refused.
   */
  renew(refused: Shown): Promise<boolean> {
    if (!this.#renewing && refused.token !== this.#held.token) return Promise.resolve(true);
    if (!this.#canRenew()) return Promise.resolve(false);
    const epoch = this.#epoch;
    this.#renewing ??= this.#exchange().finally(() => {
      if (epoch === this.#epoch) this.#renewing = undefined;
    });
    return this.#renewing;
  }

  /** Resolves when no renewal is under way that could put its cookie in place of one that is about to come. */
  async settle(): Promise<void> {
    if (this.#isByCookie) await this.#renewing?.catch(() => undefined);
  }

  /** Milliseconds until the token ends, where that is known and it can be renewed. */
  msLeft(): number | undefined {
    const { expiresMs } = this.#held;
    return expiresMs !== undefined && this.#canRenew() ? expiresMs - this.#options.timing.now() : undefined;
  }

  /** Goes on as whoever has just signed in, or with what was refreshed by hand. */
  async adopt(answer: SessionAnswer, { isRefreshed }: { isRefreshed: boolean }): Promise<void> {
    if (this.#isFixed) return;
    this.#begin({ isSameUser: isRefreshed });
    this.#isByCookie = this.#options.given.credentials === 'cookie';
    await this.#take(answer);
    this.#tell(isRefreshed ? this.#shown() : undefined);
  }

  /** Goes on as nobody. */
  forget(): void {
    if (this.#isFixed) return;
    this.#begin({ isSameUser: false });
    this.#held = {};
    this.#isByCookie = false;
    this.#signIn = undefined;
    this.#tell(undefined);
  }

  /** Hears of each new token, and by `undefined` of another user or none, until the returned function is called. */
  onChange(listener: (shown: Shown | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #shown(): Shown {
    const { apiKey } = this.#options.given;
    if (apiKey !== undefined) return { apiKey };
    return this.#held.token === undefined ? {} : { token: this.#held.token };
  }

  #canRenew(): boolean {
    return !this.#isFixed && (this.#held.refreshToken !== undefined || this.#isByCookie || this.#signIn !== undefined);
  }

  #begin({ isSameUser }: { isSameUser: boolean }): void {
    const { user } = this.#epoch;
    this.#epoch = { user: isSameUser ? user : user + 1 };
    this.#renewing = undefined;
    this.#refusal = undefined;
  }

  async #exchange(): Promise<boolean> {
    if (this.#refusal) throw this.#refusal;
    const epoch = this.#epoch;
    const isWanted = () => epoch === this.#epoch;
    const way = { refreshToken: this.#held.refreshToken, isByCookie: this.#isByCookie, signIn: this.#signIn };
    let answer: SessionAnswer;
    try {
      answer = await openSession(way, { ...this.#options, isWanted });
    } catch (error) {
      if (!isWanted()) return this.#isSameUser(epoch);
      if (isRefusal(error)) this.#accept(error);
      if (isRefusal(error) && !way.signIn) return false;
      throw error;
    }
    if (isWanted()) await this.#take(answer);
    if (!isWanted()) return this.#isSameUser(epoch);
    this.#tell(this.#shown());
    return true;
  }

  /** A call of the user before is not made again as another one. */
  #isSameUser({ user }: { user: number }): boolean {
    return user === this.#epoch.user;
  }

  #accept(refusal: AlmanacError): void {
    // A page whose cookies hold no session is the anonymous viewer's.
    if (!this.#isByCookie) this.#refusal = refusal;
    // The dead token stays: without one the next call would be made, and answered, as somebody else.
    this.#held = { token: this.#held.token };
    this.#isByCookie = false;
  }

  async #take({ access_token: token, refresh_token, expires_in }: SessionAnswer): Promise<void> {
    const { given, timing } = this.#options;
    const expiresMs = timing.now() + expires_in * 1_000;
    const refreshToken = this.#isByCookie ? undefined : refresh_token;
    this.#held = { token, refreshToken, expiresMs };
    await given.onTokens?.({ token, refreshToken, expiresAt: new Date(expiresMs) });
  }

  #tell(news: Shown | undefined): void {
    for (const listener of [...this.#listeners]) listener(news);
  }
}
