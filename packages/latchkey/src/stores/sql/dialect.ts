import type { Entry, Timestamp } from '@latchkey/verify';
import type { Dialect, Kysely, RawBuilder } from 'kysely';
import type { ColumnTypes } from '../migrations/migration.ts';
import type { Schema } from './schema.ts';

/** What a database can say of itself where the log is written, as expressions of one statement. */
export interface LogDialect {
  /** The time there; `handedIn` where it has no better one. */
  readonly now: (handedIn: RawBuilder<Timestamp>) => RawBuilder<Timestamp>;
  /** Which database this is: another value in a copy or a successor; null where it cannot tell. */
  readonly fingerprint: RawBuilder<string | null>;
  /** 1 where a commit waits for another machine, else 0. */
  readonly replicated: RawBuilder<number>;
  /** Whether it may be succeeded by a copy, so that its beat must be written. */
  readonly beats: boolean;
  /** Tells other processes of entries, in the open transaction and with its commit. */
  readonly announce: (db: Kysely<Schema>, entries: readonly Entry[]) => Promise<void>;
}

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
  readonly log: LogDialect;
  /** Ends a select whose row nobody else may change until the transaction ends. */
  readonly forUpdate: RawBuilder<unknown>;
  /**
   * Connects; does nothing where it is connected.
   *
   * @throws {StoreRefused} where somebody has to do something about it.
   * @throws {LatchkeyError} `LK_STORE_UNAVAILABLE` where it may pass by itself.
   */
  open(): Promise<void>;
  /** Waits for what is running, then disconnects; does nothing where it is not connected. */
  close(): Promise<void>;
  /** Takes, in the open transaction, the lock of that name; `migrations` is the one under which one process at a time migrates. */
  lock(db: Kysely<Schema>, name: string): Promise<void>;
  /** As `Store.onHint`. */
  onHint(listener: (entries: readonly Entry[]) => void): () => void;
}
