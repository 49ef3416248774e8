const maxLength = 60;
const maxDepth = 2;
const maxEntries = 10;

/** A value as the caller sent it, cut to what fits a message, whatever its size and depth. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : writeShort(value);
  return `'${text.length > maxLength ? `${text.slice(0, maxLength).toWellFormed()}…` : text}'`;
}

function writeShort(value: unknown): string {
  return typeof value === 'number' ? String(value) : (JSON.stringify(shorten(value)) ?? String(value));
}

function shorten(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.slice(0, maxLength + 1);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === maxDepth) return '…';
  if (Array.isArray(value)) return value.slice(0, maxEntries).map((entry) => shorten(entry, depth + 1));
  const entries: [string, unknown][] = [];
  for (const key in value) {
    if (
      entries.push([key.slice(0, maxLength), shorten((value as Record<string, unknown>)[key], depth + 1)]) ===
      maxEntries
    )
      break;
  }
  return Object.fromEntries(entries);
}
