/** A part of the repository that is made from the code. */
export interface GeneratedPart {
  /** Path from the root of the repository. */
  file: string;
  /** With a marker only what stands between the two comments of that name is generated, without one the whole file. */
  marker?: string;
  render: () => string | Promise<string>;
}

/** Puts a text between `<!-- generated:name -->` and `<!-- /generated:name -->`. Throws when the comments are missing. */
export function replaceBetweenMarkers(document: string, marker: string, text: string): string {
  const opening = `<!-- generated:${marker} -->`;
  const closing = `<!-- /generated:${marker} -->`;
  const start = document.indexOf(opening);
  const end = document.indexOf(closing);
  if (start < 0 || end < start) throw new Error(`It lacks the lines ${opening} and ${closing}, in this order.`);
  return `${document.slice(0, start)}${opening}\n${text.trim()}\n${document.slice(end)}`;
}
