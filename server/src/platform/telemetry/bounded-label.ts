/**
 * Makes a filter for the values of one label: the first `limit` different ones pass, the rest become `other`, so that no
 * input can grow the number of series without bound.
 */
export function createBoundedLabel(limit: number): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= limit) return 'other';
    known.add(value);
    return value;
  };
}
