import type { SQLInputValue } from 'node:sqlite';
import { type Millis, systemClock } from '@latchkey/verify';
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely';
import { BUSY_TIMEOUT, type Sleep, whileBusy } from './busy.ts';
import { Gate } from './gate.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { unavailable } from './sqlite-errors.ts';

/**
 * Lends the one connection to one caller at a time, in the order of asking, so
 * that a query outside a transaction never sees into one that is open.
 */
export class SqliteDriver implements Driver {
  readonly #database: SqliteDatabase;
  readonly #sleep: Sleep | undefined;
  readonly #gate = new Gate();

  constructor(database: SqliteDatabase, sleep?: Sleep) {
    this.#database = database;
    this.#sleep = sleep;
  }

  /** Connects, when nobody uses the connection. */
  async open(): Promise<void> {
    const leave = await this.#gate.enter();
    try {
      await this.#database.open();
    } finally {
      leave();
    }
  }

  /** Disconnects, when nobody uses the connection. */
  async close(): Promise<void> {
    const leave = await this.#gate.enter();
    try {
      this.#database.close();
    } finally {
      leave();
    }
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    const askedAt = systemClock.monotonic();
    const leave = await this.#gate.enter();
    // The wait for a turn counts too, or a queue behind one lock would add up.
    const patience = Math.max(0, BUSY_TIMEOUT - (systemClock.monotonic() - askedAt));
    return new Lease(this.#database, leave, this.#sleep, patience);
  }

  async beginTransaction(
    connection: DatabaseConnection,
    { accessMode }: TransactionSettings = {},
  ): Promise<void> {
    await leaseOf(connection).begin(accessMode === 'read only' ? 'read' : 'write');
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await leaseOf(connection).end('COMMIT');
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await leaseOf(connection).end('ROLLBACK');
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    leaseOf(connection).release();
  }

  /** Nothing: the store opens the database, and can do so again. */
  async init(): Promise<void> {}

  /** Nothing: the store closes the database. */
  async destroy(): Promise<void> {}
}

function leaseOf(connection: DatabaseConnection): Lease {
  if (connection instanceof Lease) return connection;
  throw new TypeError('the connection was not lent by this driver');
}

/**
 * The connection, for as long as one caller has it. Once its transaction has
 * ended it runs nothing more: a statement that was left behind by work that
 * failed would be committed by itself.
 */
class Lease implements DatabaseConnection {
  readonly #database: SqliteDatabase;
  readonly #leave: () => void;
  readonly #sleep: Sleep | undefined;
  readonly #patience: Millis;
  #transaction: 'none' | 'open' | 'ended' = 'none';

  constructor(database: SqliteDatabase, leave: () => void, sleep: Sleep | undefined, patience: Millis) {
    this.#database = database;
    this.#leave = leave;
    this.#sleep = sleep;
    this.#patience = patience;
  }

  /**
   * Takes at once the right to write, so that no transaction can fail half-way for the want
   * of it, or the snapshot that is read.
   */
  async begin(to: 'read' | 'write'): Promise<void> {
    const begin = (): void => {
      if (to === 'write') return void this.#database.execute('BEGIN IMMEDIATE', []);
      this.#database.execute('BEGIN', []);
      try {
        // A transaction that only begins has no snapshot: the first reading takes it.
        this.#database.execute('SELECT 1 FROM sqlite_schema', []);
      } catch (error) {
        this.#database.execute('ROLLBACK', []);
        throw error;
      }
    };
    await this.#run(() => whileBusy(begin, this.#sleep, this.#patience));
    this.#transaction = 'open';
  }

  async end(how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    this.#transaction = 'ended';
    // After an error such as a full disk SQLite has rolled back already.
    if (how === 'ROLLBACK' && !this.#database.inTransaction) return;
    await this.#run(() => this.#database.execute(how, []));
  }

  release(): void {
    this.#leave();
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    if (this.#transaction === 'ended') {
      throw new TypeError('the transaction has ended: await every statement in it');
    }
    const values = parameters.map(bindable);
    const { rows, changes } = await this.#run(() =>
      this.#transaction === 'open'
        ? this.#database.execute(sql, values)
        : whileBusy(() => this.#database.execute(sql, values), this.#sleep, this.#patience),
    );
    // What a row holds is said by the statement's type; a driver sees columns only.
    return { rows: rows as Row[], numAffectedRows: BigInt(changes) };
  }

  streamQuery(): never {
    throw new TypeError('rows are not streamed');
  }

  async #run<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw unavailable(error);
    }
  }
}

function bindable(value: unknown): SQLInputValue {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`SQLite takes no parameter of type ${typeof value}`);
}
