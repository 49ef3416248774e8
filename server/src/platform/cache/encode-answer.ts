import type { CachedAnswer } from './cached-answer.ts';

/** An answer as it lies in the second level. */
export interface StoredAnswer {
  answer: CachedAnswer;
  /** Epoch milliseconds. */
  expiresAt: number;
}

const formatVersion = 1;
/** Version, etag length, expiresAt, validUntil (NaN for none). */
const headerBytes = 1 + 2 + 8 + 8;

/** Bytes for the second level: header, etag, body. */
export function encodeAnswer({ answer, expiresAt }: StoredAnswer): Buffer {
  const etag = Buffer.from(answer.etag);
  const header = Buffer.alloc(headerBytes);
  header.writeUInt8(formatVersion, 0);
  header.writeUInt16BE(etag.length, 1);
  header.writeDoubleBE(expiresAt, 3);
  header.writeDoubleBE(answer.validUntil ?? Number.NaN, 11);
  return Buffer.concat([header, etag, answer.body]);
}

/** Reads what `encodeAnswer` wrote; undefined for anything else. */
export function decodeAnswer(bytes: Buffer): StoredAnswer | undefined {
  if (bytes.length < headerBytes || bytes.readUInt8(0) !== formatVersion) return undefined;
  const bodyAt = headerBytes + bytes.readUInt16BE(1);
  if (bytes.length < bodyAt) return undefined;
  const validUntil = bytes.readDoubleBE(11);
  const etag = bytes.toString('utf8', headerBytes, bodyAt);
  // Copied, because a slice would keep the whole network buffer in memory.
  const body = Buffer.from(bytes.subarray(bodyAt));
  const answer = Number.isNaN(validUntil) ? { body, etag } : { body, etag, validUntil };
  return { answer, expiresAt: bytes.readDoubleBE(3) };
}
