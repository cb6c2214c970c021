import type { SigningAlgorithm, Timestamp } from '@latchkey/verify';
import type { Kysely } from 'kysely';
import type { SigningKeyRecord } from '../records.ts';
import type { SigningKeyStore } from '../store.ts';
import type { Schema, SigningKeyTable } from './schema.ts';
import { type Param, type Runner, Statement } from './statement.ts';

type Bytes = Uint8Array;

/** Stands in the column, which has no null, where nobody has said when a key signs: later than any clock. */
const UNSAID: Timestamp = Number.MAX_SAFE_INTEGER;

/** Statements of `SqlSigningKeys`. */
export type SigningKeyStatements = ReturnType<typeof signingKeyStatements>;

/** Compiles the statements of `SqlSigningKeys`. */
export function signingKeyStatements(db: Kysely<Schema>) {
  type NewKey = {
    kid: string;
    algorithm: SigningAlgorithm;
    publicKey: string;
    sealed: Bytes;
    sealedBy: string;
    createdAt: Timestamp;
    usedAt: Timestamp;
    activatesAt: Timestamp;
  };
  return {
    list: new Statement(() => db.selectFrom('signing_key').selectAll().orderBy('created_at').orderBy('kid')),
    find: new Statement((param: Param<{ kid: string }>) =>
      db.selectFrom('signing_key').selectAll().where('kid', '=', param('kid')),
    ),
    add: new Statement((param: Param<NewKey>) =>
      db.insertInto('signing_key').values({
        kid: param('kid'),
        algorithm: param('algorithm'),
        public_key: param('publicKey'),
        sealed: param('sealed'),
        sealed_by: param('sealedBy'),
        created_at: param('createdAt'),
        used_at: param('usedAt'),
        activates_at: param('activatesAt'),
      }),
    ),
    activate: new Statement((param: Param<{ kid: string; at: Timestamp }>) =>
      db
        .updateTable('signing_key')
        .set({ activates_at: param('at') })
        .where('kid', '=', param('kid')),
    ),
    use: new Statement((param: Param<{ kid: string; at: Timestamp }>) =>
      db
        .updateTable('signing_key')
        .set((eb) => ({
          used_at: eb
            .case()
            .when('used_at', '<', param('at'))
            .then(param('at'))
            .else(eb.ref('used_at'))
            .end(),
        }))
        .where('kid', '=', param('kid')),
    ),
    reseal: new Statement(
      (param: Param<{ kid: string; expected: string; sealed: Bytes; sealedBy: string }>) =>
        db
          .updateTable('signing_key')
          .set({ sealed: param('sealed'), sealed_by: param('sealedBy') })
          .where('kid', '=', param('kid'))
          .where('sealed_by', '=', param('expected')),
    ),
    remove: new Statement((param: Param<{ kid: string }>) =>
      db.deleteFrom('signing_key').where('kid', '=', param('kid')),
    ),
    sweep: new Statement((param: Param<{ before: Timestamp; limit: number }>) =>
      db
        .deleteFrom('signing_key')
        // Once more, for it may have been used since it was selected.
        .where('used_at', '<', param('before'))
        .where('kid', 'in', (eb) =>
          eb
            .selectFrom('signing_key')
            .select('kid')
            .where('used_at', '<', param('before'))
            .limit(param('limit')),
        ),
    ),
  };
}

/** Keys that sign access tokens, their private halves sealed. */
export class SqlSigningKeys implements SigningKeyStore {
  readonly #statements: SigningKeyStatements;
  readonly #runner: Runner;

  constructor(statements: SigningKeyStatements, runner: Runner) {
    this.#statements = statements;
    this.#runner = runner;
  }

  async list(): Promise<readonly SigningKeyRecord[]> {
    return (await this.#runner.rows(this.#statements.list, {})).map(recordOf);
  }

  async find(kid: string): Promise<SigningKeyRecord | null> {
    const row = await this.#runner.row(this.#statements.find, { kid });
    return row === null ? null : recordOf(row);
  }

  async add(key: SigningKeyRecord): Promise<void> {
    await this.#runner.write(this.#statements.add, { ...key, activatesAt: key.activatesAt ?? UNSAID });
  }

  async activate(kid: string, at: Timestamp): Promise<boolean> {
    return (await this.#runner.write(this.#statements.activate, { kid, at })) === 1;
  }

  async use(kid: string, at: Timestamp): Promise<boolean> {
    return (await this.#runner.write(this.#statements.use, { kid, at })) === 1;
  }

  async reseal(kid: string, expected: string, sealed: Uint8Array, sealedBy: string): Promise<boolean> {
    return (await this.#runner.write(this.#statements.reseal, { kid, expected, sealed, sealedBy })) === 1;
  }

  async remove(kid: string): Promise<boolean> {
    return (await this.#runner.write(this.#statements.remove, { kid })) === 1;
  }

  async sweep(before: Timestamp, limit: number): Promise<number> {
    return await this.#runner.write(this.#statements.sweep, { before, limit });
  }
}

function recordOf(row: SigningKeyTable): SigningKeyRecord {
  return {
    kid: row.kid,
    algorithm: row.algorithm,
    publicKey: row.public_key,
    sealed: row.sealed,
    sealedBy: row.sealed_by,
    createdAt: row.created_at,
    usedAt: row.used_at,
    activatesAt: row.activates_at === UNSAID ? null : row.activates_at,
  };
}
