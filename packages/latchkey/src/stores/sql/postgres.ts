/**
 * The store on PostgreSQL, 13 or newer, for any number of nodes.
 *
 * @module
 */
import type { Store } from '../store.ts';
import { postgresDialect } from './postgres-dialect.ts';
import type { PostgresOptions } from './postgres-options.ts';
import { sqlStore } from './sql-store.ts';

export type { PostgresOptions } from './postgres-options.ts';

/**
 * A store in a database of PostgreSQL (`postgres://user:password@host:5432/database`).
 * It must be the primary, and may be reached through a pooler. Nothing is opened
 * before `open()`.
 *
 * What is acknowledged is as durable as the server's `synchronous_commit` makes it.
 *
 * @throws {TypeError} for what is no such URL, no name of a schema, or no number of connections.
 */
export function postgres(url: string, options: PostgresOptions = {}): Store {
  return sqlStore(postgresDialect(url, options));
}
