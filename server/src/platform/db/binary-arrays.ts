/*
 * Arrays as PostgreSQL receives them in binary (`array_recv` in its source): a statement of thousands of rows has them read
 * from a few bytes each, where texts are quoted here and parsed there. Both databases take a Buffer as a binary parameter.
 */

const oids = { int4: 23, timestamptz: 1184, uuid: 2950 } as const;
const headerBytes = 20;

interface BinaryArray {
  type: keyof typeof oids;
  count: number;
  /** Of each element. */
  bytes: number;
}

/** Makes a one-dimensional array without nulls, its elements still to be written: each begins `bytes` after its length. */
function openArray({ type, count, bytes }: BinaryArray): Buffer {
  const array = Buffer.allocUnsafe(headerBytes + count * (4 + bytes));
  array.writeInt32BE(count === 0 ? 0 : 1, 0);
  array.writeInt32BE(0, 4);
  array.writeInt32BE(oids[type], 8);
  array.writeInt32BE(count, 12);
  array.writeInt32BE(1, 16);
  for (let at = headerBytes; at < array.length; at += 4 + bytes) array.writeInt32BE(bytes, at);
  // An empty one has no dimension, and ends before where its size would be.
  return count === 0 ? array.subarray(0, 12) : array;
}

/** An `int4[]` of whole numbers. */
export function int4Array(values: readonly number[]): Buffer {
  const array = openArray({ type: 'int4', count: values.length, bytes: 4 });
  for (let index = 0; index < values.length; index += 1)
    array.writeInt32BE(values[index] ?? 0, headerBytes + index * 8 + 4);
  return array;
}

/** Seconds from 1970 to 2000, where PostgreSQL counts from. */
const epochSeconds = 946_684_800;
const highPart = 2 ** 32;

/** A `timestamptz[]` of microseconds since 1970, exact from the year 1717 on. */
export function timestamptzArray(microseconds: readonly number[]): Buffer {
  const array = openArray({ type: 'timestamptz', count: microseconds.length, bytes: 8 });
  for (let index = 0; index < microseconds.length; index += 1) {
    const since2000 = (microseconds[index] ?? 0) - epochSeconds * 1_000_000;
    const high = Math.floor(since2000 / highPart);
    const at = headerBytes + index * 12 + 4;
    array.writeInt32BE(high, at);
    array.writeUInt32BE(since2000 - high * highPart, at + 4);
  }
  return array;
}

/** Where in the text of a UUID each of its bytes is written. */
const pairs = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const hexDigits = new Uint8Array(128);
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  hexDigits[digit.charCodeAt(0)] = value;
  hexDigits[digit.toUpperCase().charCodeAt(0)] = value;
}

/** A `uuid[]` of UUIDs in their plain form, which is not checked here. */
export function uuidArray(ids: readonly string[]): Buffer {
  const array = openArray({ type: 'uuid', count: ids.length, bytes: 16 });
  for (let index = 0; index < ids.length; index += 1) {
    const id = ids[index] ?? '';
    let at = headerBytes + index * 20 + 4;
    for (const pair of pairs) {
      const high = hexDigits[id.charCodeAt(pair)] ?? 0;
      array[at] = high * 16 + (hexDigits[id.charCodeAt(pair + 1)] ?? 0);
      at += 1;
    }
  }
  return array;
}
