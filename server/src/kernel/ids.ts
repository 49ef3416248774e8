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
