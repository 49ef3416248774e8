/** Says why the database cannot hold a text: undefined where it can. */
export function findUnstorable(text: string): string | undefined {
  if (text.includes('\0')) return 'contains the character U+0000, which cannot be stored';
  if (!text.isWellFormed()) return 'contains half of a surrogate pair, which is no character';
  return undefined;
}
