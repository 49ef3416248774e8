/** An answer as it leaves: bytes, never to be changed, and their ETag. */
export interface CachedAnswer {
  readonly body: Buffer;
  readonly etag: string;
  /** Epoch milliseconds after which it must not be served, such as the end of the week it is about. */
  readonly validUntil?: number;
}
