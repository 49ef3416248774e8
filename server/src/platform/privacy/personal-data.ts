import type { InstanceTx } from '../db/scopes.ts';

/** A person, as their account says at the moment. */
export interface Person {
  readonly userId: string;
  readonly email: string;
  /** Until it is, the address may be somebody else's. */
  readonly isEmailVerified: boolean;
  readonly name: string;
}

/** Which rows of a section are asked for. */
export interface PersonalPage<Row> {
  /** The last row of the page before; the rows that follow it in the order of the section are answered. */
  readonly after: Row | undefined;
  readonly limit: number;
  /** What is written later than this need not be there: a section that grows while it is read comes to an end. */
  readonly until: Date;
}

/**
 * What one owner of tables holds about people: how it is handed out, and how it is erased. Columns are handed out by name,
 * so that none of a secret, present or future, is in the file.
 */
export interface PersonalData<Row extends object = object> {
  /** The name of its rows in the exported file. */
  readonly section: string;
  /** The columns, as `table.column`, that are taken care of here. */
  readonly covers: readonly string[];
  /** Answers the rows past `after`; fewer than `limit` are the last. Without it there is nothing to hand out. */
  list?(tx: InstanceTx, person: Person, page: PersonalPage<Row>): Promise<readonly Row[]>;
  /**
   * Erases a part where there is more than one transaction should take; answers where it stopped, which is `after` the next
   * time. Undefined, and nothing is changed, where the rest is for `erase`. Each part is a transaction of its own.
   */
  eraseSome?(tx: InstanceTx, person: Person, after: object | undefined): Promise<object | undefined>;
  /** Runs in the transaction that ends with the account’s row; without it all goes with that row, by its references. */
  erase?(tx: InstanceTx, person: Person): Promise<void>;
}

/** The columns of one table, as `covers` names them. */
export function columnsOf(table: string, columns: readonly string[]): string[] {
  return columns.map((column) => `${table}.${column}`);
}
