import type { Kysely } from 'kysely';
import type { MetaStore } from '../store.ts';
import type { Schema } from './schema.ts';
import { type Param, type Runner, Statement } from './statement.ts';

/** Statements of `SqlMeta`. */
export type MetaStatements = ReturnType<typeof metaStatements>;

/** Compiles the statements of `SqlMeta`. */
export function metaStatements(db: Kysely<Schema>) {
  type Row = { key: string; value: string };
  return {
    find: new Statement((param: Param<{ key: string }>) =>
      db.selectFrom('meta').select('value').where('key', '=', param('key')),
    ),
    put: new Statement((param: Param<Row>) =>
      db
        .insertInto('meta')
        .values({ key: param('key'), value: param('value') })
        .onConflict((conflict) =>
          conflict.column('key').doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })),
        ),
    ),
    putOnce: new Statement((param: Param<Row>) =>
      db
        .insertInto('meta')
        .values({ key: param('key'), value: param('value') })
        .onConflict((conflict) => conflict.column('key').doNothing()),
    ),
  };
}

/** Facts of the deployment, by name. */
export class SqlMeta implements MetaStore {
  readonly #statements: MetaStatements;
  readonly #runner: Runner;

  constructor(statements: MetaStatements, runner: Runner) {
    this.#statements = statements;
    this.#runner = runner;
  }

  async find(key: string): Promise<string | null> {
    return (await this.#runner.row(this.#statements.find, { key }))?.value ?? null;
  }

  async put(key: string, value: string): Promise<void> {
    await this.#runner.write(this.#statements.put, { key, value });
  }

  async putOnce(key: string, value: string): Promise<string> {
    await this.#runner.write(this.#statements.putOnce, { key, value });
    // Nothing removes a key, so the one that was there, or ours, is still there.
    return (await this.find(key)) ?? value;
  }
}
