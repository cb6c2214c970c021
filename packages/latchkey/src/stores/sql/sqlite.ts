import type { Store } from '../store.ts';
import { sqlStore } from './sql-store.ts';
import { sqliteDialect } from './sqlite-dialect.ts';

/**
 * A store in one file of SQLite, or in memory for `:memory:`, which is gone when
 * it is closed. Nothing is opened before `open()`.
 *
 * The file is made with mode 0600, in a folder that is there, on a local disk.
 * What is acknowledged is on the disk (`synchronous=FULL`). Several processes of
 * one host may share it.
 */
export function sqlite(filename: string): Store {
  return sqlStore(sqliteDialect(filename));
}
