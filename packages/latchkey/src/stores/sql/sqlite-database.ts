import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { StoreRefused } from '../store.ts';
import { whileBusy } from './busy.ts';
import { refused } from './sqlite-errors.ts';

/** Above the number of statements that the store has, so that each is prepared once. */
const PREPARED_LIMIT = 256;

interface Prepared {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
}

/** What a statement did. */
export interface Outcome {
  readonly rows: readonly Record<string, SQLOutputValue>[];
  /** Rows written, where none are returned. */
  readonly changes: number;
}

export interface SqliteDatabaseOptions {
  /** An absolute path, or `:memory:`. */
  readonly filename: string;
  /** What messages call the database. */
  readonly name: string;
}

/** One connection to one file, and the statements prepared on it. */
export class SqliteDatabase {
  readonly #options: SqliteDatabaseOptions;
  readonly #prepared = new Map<string, Prepared>();
  #handle: DatabaseSync | null = null;

  constructor(options: SqliteDatabaseOptions) {
    this.#options = options;
  }

  /** Whether a transaction is open: SQLite ends one by itself after some errors. */
  get inTransaction(): boolean {
    return this.#handle?.isTransaction ?? false;
  }

  /** Another number after each commit of another connection; `null` while the file is closed. */
  dataVersion(): unknown {
    if (this.#handle === null) return null;
    return this.#prepare('PRAGMA data_version').statement.get()?.['data_version'];
  }

  /**
   * Opens the file, and makes it where there is none; does nothing where it is open.
   *
   * @throws {StoreRefused} with the remedy.
   * @throws {LatchkeyError} `LK_STORE_UNAVAILABLE` where another process keeps it locked.
   */
  async open(): Promise<void> {
    if (this.#handle !== null) return;
    const { filename, name } = this.#options;
    if (filename !== ':memory:') create(filename, name);
    let handle: DatabaseSync | null = null;
    try {
      handle = new DatabaseSync(filename, { enableForeignKeyConstraints: true });
      await configure(handle, name);
      this.#handle = handle;
    } catch (error) {
      handle?.close();
      throw refused(error, name);
    }
  }

  /** Closes the file; does nothing where it is closed. */
  close(): void {
    this.#prepared.clear();
    this.#handle?.close();
    this.#handle = null;
  }

  /** Runs one statement. */
  execute(sql: string, parameters: readonly SQLInputValue[]): Outcome {
    const { statement, returnsRows } = this.#prepare(sql);
    if (returnsRows) return { rows: statement.all(...parameters), changes: 0 };
    return { rows: [], changes: Number(statement.run(...parameters).changes) };
  }

  #prepare(sql: string): Prepared {
    if (this.#handle === null) throw new TypeError('the store is not open: call open() first');
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#handle.prepare(sql);
    const prepared = { statement, returnsRows: statement.columns().length > 0 };
    if (this.#prepared.size >= PREPARED_LIMIT) {
      const oldest = this.#prepared.keys().next();
      if (oldest.done !== true) this.#prepared.delete(oldest.value);
    }
    this.#prepared.set(sql, prepared);
    return prepared;
  }
}

/** Makes the file before SQLite does, for its owner alone; the log beside it gets the same mode. */
function create(filename: string, name: string): void {
  try {
    closeSync(openSync(filename, 'wx', 0o600));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    if (code === 'EEXIST') return;
    throw new StoreRefused(
      `${name} cannot be made (${code}): make its folder, and let the user who runs Latchkey write there`,
      { cause: error },
    );
  }
}

async function configure(handle: DatabaseSync, name: string): Promise<void> {
  const mode = await whileBusy(() => handle.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode']);
  if (mode !== 'wal' && mode !== 'memory') {
    throw new StoreRefused(`${name} cannot keep a write-ahead log where it is: put it on a local disk`);
  }
  // With NORMAL a commit that was acknowledged can be lost with the power.
  handle.exec('PRAGMA synchronous = FULL');
}
