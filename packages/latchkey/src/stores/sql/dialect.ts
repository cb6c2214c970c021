import type { Entry, Timestamp } from '@latchkey/verify';
import type { Dialect, Kysely, RawBuilder } from 'kysely';
import type { ColumnTypes } from '../migrations/migration.ts';
import type { Append } from './append.ts';
import type { Contest } from './repeat.ts';
import type { Schema } from './schema.ts';
import type { Snapshot } from './snapshot.ts';
import type { Runner } from './statement.ts';
import type { Touch } from './touch.ts';

/** What each dialect says in its own words. */
export interface OwnStatements {
  readonly touch: Touch;
  /** Takes, in the open transaction and until its end, the lock of that name. */
  readonly lock: (runner: Runner, name: string) => Promise<void>;
  /** As `LogStore.append`. */
  readonly append: Append;
}

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
}

/**
 * What differs from one database to another. Everything else is the one SQL
 * implementation, which every dialect shares.
 */
export interface SqlDialect extends Contest {
  /** What messages call the database. */
  readonly name: string;
  /** Builds SQL and lends connections. */
  readonly kysely: Dialect;
  /**
   * Lends other connections, on which nobody ever waits for a lock: for those who follow the
   * log, since a copy must not become old because of who waits. `null` where `kysely` does.
   */
  readonly following: Dialect | null;
  readonly types: ColumnTypes;
  /** The schema that the tables live in, or `null` where the database has only one. */
  readonly schema: string | null;
  readonly log: LogDialect;
  /** Ends a select whose row nobody else may change until the transaction ends. */
  readonly forUpdate: RawBuilder<unknown>;
  /** Ends a select of what is to be deleted: it passes over rows that somebody holds, and waits for none. */
  readonly unheld: RawBuilder<unknown>;
  /**
   * Connects; does nothing where it is connected.
   *
   * @throws {StoreRefused} where somebody has to do something about it.
   * @throws {LatchkeyError} `LK_STORE_UNAVAILABLE` where it may pass by itself.
   */
  open(): Promise<void>;
  /** Waits for what is running, then disconnects; does nothing where it is not connected. */
  close(): Promise<void>;
  /**
   * What is thrown in place of an error of `open` or of the migrations: `StoreRefused`
   * with its remedy where somebody has to act.
   */
  refused(error: unknown): unknown;
  /**
   * Takes, in the open transaction, the lock under which one process at a time
   * migrates, and makes the schema where it is missing.
   */
  beginMigration(db: Kysely<Schema>): Promise<void>;
  /** Compiles what each dialect says in its own words. */
  statements(db: Kysely<Schema>): OwnStatements;
  /** Keeps everybody else from writing to these tables until the open transaction ends; who reads goes on. */
  alone(db: Kysely<Schema>, tables: readonly string[]): Promise<void>;
  /** Reads on a connection of its own, so that neither who reads nor who writes waits. */
  snapshot(db: Kysely<Schema>): Promise<Snapshot>;
  /** As `Store.onHint`. */
  onHint(listener: (entries: readonly Entry[], atOnce: boolean) => void): () => void;
  /** As `Store.hears`. */
  hears(): boolean;
}
