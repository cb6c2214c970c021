import { createHash } from 'node:crypto';
import {
  type Compilable,
  type CompiledQuery,
  type Kysely,
  type QueryResult,
  type RawBuilder,
  sql,
} from 'kysely';
import { type Contest, repeating } from './repeat.ts';
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

/** A query that runs again and again, with the name by which a connection may keep it prepared. */
export interface NamedQuery<Row = unknown> extends CompiledQuery<Row> {
  /** Follows from the SQL, so that one name never means two statements, whoever prepares them. */
  readonly name: string;
}

/**
 * A statement whose SQL is built once. Building it with Kysely costs many times
 * what SQLite needs to run it, so it must not happen on a request's path.
 */
export class Statement<Values extends Readonly<Record<string, SqlValue>>, Row> {
  readonly #compiled: NamedQuery<Row>;

  constructor(build: (param: Param<Values>) => Compilable<Row>) {
    const compiled = build((name) => sql`${new Placeholder(name)}`).compile();
    const digest = createHash('sha256').update(compiled.sql).digest('base64url');
    this.#compiled = { ...compiled, name: digest.slice(0, 16) };
  }

  /** The statement with the values of one call. */
  with(values: Values): NamedQuery<Row> {
    const parameters = this.#compiled.parameters.map((parameter) =>
      parameter instanceof Placeholder ? values[parameter.name] : parameter,
    );
    return { ...this.#compiled, parameters };
  }
}

/**
 * Runs statements, inside one transaction or outside of any. What loses against
 * another is run again: a statement outside of a transaction by itself, one inside
 * together with all of that transaction.
 */
export class Runner {
  readonly #db: Kysely<Schema>;
  readonly #contest: Contest;

  constructor(db: Kysely<Schema>, contest: Contest) {
    this.#db = db;
    this.#contest = contest;
  }

  get inTransaction(): boolean {
    return this.#db.isTransaction;
  }

  async rows<Values extends Readonly<Record<string, SqlValue>>, Row>(
    statement: Statement<Values, Row>,
    values: Values,
  ): Promise<readonly Row[]> {
    return (await this.#execute(statement.with(values))).rows;
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
    return Number((await this.#execute(statement.with(values))).numAffectedRows ?? 0);
  }

  /** Runs `work` in a transaction: the one that is open, or one of its own. */
  atomically<T>(work: (runner: Runner) => Promise<T>): Promise<T> {
    if (this.inTransaction) return work(this);
    return repeating(this.#contest, () =>
      this.#db.transaction().execute((transaction) => work(new Runner(transaction, this.#contest))),
    );
  }

  async #execute<Row>(query: NamedQuery<Row>): Promise<QueryResult<Row>> {
    if (this.inTransaction) return await this.#db.executeQuery(query);
    return await repeating(this.#contest, () => this.#db.executeQuery(query));
  }
}
