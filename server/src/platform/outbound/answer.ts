import { OutboundProblem } from './outbound-problem.ts';
import type { OutboundAnswer } from './outbound-types.ts';

type AnswerParts = Pick<OutboundAnswer, 'status' | 'headers' | 'url' | 'bytes'>;

/** Wraps what was received with its readings as text and JSON. */
export function createAnswer(parts: AnswerParts): OutboundAnswer {
  const text = () => decode(parts.bytes, parts.headers['content-type']);
  return { ...parts, text, json: () => parseJson(text(), parts) };
}

function parseJson(text: string, { status, headers, url }: AnswerParts): unknown {
  try {
    return JSON.parse(text);
  } catch (fault) {
    const type = headers['content-type'] ?? 'no content type';
    throw new OutboundProblem({
      kind: 'malformed_reply',
      message: `${new URL(url).origin} answered with status ${status} and ${type}, which is not valid JSON.`,
      // The parser's message quotes the body, which may hold secrets: only its kind is kept.
      cause: fault instanceof Error ? fault.name : undefined,
    });
  }
}

function decode(bytes: Uint8Array, contentType: string | undefined): string {
  const charset = /charset\s*=\s*"?([^\s";]+)/i.exec(contentType ?? '')?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}
