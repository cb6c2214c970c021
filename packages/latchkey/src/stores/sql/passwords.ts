import type { Timestamp, UserId } from '@latchkey/verify';
import type { Kysely } from 'kysely';
import { idBytes } from '../../foundation/ids.ts';
import type { PasswordRecord } from '../records.ts';
import type { PasswordStore } from '../store.ts';
import type { SqlDialect } from './dialect.ts';
import type { PasswordTable, Schema } from './schema.ts';
import { type Param, type Runner, Statement } from './statement.ts';

type Bytes = Uint8Array;

/** Statements of `SqlPasswords`. */
export type PasswordStatements = ReturnType<typeof passwordStatements>;

/** Compiles the statements of `SqlPasswords`. */
export function passwordStatements(db: Kysely<Schema>, { forUpdate }: Pick<SqlDialect, 'forUpdate'>) {
  type NewPassword = { userId: Bytes; phc: string; pepper: string | null; changedAt: Timestamp };
  type Replacement = { userId: Bytes; expected: string; phc: string; pepper: string | null };
  return {
    put: new Statement((param: Param<NewPassword>) =>
      db
        .insertInto('password')
        .values({
          user_id: param('userId'),
          phc: param('phc'),
          pepper: param('pepper'),
          changed_at: param('changedAt'),
        })
        .onConflict((conflict) =>
          conflict.column('user_id').doUpdateSet((eb) => ({
            phc: eb.ref('excluded.phc'),
            pepper: eb.ref('excluded.pepper'),
            changed_at: eb.ref('excluded.changed_at'),
          })),
        ),
    ),
    replace: new Statement((param: Param<Replacement>) =>
      db
        .updateTable('password')
        .set({ phc: param('phc'), pepper: param('pepper') })
        .where('user_id', '=', param('userId'))
        .where('phc', '=', param('expected')),
    ),
    find: new Statement((param: Param<{ userId: Bytes }>) =>
      db
        .selectFrom('password')
        .select(['phc', 'pepper', 'changed_at'])
        .where('user_id', '=', param('userId')),
    ),
    hold: new Statement((param: Param<{ userId: Bytes }>) =>
      db
        .selectFrom('password')
        .select(['phc', 'pepper', 'changed_at'])
        .where('user_id', '=', param('userId'))
        .modifyEnd(forUpdate),
    ),
    peppers: new Statement(() =>
      db.selectFrom('password').select('pepper').distinct().where('pepper', 'is not', null),
    ),
  };
}

/** Hashes of passwords, apart from the users, so that reading a user never reads one. */
export class SqlPasswords implements PasswordStore {
  readonly #statements: PasswordStatements;
  readonly #runner: Runner;

  constructor(statements: PasswordStatements, runner: Runner) {
    this.#statements = statements;
    this.#runner = runner;
  }

  async put(password: PasswordRecord): Promise<void> {
    await this.#runner.write(this.#statements.put, {
      userId: idBytes(password.userId),
      phc: password.phc,
      pepper: password.pepper,
      changedAt: password.changedAt,
    });
  }

  async replace(userId: UserId, expected: string, phc: string, pepper: string | null): Promise<boolean> {
    const values = { userId: idBytes(userId), expected, phc, pepper };
    return (await this.#runner.write(this.#statements.replace, values)) === 1;
  }

  async find(userId: UserId): Promise<PasswordRecord | null> {
    return recordOf(userId, await this.#runner.row(this.#statements.find, { userId: idBytes(userId) }));
  }

  async hold(userId: UserId): Promise<PasswordRecord | null> {
    if (!this.#runner.inTransaction)
      throw new TypeError('a row is held until a transaction ends: there is none');
    return recordOf(userId, await this.#runner.row(this.#statements.hold, { userId: idBytes(userId) }));
  }

  async peppers(): Promise<readonly string[]> {
    const rows = await this.#runner.rows(this.#statements.peppers, {});
    return rows.flatMap((row) => row.pepper ?? []).toSorted();
  }
}

function recordOf(userId: UserId, row: Omit<PasswordTable, 'user_id'> | null): PasswordRecord | null {
  return row === null ? null : { userId, phc: row.phc, pepper: row.pepper, changedAt: row.changed_at };
}
