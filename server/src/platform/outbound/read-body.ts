import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { OutboundProblem } from './outbound-problem.ts';

type Limits = { maxOutputLength: number };

const gunzipBounded = promisify<Buffer, Limits, Buffer>(gunzip);
const inflateBounded = promisify<Buffer, Limits, Buffer>(inflate);
const unbrotliBounded = promisify<Buffer, Limits, Buffer>(brotliDecompress);

/** The encodings that `readBody` undoes, as an Accept-Encoding header. */
export const acceptEncoding = 'gzip, deflate, br';

interface BodyOptions {
  contentEncoding: string | undefined;
  maxBytes: number;
}

/**
 * Reads a body whole and undoes its content encoding. `maxBytes` bounds what travels and, apart from that, what comes
 * out of the decompression, which stops there. Throws `too_large`, and `malformed_reply` for a broken encoding.
 */
export async function readBody(chunks: AsyncIterable<Uint8Array>, options: BodyOptions): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.byteLength;
    if (length > options.maxBytes) throw tooLarge(options.maxBytes);
    parts.push(chunk);
  }
  const body = Buffer.concat(parts, length);
  const encoding = options.contentEncoding?.trim().toLowerCase() ?? '';
  if (length === 0 || encoding === '' || encoding === 'identity') return body;
  return await decompress(body, encoding, options.maxBytes);
}

/** The problem of a body over its limit. */
export function tooLarge(maxBytes: number): OutboundProblem {
  return new OutboundProblem({
    kind: 'too_large',
    message: `The answer is larger than the ${maxBytes} bytes that are read.`,
  });
}

async function decompress(body: Buffer, encoding: string, maxBytes: number): Promise<Uint8Array> {
  const limits = { maxOutputLength: maxBytes };
  try {
    if (encoding === 'gzip' || encoding === 'x-gzip') return await gunzipBounded(body, limits);
    if (encoding === 'deflate') return await inflateBounded(body, limits);
    if (encoding === 'br') return await unbrotliBounded(body, limits);
  } catch (fault) {
    if (isTooLargeFault(fault)) throw tooLarge(maxBytes);
    throw new OutboundProblem({ kind: 'malformed_reply', message: `The answer is broken ${encoding}.`, cause: fault });
  }
  throw new OutboundProblem({
    kind: 'malformed_reply',
    message: `The answer has the content encoding '${encoding}', where ${acceptEncoding} were offered.`,
  });
}

function isTooLargeFault(fault: unknown): boolean {
  return fault instanceof Error && 'code' in fault && fault.code === 'ERR_BUFFER_TOO_LARGE';
}
