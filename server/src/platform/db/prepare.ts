import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import pg from 'pg';

const mark = '/* prepared */';

/**
 * Put before a statement that is asked for all the time and is long to plan: each connection then has it parsed and planned
 * once. Its text is to be the same whatever the parameters are, and its plan good for any of them.
 */
export const prepared = sql.raw(mark);

/** By their texts, of which there are a few. */
const names = new Map<string, string>();

function nameOf(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = `almanac_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
  names.set(text, name);
  return name;
}

/** A connection that has the statements prepared that are marked so. */
export class PreparingClient extends pg.Client {
  // biome-ignore lint/suspicious/noExplicitAny: it is asked in many forms, of which one is changed.
  override query(...asked: any[]): any {
    const [text, values] = asked;
    const isMarked = typeof text === 'string' && text.startsWith(mark);
    return Reflect.apply(super.query, this, isMarked ? [{ name: nameOf(text), text, values }] : asked);
  }
}
