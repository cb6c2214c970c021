import type { Timestamp } from '@latchkey/verify';
import type { Kysely } from 'kysely';
import { idBytes } from '../../foundation/ids.ts';
import type { AttemptStore } from '../store.ts';
import type { Schema } from './schema.ts';
import { type Param, type Runner, Statement } from './statement.ts';

type Bytes = Uint8Array;

/** Statements of `SqlAttempts`. */
export type AttemptStatements = ReturnType<typeof attemptStatements>;

/** Compiles the statements of `SqlAttempts`. */
export function attemptStatements(db: Kysely<Schema>) {
  return {
    count: new Statement((param: Param<{ subject: Bytes; now: Timestamp }>) =>
      db
        .insertInto('attempt')
        .values({ subject: param('subject'), tries: 1, tried_at: param('now') })
        .onConflict((conflict) =>
          conflict.column('subject').doUpdateSet((eb) => ({
            tries: eb('attempt.tries', '+', 1),
            tried_at: eb.ref('excluded.tried_at'),
          })),
        )
        .returning('tries'),
    ),
    reset: new Statement((param: Param<{ subject: Bytes }>) =>
      db.deleteFrom('attempt').where('subject', '=', param('subject')),
    ),
    sweep: new Statement((param: Param<{ before: Timestamp; limit: number }>) =>
      db
        .deleteFrom('attempt')
        .where('subject', 'in', (eb) =>
          eb
            .selectFrom('attempt')
            .select('attempt.subject')
            .leftJoin('account', 'account.id', 'attempt.subject')
            .where('attempt.tried_at', '<', param('before'))
            .where('account.id', 'is', null)
            .limit(param('limit')),
        ),
    ),
  };
}

/** How often in a row each subject was tried without success. */
export class SqlAttempts implements AttemptStore {
  readonly #statements: AttemptStatements;
  readonly #runner: Runner;

  constructor(statements: AttemptStatements, runner: Runner) {
    this.#statements = statements;
    this.#runner = runner;
  }

  async count(subject: string, now: Timestamp): Promise<number> {
    const row = await this.#runner.row(this.#statements.count, { subject: idBytes(subject), now });
    if (row === null) throw new TypeError('an upsert that returns a row returned none');
    return row.tries;
  }

  async reset(subject: string): Promise<void> {
    await this.#runner.write(this.#statements.reset, { subject: idBytes(subject) });
  }

  async sweep(before: Timestamp, limit: number): Promise<number> {
    return await this.#runner.write(this.#statements.sweep, { before, limit });
  }
}
