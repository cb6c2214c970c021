import type { Dialect, Kysely } from 'kysely';
import type { ColumnTypes } from '../migrations/migration.ts';
import type { Schema } from './schema.ts';

/**
 * What differs from one database to another. Everything else is the one SQL
 * implementation, which every dialect shares.
 */
export interface SqlDialect {
  /** What messages call the database. */
  readonly name: string;
  /** Builds SQL and lends connections. */
  readonly kysely: Dialect;
  readonly types: ColumnTypes;
  /**
   * Connects; does nothing where it is connected.
   *
   * @throws {StoreRefused} where somebody has to do something about it.
   * @throws {LatchkeyError} `LK_STORE_UNAVAILABLE` where it may pass by itself.
   */
  open(): Promise<void>;
  /** Waits for what is running, then disconnects; does nothing where it is not connected. */
  close(): Promise<void>;
  /** Takes, in the open transaction, the lock under which one process at a time migrates. */
  lock(db: Kysely<Schema>): Promise<void>;
}
