import type { Impact, ItemKind } from '@almanac/contract/weekly.ts';
import type { TObject } from 'typebox';
import type { Log } from '#platform/log/log.ts';

/** What JSON can hold: the form in which cursors are kept between two reads. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

/** No batch holds more items or removals than this, so that one transaction stores it well under a second. */
export const maxBatchItems = 1_000;
export const maxTitleCharacters = 300;

/** One thing that happened at a source. */
export interface ActivityRecord {
  /** Names the item at its source for good: reading it again updates the same row. */
  external_id: string;
  kind: ItemKind;
  /** One line without control characters, at most 300 characters, never empty. */
  title: string;
  author: string;
  category: string;
  impact: Impact;
  /** The source's own word for the item's state, such as `merged`. */
  status: string;
  /** A page about the item, without credentials. */
  url: string | null;
  /** RFC 3339 in UTC. */
  occurred_at: string;
  /** RFC 3339 in UTC; reviews: null while pending. */
  resolved_at: string | null;
}

/**
 * A part of what a read found, to be stored in one transaction together with its cursor. Items are upserted by
 * external_id, so a batch that is stored twice changes nothing.
 *
 * A read that cannot tell what vanished since the last one lists everything instead: its first batch has `replacesAll`,
 * its last one `complete`. Between the two the store marks what it meets; at `complete` it deletes the source's items
 * that were not met since `replacesAll`. Cursors remember that a replacement is under way: a read that is cut off and
 * resumed still ends with `complete`; one that begins anew has `replacesAll` again, and the marks begin anew with it.
 */
export interface ActivityBatch {
  items: ActivityRecord[];
  /** External ids that no longer exist at the source. Ids that were never stored may be among them. */
  removed: string[];
  /** Present where reading may resume after this batch. */
  cursor?: JsonValue;
  replacesAll?: true;
  complete?: true;
}

/** What a connector is given besides its settings. */
export interface ConnectorContext {
  signal: AbortSignal;
  log: Log;
  now: () => Date;
}

/** A kind of source. The object is stateless: everything about one source is in its settings and its cursor. */
export interface Connector<Settings> {
  /** Stable and kebab-case: sources are stored under it. */
  kind: string;
  /** What a person calls it. */
  title: string;
  /** The web form is made from it: each property has a title and a description. */
  settings: TObject;
  /** Resolves when the source can be read, else throws a ConnectorProblem that says what to do. */
  check(settings: Settings, context: ConnectorContext): Promise<void>;
  /**
   * Yields what is new since `cursor` (undefined: everything). With nothing new it yields nothing, or batches without
   * items and removals. Throws a ConnectorProblem; batches yielded before stay valid.
   */
  read(settings: Settings, cursor: JsonValue | undefined, context: ConnectorContext): AsyncIterable<ActivityBatch>;
}
