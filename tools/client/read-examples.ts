/** A program on a page of the documentation. */
export interface Example {
  /** Where its first line is. */
  readonly line: number;
  /** True where it is for the page of a browser. */
  readonly isForPage: boolean;
  readonly code: string;
}

/** The programs of a page: its blocks of TypeScript, those marked `ts page` for browsers. */
export function readExamples(page: string): Example[] {
  return [...page.matchAll(/^```ts( page)?\n(.*?)^```$/gms)].map(({ index, 1: mark, 2: code = '' }) => ({
    line: page.slice(0, index).split('\n').length + 1,
    isForPage: mark !== undefined,
    code,
  }));
}
