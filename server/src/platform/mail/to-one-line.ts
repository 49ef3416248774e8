/** A text on one line, cut to so many UTF-16 units. What stands in it may come from anybody. */
export function toOneLine(text: string, maxLength: number): string {
  return text
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, maxLength)
    .toWellFormed();
}
