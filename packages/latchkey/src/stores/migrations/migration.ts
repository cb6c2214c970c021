import type { Kysely, RawBuilder } from 'kysely';
import type { Schema } from '../sql/schema.ts';

/** How a dialect writes the types of columns. */
export interface ColumnTypes {
  /** Whole numbers of 64 bits: times in milliseconds, positions, counts. */
  readonly integer: 'integer' | 'bigint';
  /** Ids of 16 bytes, hashes of 32, subjects of either 16 or none. */
  readonly bytes: 'blob' | 'bytea';
  /** Text that is compared byte by byte, whatever the database's own order is. */
  readonly text: 'text' | RawBuilder<unknown>;
  /** Ends the definition of a table whose rows are small and found by their primary key. */
  readonly byKey: RawBuilder<unknown>;
  /** Ends the definition of a table whose rows change often: its pages are filled to so many per cent. */
  readonly filled: (percent: number) => RawBuilder<unknown>;
  /** Says of a table that a crash may empty it, so that writing costs next to nothing; `null` where none can be so. */
  readonly unlogged: RawBuilder<unknown> | null;
}

/**
 * One step of the schema, forward only. What has been published is never
 * changed: a database that has made the step does not make it again.
 */
export interface Migration {
  /** The version of the schema after it. */
  readonly version: number;
  /**
   * The lowest version that a build must know to work with the schema after it.
   * A step that only adds leaves it where it was, so that old and new builds can
   * share a database while one is exchanged for the other. Its columns have defaults: those
   * are what the rows of an older backup get.
   */
  readonly minCompatible: number;
  readonly up: (db: Kysely<Schema>, types: ColumnTypes) => Promise<void>;
}
