import { resolve } from 'node:path';
import { type Dialect, type DialectAdapter, SqliteIntrospector, SqliteQueryCompiler, sql } from 'kysely';
import type { SqlDialect } from './dialect.ts';
import { SqliteDatabase } from './sqlite-database.ts';
import { SqliteDriver } from './sqlite-driver.ts';

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

/** SQLite over `node:sqlite`: one connection to one file, or to memory for `:memory:`. */
export function sqliteDialect(filename: string): SqlDialect {
  if (filename === '') throw new TypeError('the name of a file is needed');
  const memory = filename === ':memory:';
  const path = memory ? filename : resolve(filename);
  const name = memory ? 'the database in memory' : JSON.stringify(path);
  const driver = new SqliteDriver(new SqliteDatabase({ filename: path, name }));
  return {
    name,
    kysely: kyselyDialect(driver),
    types: { integer: 'integer', bytes: 'blob', byKey: sql`without rowid` },
    open: async () => await driver.open(),
    close: async () => await driver.close(),
    // BEGIN IMMEDIATE has taken it: there is one lock for all that writes.
    lock: async () => {},
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
