import { randomUUIDv7 } from 'node:crypto';

/** A new UUIDv7 (RFC 9562, 5.7): ids made later sort later. */
export function newId(): string {
  return randomUUIDv7();
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** True for the text form of a UUID of any version. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}
