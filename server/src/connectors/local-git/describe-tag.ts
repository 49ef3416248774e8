import { type ActivityRecord, maxTitleCharacters } from '#connectors/kit/connector.ts';
import { cleanText, formatUnixTime } from './clean-text.ts';
import { tagUrl, type WebAddress } from './find-web-address.ts';

/** Who made something and when, as git writes it into commits and tags. */
export interface Signature {
  name: string;
  email: string;
  /** Unix time in seconds. */
  at: number;
}

export interface Tag {
  /** Without `refs/tags/`. */
  name: string;
  /** The first line of an annotated tag's own message; empty for a lightweight tag. */
  message: string;
  /** The tagger of an annotated tag, the committer of a commit that a lightweight tag names. */
  signature: Signature | undefined;
}

/**
 * A tag is an `upload`: something was put out. Undefined when nobody knows when: a lightweight tag on something other
 * than a commit, or a date that RFC 3339 cannot hold.
 */
export function describeTag(tag: Tag, web: WebAddress | undefined): ActivityRecord | undefined {
  const occurredAt = tag.signature && formatUnixTime(tag.signature.at);
  if (!tag.signature || occurredAt === undefined) return undefined;
  const message = tag.message === tag.name ? '' : tag.message;
  return {
    external_id: `tag:${tag.name}`,
    kind: 'upload',
    title: cleanText(message ? `Tag ${tag.name}: ${message}` : `Tag ${tag.name}`, maxTitleCharacters),
    author: cleanText(tag.signature.name, 120) || 'Unknown',
    category: 'Release',
    impact: isMajorVersion(tag.name) ? 'high' : 'medium',
    status: 'released',
    url: tagUrl(web, tag.name),
    occurred_at: occurredAt,
    resolved_at: null,
  };
}

/** True for the first version of a major line: `v2.0.0`, `release-2.0.0`, `package@2.0.0`; not for `v0.0.0` or `v2.0.0-rc.1`. */
export function isMajorVersion(tagName: string): boolean {
  return /(?:^|[^\d.])[1-9]\d*\.0\.0$/.test(tagName);
}

/** Reads `Name <mail@example.org> 1700000000 +0100`; undefined where it has another form. */
export function parseSignature(text: string): Signature | undefined {
  const parts = /^(.*?) ?<([^<>]*)> (-?\d+)(?: [+-]\d+)?$/s.exec(text);
  return parts ? { name: parts[1] ?? '', email: parts[2] ?? '', at: Number(parts[3]) } : undefined;
}
