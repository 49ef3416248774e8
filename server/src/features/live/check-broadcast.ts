import { feedPayloads } from '@almanac/contract/feed.ts';
import { type LiveMessageType, liveMessageTypes } from '@almanac/contract/live.ts';
import { validationFailed } from '#platform/errors/app-error.ts';
import type { FeedDraft } from '#platform/feed/feed.ts';
import { findRefused } from '#platform/http/bodies.ts';
import { quote } from '#platform/http/quote.ts';
import { createPayloadChecks } from '#platform/realtime/payload-checks.ts';

/** What a program sends to the subscribers of an organization. */
export interface Broadcast {
  readonly type: LiveMessageType;
  /** For `dashboard_update` any object; for the others what the feed event of that type has, and more if need be. */
  readonly payload: object;
  readonly organizationId: string;
}

/** The feed keeps a thousand events of an organization at hand. */
const mostCharacters = 16 * 1024;

/** Makes the check of what a program broadcasts: answers the feed event, or throws VALIDATION_ERROR naming the field. */
export function createBroadcastCheck(): (sent: Broadcast) => Pick<FeedDraft, 'type' | 'payload'> {
  const checkFor = createPayloadChecks();
  return ({ type, payload }) => {
    if (!liveMessageTypes.includes(type)) {
      throw validationFailed([{ field: 'type', issue: `${quote(type)} is not one of ${liveMessageTypes.join(', ')}` }]);
    }
    const plain = toPlain(payload);
    const content = type === 'dashboard_update' ? { data: plain } : plain;
    checkFor(feedPayloads[type])(content);
    return { type, payload: content } as Pick<FeedDraft, 'type' | 'payload'>;
  };
}

/** A copy of what JSON holds of the payload. */
function toPlain(payload: unknown): object {
  const text = toText(payload);
  if (text === undefined || !text.startsWith('{')) {
    throw validationFailed([{ field: 'payload', issue: 'is not an object that JSON can hold' }]);
  }
  if (text.length > mostCharacters) {
    const issue = `is ${text.length} characters long as JSON; at most ${mostCharacters} are taken`;
    throw validationFailed([{ field: 'payload', issue }]);
  }
  const plain = JSON.parse(text) as object;
  const refused = findRefused(plain, 'payload');
  if (refused) throw validationFailed([refused]);
  return plain;
}

function toText(payload: unknown): string | undefined {
  try {
    return JSON.stringify(payload);
  } catch {
    return undefined;
  }
}
