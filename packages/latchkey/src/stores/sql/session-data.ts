import type { SessionId } from '@latchkey/verify';
import type { Kysely } from 'kysely';
import { idBytes } from '../../foundation/ids.ts';
import type { DataValue } from '../records.ts';
import type { SessionDataStore } from '../store.ts';
import type { Schema } from './schema.ts';
import { type Param, type Runner, Statement } from './statement.ts';

type Bytes = Uint8Array;

/** Statements of `SqlSessionData`. */
export type SessionDataStatements = ReturnType<typeof sessionDataStatements>;

/** Compiles the statements of `SqlSessionData`. */
export function sessionDataStatements(db: Kysely<Schema>) {
  type Added = { id: Bytes; key: string; value: string };
  type Changed = { id: Bytes; key: string; value: string | null; expected: number };
  return {
    read: new Statement((param: Param<{ id: Bytes }>) =>
      db
        .selectFrom('session_data')
        .select(['key', 'value', 'version'])
        .where('session_id', '=', param('id'))
        .where('value', 'is not', null),
    ),
    find: new Statement((param: Param<{ id: Bytes; key: string }>) =>
      db
        .selectFrom('session_data')
        .select('version')
        .where('session_id', '=', param('id'))
        .where('key', '=', param('key'))
        .where('value', 'is not', null),
    ),
    /** Selected from the sessions, so that one that was swept meanwhile refuses the write. */
    add: new Statement((param: Param<Added>) =>
      db
        .insertInto('session_data')
        .columns(['session_id', 'key', 'value', 'version'])
        .expression(
          db
            .selectFrom('session')
            .select((eb) => [
              'session.id',
              param('key').as('key'),
              param('value').as('value'),
              eb.lit(1).as('version'),
            ])
            .where('session.id', '=', param('id')),
        )
        .onConflict((conflict) =>
          conflict
            .columns(['session_id', 'key'])
            .doUpdateSet((eb) => ({
              value: eb.ref('excluded.value'),
              version: eb('session_data.version', '+', 1),
            }))
            .where('session_data.value', 'is', null),
        ),
    ),
    change: new Statement((param: Param<Changed>) =>
      db
        .updateTable('session_data')
        .set((eb) => ({ value: param('value'), version: eb('version', '+', 1) }))
        .where('session_id', '=', param('id'))
        .where('key', '=', param('key'))
        .where('version', '=', param('expected'))
        .where('value', 'is not', null),
    ),
  };
}

/**
 * What the application keeps with a session, one row a key.
 *
 * A deleted key leaves its version behind, so that a key that was deleted and
 * written anew is never taken for the one that somebody read before.
 */
export class SqlSessionData implements SessionDataStore {
  readonly #statements: SessionDataStatements;
  readonly #runner: Runner;

  constructor(statements: SessionDataStatements, runner: Runner) {
    this.#statements = statements;
    this.#runner = runner;
  }

  async read(id: SessionId): Promise<ReadonlyMap<string, DataValue>> {
    const rows = await this.#runner.rows(this.#statements.read, { id: idBytes(id) });
    const values = new Map<string, DataValue>();
    for (const { key, value, version } of rows) {
      if (value !== null) values.set(key, { value, version });
    }
    return values;
  }

  async write(id: SessionId, key: string, value: string | null, expected: number): Promise<boolean> {
    const bytes = idBytes(id);
    if (expected !== 0) {
      return (await this.#runner.write(this.#statements.change, { id: bytes, key, value, expected })) === 1;
    }
    if (value !== null) {
      return (await this.#runner.write(this.#statements.add, { id: bytes, key, value })) === 1;
    }
    return (await this.#runner.row(this.#statements.find, { id: bytes, key })) === null;
  }
}
