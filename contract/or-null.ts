import { type TSchema, type TSchemaOptions, Type } from 'typebox';

/** The schema, or null. */
export function orNull<Schema extends TSchema>(schema: Schema, options?: TSchemaOptions) {
  return Type.Union([schema, Type.Null()], options);
}
