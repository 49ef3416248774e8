import assert from 'node:assert/strict';
import { impacts, itemKinds } from '@almanac/contract/weekly.ts';
import type { TObject } from 'typebox';
import { type ActivityBatch, type ActivityRecord, maxBatchItems, maxTitleCharacters } from './connector.ts';

/** Each setting has a title and a description, and settings that nobody declared are refused. */
export function assertLabelled(settings: TObject): void {
  const schema = settings as TObject & { additionalProperties?: unknown };
  assert.equal(schema.additionalProperties, false, 'the settings schema must refuse additional properties');
  for (const [name, property] of Object.entries(settings.properties)) {
    const { title, description } = property as { title?: string; description?: string };
    assert.ok(title?.trim(), `the setting '${name}' has no title`);
    assert.ok(description?.trim(), `the setting '${name}' has no description`);
  }
}

/** A batch can be stored in one transaction and its cursor survives JSON. */
export function assertBatch({ items, removed, cursor }: ActivityBatch): void {
  assert.ok(items.length <= maxBatchItems, `a batch of ${items.length} items is too large`);
  assert.ok(removed.length <= maxBatchItems, `a batch of ${removed.length} removals is too large`);
  const ids = items.map(({ external_id }) => external_id);
  assert.equal(new Set([...ids, ...removed]).size, ids.length + removed.length, 'a batch names an item twice');
  if (cursor !== undefined) assert.deepEqual(JSON.parse(JSON.stringify(cursor)), cursor);
}

/** A record keeps to its declared form. */
export function assertRecord(record: ActivityRecord): void {
  const what = `item '${record.external_id}'`;
  assert.ok(itemKinds.includes(record.kind), `${what}: kind '${record.kind}'`);
  assert.ok(impacts.includes(record.impact), `${what}: impact '${record.impact}'`);
  for (const field of ['external_id', 'title', 'author', 'category', 'status'] as const) {
    assert.notEqual(record[field].trim(), '', `${what}: ${field} is empty`);
    assert.doesNotMatch(record[field], /\p{Cc}/u, `${what}: ${field} holds control characters`);
    assert.ok(record[field].isWellFormed(), `${what}: ${field} is not well-formed Unicode`);
  }
  assert.ok(Array.from(record.title).length <= maxTitleCharacters, `${what}: the title is too long`);
  assertInstant(record.occurred_at, `${what}: occurred_at`);
  if (record.resolved_at !== null) assertInstant(record.resolved_at, `${what}: resolved_at`);
  if (record.url === null) return;
  const url = new URL(record.url);
  assert.match(url.protocol, /^https?:$/, `${what}: the url is not a web address`);
  assert.equal(url.username + url.password, '', `${what}: the url holds credentials`);
}

function assertInstant(text: string, what: string): void {
  assert.match(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/, `${what} is not RFC 3339 in UTC`);
  assert.ok(!Number.isNaN(Date.parse(text)), `${what} is no date`);
}
