import { resolve } from 'node:path';
import {
  type Dialect,
  type DialectAdapter,
  Kysely,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely';
import type { ColumnTypes } from '../migrations/migration.ts';
import { appendOneByOne } from './append-one-by-one.ts';
import type { SqlDialect } from './dialect.ts';
import { oneByOne } from './one-by-one.ts';
import { snapshotOf } from './snapshot.ts';
import { SqliteDatabase } from './sqlite-database.ts';
import { SqliteDriver } from './sqlite-driver.ts';
import { watchDatabase } from './sqlite-hints.ts';

const ADAPTER: DialectAdapter = {
  supportsCreateIfNotExists: true,
  supportsReturning: true,
  supportsOutput: false,
  supportsTransactionalDdl: true,
  // True of the driver, which queues its callers itself: Kysely's own queue
  // wakes all who wait each time that one leaves.
  supportsMultipleConnections: true,
  acquireMigrationLock: async () => {},
  releaseMigrationLock: async () => {},
};

const COLUMN_TYPES: ColumnTypes = {
  integer: 'integer',
  bytes: 'blob',
  text: 'text',
  byKey: sql`without rowid`,
  filled: () => sql``,
  unlogged: null,
};

/**
 * SQLite over `node:sqlite`: one connection to one file, or to memory for `:memory:`.
 *
 * @throws {TypeError} for an empty name.
 */
export function sqliteDialect(filename: string): SqlDialect {
  if (filename === '') throw new TypeError('the name of a file is needed');
  const memory = filename === ':memory:';
  const path = memory ? filename : resolve(filename);
  const name = memory ? 'the database in memory' : JSON.stringify(path);
  const database = new SqliteDatabase({ filename: path, name });
  const driver = new SqliteDriver(database);
  return {
    name,
    kysely: kyselyDialect(driver),
    // There is the one, and statements take their turns on it.
    following: null,
    types: COLUMN_TYPES,
    schema: null,
    open: async () => await driver.open(),
    close: async () => await driver.close(),
    refused: (error) => error,
    // BEGIN IMMEDIATE has taken it: there is one lock for all that writes.
    beginMigration: async () => {},
    // Whoever writes has waited for everyone before.
    passes: () => false,
    unavailable: (error) => error,
    statements: (db) => ({ touch: oneByOne(db), lock: async () => {}, append: appendOneByOne(db) }),
    forUpdate: sql``,
    unheld: sql``,
    alone: async () => {},
    snapshot: async (db) => {
      // What is in memory has the one connection alone: there, others wait.
      if (memory) return await snapshotOf(db, async () => {});
      const own = new SqliteDriver(new SqliteDatabase({ filename: path, name }));
      await own.open();
      return await snapshotOf(new Kysely({ dialect: kyselyDialect(own) }), async () => await own.close());
    },
    log: {
      now: (handedIn) => handedIn,
      // A file has no successor: where an older one is put into its place, its head tells.
      fingerprint: sql<string | null>`null`,
      replicated: sql<number>`0`,
      beats: false,
    },
    onHint: (listener) => watchDatabase(database, memory ? null : path, () => listener([], true)),
    hears: () => true,
  };
}

/** What Kysely needs of a driver that is there already. */
export function kyselyDialect(driver: SqliteDriver): Dialect {
  return {
    createDriver: () => driver,
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => ADAPTER,
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}
