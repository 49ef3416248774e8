import { createHash, randomUUIDv7 } from 'node:crypto';

/** A new UUIDv7 (RFC 9562, 5.7): ids made later sort later. */
export function newId(): string {
  return randomUUIDv7();
}

/** The id of what these texts name, always the same: a UUIDv8 (RFC 9562, 5.8) of their hash. */
export function idOf(...texts: readonly string[]): string {
  const bytes = createHash('sha256').update(JSON.stringify(texts)).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

const dash = 0x2d;
/** What turns a lower case letter into the upper case one. */
const caseBit = 0x20;

/**
 * True of a text in the plain form of a UUID (RFC 9562, 4), in any case. By its characters and not by an expression: each
 * point of a batch of thousands has one.
 */
export function isId(value: unknown): value is string {
  if (typeof value !== 'string' || value.length !== 36) return false;
  for (let at = 0; at < 36; at += 1) {
    const code = value.charCodeAt(at);
    const isRight = at === 8 || at === 13 || at === 18 || at === 23 ? code === dash : isHexDigit(code);
    if (!isRight) return false;
  }
  return true;
}

function isHexDigit(code: number): boolean {
  const upper = code & ~caseBit;
  return (code >= 0x30 && code <= 0x39) || (upper >= 0x41 && upper <= 0x46);
}
