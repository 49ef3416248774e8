import { createHash } from 'node:crypto';

/** An answer as it leaves: bytes, never to be changed, and their ETag. */
export interface CachedAnswer {
  readonly body: Buffer;
  readonly etag: string;
  /** Epoch milliseconds after which it must not be served, such as the end of the week it is about. */
  readonly validUntil?: number;
}

/** A weak ETag (RFC 9110, 8.8.3) of an answer that nothing counts versions of: of its bytes, and whose they are. */
export function tagOfBytes(organizationId: string, body: Buffer): string {
  return `W/"${organizationId}/${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
}
