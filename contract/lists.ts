import { type TSchema, Type } from 'typebox';
import { orNull } from './or-null.ts';

/** What every list that is read in pages takes. */
export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
  cursor: Type.Optional(Type.String({ maxLength: 1_000, description: 'the `next_cursor` of the page before' })),
};

/** A page of a list: `next_cursor` asks for the next one and is null on the last. */
export function pageOf<Item extends TSchema>(item: Item) {
  return Type.Object({ items: Type.Array(item), next_cursor: orNull(Type.String()) });
}
