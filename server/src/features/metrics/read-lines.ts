import { AppError } from '#platform/errors/app-error.ts';

/** Lines that follow each other; the first has the number `from`, counted from 1. */
export interface LineBatch {
  readonly from: number;
  readonly lines: readonly Buffer[];
}

const newline = 0x0a;
const longestLine = 64 * 1024;
const mostBytes = 1024 * 1024;

/**
 * Cuts a stream of bytes into lines, up to `size` or about 1 MiB at a time; memory holds one batch and one chunk. The
 * last line may end without a newline. Throws MALFORMED_BODY for a line over 64 KiB and for a stream that breaks off.
 */
export async function* readLines(input: AsyncIterable<Buffer>, size: number): AsyncGenerator<LineBatch> {
  let from = 1;
  let lines: Buffer[] = [];
  let bytes = 0;
  for await (const line of cutLines(input)) {
    lines.push(line);
    bytes += line.length;
    if (lines.length < size && bytes < mostBytes) continue;
    yield { from, lines };
    from += lines.length;
    lines = [];
    bytes = 0;
  }
  if (lines.length > 0) yield { from, lines };
}

async function* cutLines(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let number = 1;
  let rest: Buffer = Buffer.alloc(0);
  const chunks = input[Symbol.asyncIterator]();
  for (let chunk = await nextOf(chunks, number); chunk !== undefined; chunk = await nextOf(chunks, number)) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      yield requireShort(joinRest(rest, chunk.subarray(start, end)), number);
      rest = rest.subarray(0, 0);
      start = end + 1;
      number += 1;
    }
    rest = requireShort(joinRest(rest, chunk.subarray(start)), number);
  }
  if (rest.length > 0) yield rest;
}

const joinRest = (rest: Buffer, more: Buffer) => (rest.length === 0 ? more : Buffer.concat([rest, more]));

function requireShort(line: Buffer, number: number): Buffer {
  if (line.length > longestLine)
    throw new AppError({ code: 'MALFORMED_BODY', message: `Line ${number} is longer than ${longestLine} bytes.` });
  return line;
}

async function nextOf(chunks: AsyncIterator<Buffer>, line: number): Promise<Buffer | undefined> {
  try {
    const { done, value } = await chunks.next();
    return done ? undefined : value;
  } catch (error) {
    throw new AppError({ code: 'MALFORMED_BODY', message: `The body broke off in line ${line}.`, cause: error });
  }
}
