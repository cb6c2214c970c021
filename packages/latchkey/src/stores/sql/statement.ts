import { type Compilable, type CompiledQuery, type Kysely, type RawBuilder, sql } from 'kysely';
import type { Schema } from './schema.ts';

/** What a parameter may be in every dialect. */
export type SqlValue = string | number | Uint8Array | null;

/** Stands in a compiled statement for a value that comes with each call. */
class Placeholder {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** An expression that takes the value of the same name when the statement runs. */
export type Param<Values> = <Name extends keyof Values & string>(name: Name) => RawBuilder<Values[Name]>;

/**
 * A statement whose SQL is built once. Building it with Kysely costs many times
 * what SQLite needs to run it, so it must not happen on a request's path.
 */
export class Statement<Values extends Readonly<Record<string, SqlValue>>, Row> {
  readonly #compiled: CompiledQuery<Row>;

  constructor(build: (param: Param<Values>) => Compilable<Row>) {
    this.#compiled = build((name) => sql`${new Placeholder(name)}`).compile();
  }

  /** The statement with the values of one call. */
  with(values: Values): CompiledQuery<Row> {
    const parameters = this.#compiled.parameters.map((parameter) =>
      parameter instanceof Placeholder ? values[parameter.name] : parameter,
    );
    return { ...this.#compiled, parameters };
  }
}

/** Runs statements, inside one transaction or outside of any. */
export class Runner {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  get inTransaction(): boolean {
    return this.#db.isTransaction;
  }

  async rows<Values extends Readonly<Record<string, SqlValue>>, Row>(
    statement: Statement<Values, Row>,
    values: Values,
  ): Promise<readonly Row[]> {
    return (await this.#db.executeQuery(statement.with(values))).rows;
  }

  /** The first row, or `null`. */
  async row<Values extends Readonly<Record<string, SqlValue>>, Row>(
    statement: Statement<Values, Row>,
    values: Values,
  ): Promise<Row | null> {
    return (await this.rows(statement, values))[0] ?? null;
  }

  /** How many rows the statement wrote. */
  async write<Values extends Readonly<Record<string, SqlValue>>, Row>(
    statement: Statement<Values, Row>,
    values: Values,
  ): Promise<number> {
    return Number((await this.#db.executeQuery(statement.with(values))).numAffectedRows ?? 0);
  }

  /** Runs what is not one of the compiled statements. */
  with<T>(work: (db: Kysely<Schema>) => Promise<T>): Promise<T> {
    return work(this.#db);
  }

  /** Runs `work` in a transaction: the one that is open, or one of its own. */
  atomically<T>(work: (runner: Runner) => Promise<T>): Promise<T> {
    if (this.inTransaction) return work(this);
    return this.#db.transaction().execute((transaction) => work(new Runner(transaction)));
  }
}
