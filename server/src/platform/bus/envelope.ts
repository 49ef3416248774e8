import type { JsonValue } from './bus.ts';

/** What travels on a wire: a message, the word that some were not sent, or an acknowledgement. */
export type Envelope =
  | { kind: 'say'; from: string; topic: string; message: JsonValue; number?: number }
  | { kind: 'missed'; from: string }
  | { kind: 'ack'; number: number };

/** Reads what came in; anything that is no envelope (another program on the channel) is undefined. */
export function readEnvelope(payload: string): Envelope | undefined {
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch {
    return undefined;
  }
  return isEnvelope(value) ? value : undefined;
}

function isEnvelope(value: unknown): value is Envelope {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  const fields = value as Record<string, unknown>;
  if (fields.kind === 'ack') return typeof fields.number === 'number';
  if (typeof fields.from !== 'string') return false;
  if (fields.kind === 'missed') return true;
  const isNumbered = fields.number === undefined || typeof fields.number === 'number';
  return fields.kind === 'say' && typeof fields.topic === 'string' && fields.message !== undefined && isNumbered;
}
