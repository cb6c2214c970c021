import { Socket } from 'node:net';
import type { Millis } from '@latchkey/verify';
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely';
import pg from 'pg';
import { invalid } from '../../errors.ts';
import { Gate } from './gate.ts';
import { isLost, isOutdated, isUnprepared, outcomeUnknown, passes, unavailable } from './postgres-errors.ts';
import type { ListeningClient } from './postgres-hints.ts';

/** How long is waited for. */
export interface PostgresLimits {
  /** For a connection: its turn, and its making. */
  readonly connect: Millis;
  /** For the answer to a statement of the store. */
  readonly call: Millis;
  /** For any other, which are those of the migrations. */
  readonly migration: Millis;
}

/**
 * A server that refuses says so at once; these are for one that is silent. Nobody waits
 * for an answer longer than a copy of the log may be old by default: by then it is of no
 * use, and a connection that has sent again in vain for longer is slow to notice that the
 * server is back.
 */
const LIMITS: PostgresLimits = { connect: 2_000, call: 5_000, migration: 900_000 };

/**
 * Server-side ends for what a node leaves behind that is gone without a word, in the
 * one message that begins the transaction. `SET LOCAL` ends with it, so that no
 * pooler has to know of it. Each is shorter than the next: whoever waits for a lock of
 * the one that is gone outlives it, and hears from the server before giving it up.
 */
const BEGIN =
  'begin isolation level read committed; ' +
  "set local idle_in_transaction_session_timeout = '3s'; set local lock_timeout = '4s'";

/**
 * One snapshot, which the first statement takes. Whoever reads it may be slow to take what
 * was read, and keeps nobody waiting.
 */
const BEGIN_READING =
  'begin isolation level repeatable read read only; ' +
  "set local idle_in_transaction_session_timeout = '10min'; select 1";

export interface PostgresDriverOptions {
  readonly url: string;
  /** The most connections, those of `connect` not counted. */
  readonly connections: number;
  readonly limits?: Partial<PostgresLimits>;
}

/**
 * Lends connections of a pool, each to one caller at a time. What was not answered
 * within its limit takes its connection with it: nobody else is ever given the
 * answer that comes late.
 */
export class PostgresDriver implements Driver {
  readonly #options: pg.PoolConfig;
  readonly #limits: PostgresLimits;
  readonly #names = new StatementNames();
  readonly #gate = new Gate();
  readonly #lent = new Set<Promise<undefined>>();
  #pool: pg.Pool | null = null;

  constructor({ url, connections, limits }: PostgresDriverOptions) {
    this.#limits = { ...LIMITS, ...limits };
    this.#options = {
      connectionString: url,
      max: connections,
      connectionTimeoutMillis: this.#limits.connect,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
      // A script that forgets to close the store ends all the same.
      allowExitOnIdle: true,
      fallback_application_name: 'latchkey',
      types: { getTypeParser: parserOf },
    };
  }

  /** Makes the pool, and `check`s what its first connection leads to; does nothing where there is one. */
  async open(check: (connection: DatabaseConnection) => Promise<void>): Promise<void> {
    const leave = await this.#gate.enter();
    try {
      if (this.#pool !== null) return;
      const pool = new pg.Pool(this.#options);
      // A connection that is lost while nobody uses it: the pool has let go of it.
      pool.on('error', () => {});
      // One that is lost while it is lent: whoever has it hears of it by the statement.
      pool.on('connect', (client) => void client.on('error', () => {}));
      try {
        const lease = await this.#lend(pool);
        try {
          await check(lease);
        } finally {
          lease.release();
        }
      } catch (error) {
        await pool.end();
        throw error;
      }
      this.#pool = pool;
    } finally {
      leave();
    }
  }

  /** Waits until everything that was lent is back, and disconnects. */
  async close(): Promise<void> {
    const leave = await this.#gate.enter();
    try {
      const pool = this.#pool;
      this.#pool = null;
      await Promise.all(this.#lent);
      await pool?.end();
    } finally {
      leave();
    }
  }

  /**
   * A connection of the caller's own beside the pool, for what no pool can lend: to
   * listen. Its `end` waits for nobody.
   *
   * @throws `LK_STORE_UNAVAILABLE`.
   */
  async connect(): Promise<ListeningClient> {
    const socket = new Socket();
    const client = new pg.Client({ ...this.#options, stream: () => socket });
    client.on('error', () => {});
    try {
      await client.connect();
    } catch (error) {
      socket.destroy();
      throw unavailable(error);
    }
    // As those of the pool when nobody uses them: nobody waits for what is heard.
    socket.unref();
    return {
      query: async (text) => await client.query(text),
      onNotification: (heard) => void client.on('notification', ({ payload = '' }) => heard(payload)),
      onEnd: (ended) => void client.on('error', ended).on('end', ended),
      end: () => void socket.destroy(),
    };
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#pool === null) throw new TypeError('the store is not open: call open() first');
    return await this.#lend(this.#pool);
  }

  async beginTransaction(
    connection: DatabaseConnection,
    { accessMode }: TransactionSettings = {},
  ): Promise<void> {
    await leaseOf(connection).begin(accessMode === 'read only' ? BEGIN_READING : BEGIN);
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await leaseOf(connection).commit();
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await leaseOf(connection).rollback();
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    leaseOf(connection).release();
  }

  /** Nothing: the store opens the driver, and can do so again. */
  async init(): Promise<void> {}

  /** Nothing: the store closes the driver. */
  async destroy(): Promise<void> {}

  async #lend(pool: pg.Pool): Promise<Lease> {
    const { promise: back, resolve } = Promise.withResolvers<undefined>();
    const leave = (): void => {
      this.#lent.delete(back);
      resolve(undefined);
    };
    this.#lent.add(back);
    try {
      return new Lease(await pool.connect(), leave, this.#names, this.#limits);
    } catch (error) {
      leave();
      throw unavailable(error);
    }
  }
}

function leaseOf(connection: DatabaseConnection): Lease {
  if (connection instanceof Lease) return connection;
  throw new TypeError('the connection was not lent by this driver');
}

/**
 * A connection, for as long as one caller has it. Once its transaction has ended it
 * runs nothing more: a statement that was left behind by work that failed would be
 * committed by itself.
 */
class Lease implements DatabaseConnection {
  readonly #client: pg.PoolClient;
  readonly #leave: () => void;
  readonly #names: StatementNames;
  readonly #limits: PostgresLimits;
  #transaction: 'none' | 'open' | 'ended' = 'none';
  /** Why the connection cannot be used any more. */
  #lost: Error | null = null;
  /** What was thrown first in the transaction: the server takes no more statements after it. */
  #failure: Error | null = null;

  constructor(client: pg.PoolClient, leave: () => void, names: StatementNames, limits: PostgresLimits) {
    this.#client = client;
    this.#leave = leave;
    this.#names = names;
    this.#limits = limits;
  }

  async begin(text: string): Promise<void> {
    await this.#ask({ text }, this.#limits.call);
    this.#transaction = 'open';
  }

  async commit(): Promise<void> {
    this.#transaction = 'ended';
    if (this.#lost !== null) throw this.#lost;
    const { command } = await this.#ask({ text: 'commit' }, this.#limits.call).catch((error: unknown) => {
      throw outcomeUnknown(error);
    });
    // What the server answers where a statement had failed, and the work went on all the same.
    if (command === 'ROLLBACK') throw this.#failure ?? new TypeError('the transaction was rolled back');
  }

  /** Never fails: a connection that cannot roll back is closed, and its transaction with it. */
  async rollback(): Promise<void> {
    this.#transaction = 'ended';
    if (this.#lost !== null) return;
    await this.#ask({ text: 'rollback' }, this.#limits.call).catch((error: unknown) => {
      this.#lost = errorOf(error);
    });
  }

  release(): void {
    this.#client.release(this.#lost !== null);
    this.#leave();
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    if (this.#transaction === 'ended') {
      throw new TypeError('the transaction has ended: await every statement in it');
    }
    const { call, migration } = this.#limits;
    const values = query.parameters.map(bindable);
    const name = 'name' in query && typeof query.name === 'string' ? this.#names.of(query.name) : null;
    const { rows, rowCount } =
      name === null
        ? await this.#ask({ text: query.sql, values }, 'name' in query ? call : migration)
        : await this.#ask({ text: query.sql, values, name }, call);
    // What a row holds is said by the statement's type; a driver sees columns only.
    return { rows: rows as Row[], numAffectedRows: BigInt(rowCount ?? 0) };
  }

  streamQuery(): never {
    throw new TypeError('rows are not streamed');
  }

  /** Asks the server, and gives the connection up where it does not answer in time. */
  async #ask(query: pg.QueryConfig, limit: Millis): Promise<pg.QueryResult> {
    if (this.#lost !== null) throw this.#lost;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`no answer within ${limit} ms`)), limit);
    try {
      return await Promise.race([this.#client.query(query), late]);
    } catch (error) {
      this.#names.learn(error);
      const thrown = errorOf(passes(error) ? error : unavailable(error));
      if (isLost(error)) this.#lost ??= thrown;
      this.#failure ??= thrown;
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new TypeError(String(error));
}

/** By which names statements are kept prepared, if they can be. */
class StatementNames {
  #usable = true;
  #round = 0;

  /** `null` where statements have to do without. */
  of(name: string): string | null {
    return this.#usable ? `latchkey_${name}_${this.#round}` : null;
  }

  /** Draws from an error what the next statement must heed. */
  learn(error: unknown): void {
    // A pooler that puts any session under a connection, and keeps no statements.
    if (isUnprepared(error)) this.#usable = false;
    // A migration has changed a table: every connection prepares everything anew.
    if (isOutdated(error)) this.#round += 1;
  }
}

function bindable(value: unknown): string | Uint8Array | null {
  if (value === null || value instanceof Uint8Array) return value;
  if (typeof value === 'string') {
    // What somebody sent: nothing of ours has it.
    if (value.includes('\0')) throw invalid('', 'must not hold U+0000');
    return value;
  }
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  throw new TypeError(`PostgreSQL takes no parameter such as this ${typeof value}`);
}

const PARSERS: ReadonlyMap<number, (text: string) => unknown> = new Map<number, (text: string) => unknown>([
  [pg.types.builtins.BOOL, (text) => text === 't'],
  [pg.types.builtins.INT2, Number],
  [pg.types.builtins.INT4, Number],
  [pg.types.builtins.INT8, wholeNumber],
  [pg.types.builtins.BYTEA, bytes],
]);

function parserOf(oid: number): (text: string) => unknown {
  return PARSERS.get(oid) ?? String;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError(`a double cannot hold ${text} exactly`);
}

const parseBytes = pg.types.getTypeParser(pg.types.builtins.BYTEA, 'text') as (text: string) => Uint8Array;

/** A copy: what was parsed would keep the whole block alive that Node cut it from. */
function bytes(text: string): Uint8Array {
  return new Uint8Array(parseBytes(text));
}
