/**
 * The tables that typed queries know. Each owner of tables adds its own by declaration merging
 * (`declare module '#platform/db/tables.ts'`), so that the platform needs to know no feature.
 */
// biome-ignore lint/suspicious/noEmptyInterface: merged into by the owners of tables.
export interface Tables {}
