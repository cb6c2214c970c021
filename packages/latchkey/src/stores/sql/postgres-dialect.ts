import { createHash } from 'node:crypto';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
} from 'kysely';
import type { ColumnTypes } from '../migrations/migration.ts';
import { StoreRefused } from '../store.ts';
import { appendAtOnce } from './append-at-once.ts';
import { arraysAtOnce } from './arrays-at-once.ts';
import type { LogDialect, OwnStatements, SqlDialect } from './dialect.ts';
import { PostgresDriver, type PostgresLimits } from './postgres-driver.ts';
import { passes, quoted, refused, unavailable } from './postgres-errors.ts';
import { PostgresHints } from './postgres-hints.ts';
import { type PostgresOptions, parseOptions } from './postgres-options.ts';
import type { Schema } from './schema.ts';
import { snapshotOf } from './snapshot.ts';
import { type NamedQuery, type Param, Statement } from './statement.ts';

const OLDEST = 130_000;
/** Connections for who follows the log: for pulls, and for a beat that another machine must confirm. */
const FOLLOWING = 2;

const COLUMN_TYPES: ColumnTypes = {
  integer: 'bigint',
  bytes: 'bytea',
  // An order of the system's would change with it, and break the indices on text that were built before.
  text: sql`text collate "C"`,
  byKey: sql``,
  filled: (percent) => sql`with (fillfactor = ${sql.lit(percent)})`,
  unlogged: sql`unlogged`,
};

/** The server's own timeline and history: another after a promotion, and none on a standby, where this fails. */
const LOG: LogDialect = {
  now: () => sql<number>`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`,
  fingerprint: sql<string | null>`(
    (select system_identifier from pg_control_system())
    || ':' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
  )`,
  replicated: sql<number>`(case when current_setting('synchronous_standby_names') = '' then 0 else 1 end)`,
  beats: true,
};

/** PostgreSQL over `pg`. `limits` are for tests. */
export function postgresDialect(
  url: string,
  options: PostgresOptions,
  limits: Partial<PostgresLimits> = {},
): SqlDialect {
  const { connections, ...address } = parseOptions(url, options);
  const { schema } = address;
  const driver = new PostgresDriver({ url, connections, limits });
  const following = new PostgresDriver({ url, connections: FOLLOWING, limits });
  const channel = `latchkey_${schema}`.slice(0, 63);
  const hints = new PostgresHints({
    channel,
    connect: async () => await driver.connect(),
    notify: async (payload) => {
      const connection = await following.acquireConnection();
      try {
        // Named, so it is waited for no longer than a statement of the store is.
        const echo: NamedQuery = {
          ...CompiledQuery.raw('select pg_notify($1, $2)', [channel, payload]),
          name: 'notify',
        };
        await connection.executeQuery(echo);
      } finally {
        await following.releaseConnection(connection);
      }
    },
  });
  return {
    name: address.name,
    kysely: kyselyDialect(driver),
    following: kyselyDialect(following),
    types: COLUMN_TYPES,
    schema,
    open: async () => {
      try {
        await driver.open((connection) => checkServer(connection, address.name));
        await following.open(async () => {});
        hints.start();
      } catch (error) {
        await driver.close();
        throw refused(error, address);
      }
    },
    close: async () => {
      await hints.stop();
      await following.close();
      await driver.close();
    },
    refused: (error) => refused(error, address),
    beginMigration: async (db) => await beginMigration(db, schema),
    passes,
    unavailable,
    statements: (db) => ({
      touch: arraysAtOnce(db),
      lock: locker(db, schema),
      append: appendAtOnce(db, channel),
    }),
    alone: async (db, tables) => {
      // Whatever is to be written may come slowly.
      await sql`set local idle_in_transaction_session_timeout = '10min'`.execute(db);
      const names = sql.join(tables.map((table) => sql.id(schema, table)));
      await sql`lock table ${names} in exclusive mode`.execute(db);
    },
    snapshot: async (db) => await snapshotOf(db, async () => {}),
    // Whoever points at the row, as a receipt at its user, need not wait.
    forUpdate: sql`for no key update`,
    unheld: sql`for update skip locked`,
    log: LOG,
    onHint: (listener) => hints.onHint(listener),
    hears: () => hints.listens,
  };
}

function kyselyDialect(driver: PostgresDriver): Dialect {
  return {
    createDriver: () => driver,
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  };
}

interface ServerRow {
  readonly version: number;
  readonly release: string;
  readonly encoding: string;
  readonly standby: boolean;
}

async function checkServer(connection: DatabaseConnection, name: string): Promise<void> {
  const { rows } = await connection.executeQuery<ServerRow>(
    CompiledQuery.raw(
      "select current_setting('server_version_num')::int as version, " +
        "current_setting('server_version') as release, current_setting('server_encoding') as encoding, " +
        'pg_is_in_recovery() as standby',
    ),
  );
  const [server] = rows;
  if (server === undefined) throw new TypeError('a query without a table answered no row');
  const refuse = (what: string): StoreRefused => new StoreRefused(`${name} ${what}`);
  if (server.version < OLDEST)
    throw refuse(`is version ${server.release}, and 13 is the oldest that Latchkey can use: upgrade it`);
  if (server.standby) throw refuse('is a standby, which takes no writes: name the primary');
  if (server.encoding !== 'UTF8')
    throw refuse(`keeps text as ${server.encoding}: give Latchkey a database made with ENCODING 'UTF8'`);
}

/**
 * The schema is looked for before it is made: whoever may use one need not be
 * allowed to make one.
 */
async function beginMigration(db: Kysely<Schema>, schema: string): Promise<void> {
  // As long as another node needs for its migration.
  await sql`set local lock_timeout = 0`.execute(db);
  await sql`select pg_advisory_xact_lock(${lockKey(schema, 'migrations')}::bigint)`.execute(db);
  // Whatever waits for a table holds up all who come after, so not for long.
  await sql`set local lock_timeout = '10s'`.execute(db);
  const found = await sql`select from pg_namespace where nspname = ${schema}`.execute(db);
  if (found.rows.length === 0) await sql.raw(`create schema ${quoted(schema)}`).execute(db);
}

function locker(db: Kysely<Schema>, schema: string): OwnStatements['lock'] {
  const take = new Statement((param: Param<{ key: string }>) =>
    db.selectNoFrom(sql`pg_advisory_xact_lock(${param('key')}::bigint)`.as('locked')),
  );
  return async (runner, name) => void (await runner.row(take, { key: lockKey(schema, `lock ${name}`) }));
}

/** Such locks are of the whole database, and have numbers for names. */
function lockKey(schema: string, name: string): string {
  return String(createHash('sha256').update(`${schema}\n${name}`).digest().readBigInt64BE());
}
