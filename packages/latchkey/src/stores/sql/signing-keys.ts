import type { SigningAlgorithm, Timestamp } from '@latchkey/verify';
import type { Kysely } from 'kysely';
import type { SigningKeyRecord, SigningKeyStore } from '../store.ts';
import type { Schema } from './schema.ts';
import { type Param, type Runner, Statement } from './statement.ts';

type Bytes = Uint8Array;

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
    sweep: new Statement((param: Param<{ before: Timestamp; limit: number }>) =>
      db
        .deleteFrom('signing_key')
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
    const rows = await this.#runner.rows(this.#statements.list, {});
    return rows.map((row) => ({
      kid: row.kid,
      algorithm: row.algorithm,
      publicKey: row.public_key,
      sealed: row.sealed,
      sealedBy: row.sealed_by,
      createdAt: row.created_at,
      usedAt: row.used_at,
      activatesAt: row.activates_at,
    }));
  }

  async add(key: SigningKeyRecord): Promise<void> {
    await this.#runner.write(this.#statements.add, { ...key });
  }

  async use(kid: string, at: Timestamp): Promise<boolean> {
    return (await this.#runner.write(this.#statements.use, { kid, at })) === 1;
  }

  async reseal(kid: string, expected: string, sealed: Uint8Array, sealedBy: string): Promise<boolean> {
    return (await this.#runner.write(this.#statements.reseal, { kid, expected, sealed, sealedBy })) === 1;
  }

  async sweep(before: Timestamp, limit: number): Promise<number> {
    return await this.#runner.write(this.#statements.sweep, { before, limit });
  }
}
