/** How much is put together before it is sent. */
const chunkCharacters = 64 * 1_024;

/**
 * Writes elements as lines of JSON, as fast as the reader takes them. Cancelling ends the iteration, and so does the
 * signal: fetch lets go of an aborted body without a word.
 */
export function writeLines(
  elements: Iterable<unknown> | AsyncIterable<unknown>,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  const chunks = encode(elements);
  signal?.addEventListener('abort', () => void chunks.return().catch(() => undefined), { once: true });
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await chunks.return();
    },
  });
}

async function* encode(elements: Iterable<unknown> | AsyncIterable<unknown>): AsyncGenerator<Uint8Array, void> {
  const encoder = new TextEncoder();
  let waiting = '';
  for await (const element of elements) {
    waiting += `${JSON.stringify(element)}\n`;
    if (waiting.length < chunkCharacters) continue;
    yield encoder.encode(waiting);
    waiting = '';
  }
  if (waiting !== '') yield encoder.encode(waiting);
}
