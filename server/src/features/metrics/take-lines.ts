import { isUtf8 } from 'node:buffer';
import type { FieldFault } from '@almanac/contract/errors.ts';
import { addPoints, type MetricPoint } from '@almanac/contract/metrics.ts';
import { AppError } from '#platform/errors/app-error.ts';
import { parseJsonBytes, parseJsonText } from '#platform/http/bodies.ts';
import { createBodyReader } from '#platform/http/validation.ts';

/** What writing points did. */
export interface PointCounts {
  accepted: number;
  duplicates: number;
}

const readBody = createBodyReader(addPoints.body);
const linesPerBatch = 2_000;

/**
 * Writes points from lines, a batch a transaction: while one is written the next is read, so memory holds two of them
 * however long the stream is. Where a line is wrong its batch is not written; the error names the line. Each AppError
 * says in its details how many points of the batches before were written. Of a batch that could not be written and one
 * after it that could not be read, the first is told.
 */
export async function takeLines(
  input: AsyncIterable<Buffer>,
  write: (points: MetricPoint[]) => Promise<PointCounts>,
): Promise<PointCounts> {
  const total: PointCounts = { accepted: 0, duplicates: 0 };
  let writing: Promise<void> = Promise.resolve();
  let from = 1;
  try {
    for await (const batch of readLines(input, linesPerBatch)) {
      const points = readPoints(batch);
      await writing;
      from = batch.from;
      writing = write(points).then(({ accepted, duplicates }) => {
        total.accepted += accepted;
        total.duplicates += duplicates;
      });
      // Met at the next await; until then it must not end the process.
      writing.catch(() => undefined);
    }
    await writing;
    return total;
  } catch (error) {
    const first = await writing.then(
      () => error,
      (failure: unknown) => failure,
    );
    throw describeFailure(first, { from, total });
  }
}

function readPoints({ from, lines }: LineBatch): MetricPoint[] {
  const points = lines.map((line, index) => readLine(line, from + index));
  const { faults } = readBody({ points });
  if (faults) throw new LineFaults(faults, from);
  return points as MetricPoint[];
}

function readLine(line: Line, number: number): unknown {
  try {
    return typeof line === 'string' ? parseJsonText(line) : parseJsonBytes(line);
  } catch (error) {
    const { code, faults, message } = error as AppError;
    if (code === 'VALIDATION_ERROR') throw new LineFaults(faults, number);
    throw new AppError({ code: 'MALFORMED_BODY', message: `Line ${number}: ${message}`, cause: error });
  }
}

/** Faults of a batch that begins with a line. */
class LineFaults extends Error {
  readonly faults: readonly FieldFault[];
  readonly from: number;

  constructor(faults: readonly FieldFault[], from: number) {
    super('Lines are wrong.');
    this.faults = faults;
    this.from = from;
  }
}

const mostFaults = 20;

function describeFailure(error: unknown, { from, total }: { from: number; total: PointCounts }): unknown {
  const stays = `${total.accepted + total.duplicates} points of the lines before stay written`;
  if (error instanceof LineFaults) return describeFaults(error, { stays, total });
  if (!(error instanceof AppError)) return error;
  if (error.code === 'VALIDATION_ERROR') return describeFaults({ faults: error.faults, from }, { stays, total });
  const { code, faults, headers, retryAfterSeconds } = error;
  return new AppError({
    code,
    message: `${error.message} ${stays}.`,
    faults,
    details: { ...error.details, ...total },
    headers,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    cause: error,
  });
}

function describeFaults(
  { faults: found, from: first }: Pick<LineFaults, 'faults' | 'from'>,
  { stays, total }: { stays: string; total: PointCounts },
): AppError {
  const faults = found.slice(0, mostFaults).map(({ field, issue, index = 0 }) => ({
    field: `line ${first + index}${field.replace(/^points\[\d+\]/, '').replace(/^(?=[^.])/, '.')}`,
    issue,
    index: first + index - 1,
  }));
  const [fault] = faults;
  const message = `${fault?.field}: ${fault?.issue}; ${stays}`;
  return new AppError({ code: 'VALIDATION_ERROR', message, faults, details: { ...total } });
}

/** A line's text; its bytes where they are not UTF-8, or come near to some that are not. */
type Line = string | Buffer;

/** Lines that follow each other; the first has the number `from`, counted from 1. */
interface LineBatch {
  readonly from: number;
  readonly lines: readonly Line[];
}

const newline = 0x0a;
const longestLine = 64 * 1024;
const mostCharacters = 1024 * 1024;

/**
 * Cuts a stream of bytes into lines, up to `size` or about a million characters at a time; memory holds one batch and one
 * chunk. The last line may end without a newline. Throws MALFORMED_BODY for a line over 64 KiB and for a stream that
 * breaks off.
 */
async function* readLines(input: AsyncIterable<Buffer>, size: number): AsyncGenerator<LineBatch> {
  let from = 1;
  let lines: Line[] = [];
  let characters = 0;
  for await (const cut of cutLines(input)) {
    for (const line of cut) {
      requireShort(line, from + lines.length);
      lines.push(line);
      characters += line.length;
      if (lines.length < size && characters < mostCharacters) continue;
      yield { from, lines };
      from += lines.length;
      lines = [];
      characters = 0;
    }
  }
  if (lines.length > 0) yield { from, lines };
}

/** The lines that end with each chunk: they are decoded at once, so that of a chunk nothing is left but its text. */
async function* cutLines(input: AsyncIterable<Buffer>): AsyncGenerator<Line[]> {
  let number = 1;
  let rest: Buffer = Buffer.alloc(0);
  const chunks = input[Symbol.asyncIterator]();
  for (let chunk = await nextOf(chunks, number); chunk !== undefined; chunk = await nextOf(chunks, number)) {
    const end = chunk.lastIndexOf(newline);
    if (end >= 0) {
      const lines = decodeLines(joinRest(rest, chunk.subarray(0, end)));
      number += lines.length;
      yield lines;
      rest = rest.subarray(0, 0);
    }
    rest = joinRest(rest, chunk.subarray(end + 1));
    requireShort(rest, number);
  }
  if (rest.length > 0) yield decodeLines(rest);
}

function decodeLines(bytes: Buffer): Line[] {
  if (isUtf8(bytes)) return bytes.toString('utf8').split('\n');
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return [...lines, bytes.subarray(start)];
}

const joinRest = (rest: Buffer, more: Buffer) => (rest.length === 0 ? more : Buffer.concat([rest, more]));

function requireShort(line: Line, number: number): void {
  // Of a text that is short enough whatever its characters, the bytes need not be counted.
  const isShort = line.length * (typeof line === 'string' ? 3 : 1) <= longestLine;
  if (isShort || Buffer.byteLength(line) <= longestLine) return;
  throw new AppError({ code: 'MALFORMED_BODY', message: `Line ${number} is longer than ${longestLine} bytes.` });
}

async function nextOf(chunks: AsyncIterator<Buffer>, line: number): Promise<Buffer | undefined> {
  try {
    const { done, value } = await chunks.next();
    return done ? undefined : value;
  } catch (error) {
    throw new AppError({ code: 'MALFORMED_BODY', message: `The body broke off in line ${line}.`, cause: error });
  }
}
