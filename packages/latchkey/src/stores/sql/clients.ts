import type { Timestamp } from '@latchkey/verify';
import type { Kysely } from 'kysely';
import { idBytes, idFromBytes } from '../../foundation/ids.ts';
import type { DisabledClient } from '../records.ts';
import type { ClientStore } from '../store.ts';
import type { Schema } from './schema.ts';
import { type Param, type Runner, Statement } from './statement.ts';

type Bytes = Uint8Array;

/** Statements of `SqlClients`. */
export type ClientStatements = ReturnType<typeof clientStatements>;

/** Compiles the statements of `SqlClients`. */
export function clientStatements(db: Kysely<Schema>) {
  return {
    disable: new Statement((param: Param<{ subject: Bytes; name: string; at: Timestamp }>) =>
      db
        .insertInto('disabled_client')
        .values({ subject: param('subject'), name: param('name'), disabled_at: param('at') })
        .onConflict((conflict) => conflict.column('subject').doNothing()),
    ),
    enable: new Statement((param: Param<{ subject: Bytes }>) =>
      db.deleteFrom('disabled_client').where('subject', '=', param('subject')),
    ),
    find: new Statement((param: Param<{ subject: Bytes }>) =>
      db.selectFrom('disabled_client').select('disabled_at').where('subject', '=', param('subject')),
    ),
    list: new Statement(() => db.selectFrom('disabled_client').selectAll().orderBy('subject')),
  };
}

/** Configured clients that may not be used now. */
export class SqlClients implements ClientStore {
  readonly #statements: ClientStatements;
  readonly #runner: Runner;

  constructor(statements: ClientStatements, runner: Runner) {
    this.#statements = statements;
    this.#runner = runner;
  }

  async disable(
    { subject, name }: { readonly subject: string; readonly name: string },
    at: Timestamp,
  ): Promise<void> {
    await this.#runner.write(this.#statements.disable, { subject: idBytes(subject), name, at });
  }

  async enable(subject: string): Promise<void> {
    await this.#runner.write(this.#statements.enable, { subject: idBytes(subject) });
  }

  async disabledAt(subject: string): Promise<Timestamp | null> {
    const row = await this.#runner.row(this.#statements.find, { subject: idBytes(subject) });
    return row?.disabled_at ?? null;
  }

  async listDisabled(): Promise<readonly DisabledClient[]> {
    const rows = await this.#runner.rows(this.#statements.list, {});
    return rows.map((row) => ({
      subject: idFromBytes(row.subject),
      name: row.name,
      disabledAt: row.disabled_at,
    }));
  }
}
