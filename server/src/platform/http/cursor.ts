import { createHmac, timingSafeEqual } from 'node:crypto';
import { type AppError, validationFailed } from '../errors/app-error.ts';

/** The values of a list's sort columns in one row, in the order of the columns. */
export type Position = readonly (string | number)[];

/** Where a list goes on, in the caller's hands: sealed, so that what comes back is what was given out. */
export interface Cursors {
  /** `list` names the list with all that its rows depend on: endpoint, organization, filters. */
  seal(list: string, position: Position): string;
  /** The position that was sealed. Throws VALIDATION_ERROR for what was not sealed here for the same list. */
  open<Sealed extends Position>(list: string, cursor: string): Sealed;
}

/** A page of a list, as every list answers it. */
export interface Page<Item> {
  items: Item[];
  /** Asks for what follows; null on the last page. */
  next_cursor: string | null;
}

const signatureBytes = 16;

/** Makes the cursors of an installation: its processes share the key. */
export function createCursors(key: Buffer): Cursors {
  const sign = (list: string, payload: Buffer): Buffer =>
    createHmac('sha256', key)
      // With its length, so that no other list and payload read the same together.
      .update(`${Buffer.byteLength(list)}:${list}`)
      .update(payload)
      .digest()
      .subarray(0, signatureBytes);
  return {
    seal: (list, position) => {
      const payload = Buffer.from(JSON.stringify(position));
      return Buffer.concat([sign(list, payload), payload]).toString('base64url');
    },
    open: <Sealed extends Position>(list: string, cursor: string) => {
      const bytes = Buffer.from(cursor, 'base64url');
      // Node skips what is no base64url: only the one spelling of the bytes is taken.
      if (bytes.length <= signatureBytes || bytes.toString('base64url') !== cursor) throw notOfThisList();
      const payload = bytes.subarray(signatureBytes);
      if (!timingSafeEqual(bytes.subarray(0, signatureBytes), sign(list, payload))) throw notOfThisList();
      return JSON.parse(payload.toString()) as Sealed;
    },
  };
}

/**
 * A page of at most `limit` rows from the `limit` + 1 that were asked for; the row too many only says that there are
 * more. `cursorOf` seals the position of the page's last row.
 */
export function toPage<Row>(rows: readonly Row[], limit: number, cursorOf: (last: Row) => string): Page<Row> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next_cursor: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}

function notOfThisList(): AppError {
  return validationFailed([{ field: 'cursor', issue: 'is not one of this list; begin without' }]);
}
