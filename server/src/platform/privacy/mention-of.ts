/** An address in a text, as a regular expression of the database; not where it is a part of a longer address. */
export function mentionOf(address: string): string {
  return `(?<![[:alnum:]._%+-])${address.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}(?!\\.?[[:alnum:]-])`;
}
