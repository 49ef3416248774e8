import type { JsonValue } from '#connectors/kit/connector.ts';

/**
 * Where a read of a history stands: every commit reachable from `tips` and every tag in `tags` has been handed on. A type
 * and not an interface, so that it is a JsonValue.
 */
export type HistoryCursor = {
  version: 1;
  /** The state that was read whole; null in the middle of a read. */
  fingerprint: string | null;
  /** The items handed on are described on this basis. */
  basis: string;
  tips: string[];
  /** Object id by full name. */
  tags: { [name: string]: string };
  /** A replacement of everything is under way, and must be brought to its end. */
  isReplacing: boolean;
};

const objectId = /^[0-9a-f]{40,64}$/;

/** The cursor in a stored value; undefined for anything else, which is then read as no cursor at all. */
export function parseHistoryCursor(value: JsonValue | undefined): HistoryCursor | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { version, fingerprint, basis, tips, tags, isReplacing } = value;
  if (version !== 1 || typeof basis !== 'string' || typeof isReplacing !== 'boolean') return undefined;
  if (fingerprint !== null && typeof fingerprint !== 'string') return undefined;
  if (!Array.isArray(tips) || !tips.every(isObjectId)) return undefined;
  if (typeof tags !== 'object' || tags === null || Array.isArray(tags)) return undefined;
  const entries = Object.entries(tags).filter((entry): entry is [string, string] => isObjectId(entry[1]));
  return { version, fingerprint: fingerprint ?? null, basis, tips, tags: Object.fromEntries(entries), isReplacing };
}

function isObjectId(value: JsonValue): value is string {
  return typeof value === 'string' && objectId.test(value);
}
