import type { EndpointFacts } from './endpoint-facts.ts';

/** A file as it comes: read it once, in the form that suits. What is not wanted is let go with `stream.cancel()`. */
export interface FileAnswer {
  /** As the server names it, such as `weekly-report-2024-W51.csv`. */
  readonly name: string | undefined;
  /** Such as `text/csv; charset=utf-8`. */
  readonly mediaType: string;
  readonly stream: ReadableStream<Uint8Array>;
  text(): Promise<string>;
  blob(): Promise<Blob>;
}

/** Reads an answer of success: the data without its envelope, the file unread, or null where there is nothing. */
export async function readAnswer({ envelope, isFile }: EndpointFacts, answer: Response): Promise<unknown> {
  if (isFile) return toFile(answer);
  if (answer.status === 204) return null;
  const body: unknown = await answer.json();
  return envelope === 'success' ? (body as { data: unknown }).data : body;
}

function toFile(answer: Response): FileAnswer {
  const { headers } = answer;
  return {
    name: /filename="([^"]+)"/.exec(headers.get('content-disposition') ?? '')?.[1],
    mediaType: headers.get('content-type') ?? 'application/octet-stream',
    get stream() {
      return answer.body ?? new Blob([]).stream();
    },
    text: () => answer.text(),
    blob: () => answer.blob(),
  };
}
