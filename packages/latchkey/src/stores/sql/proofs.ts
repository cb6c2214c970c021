import type { Timestamp } from '@latchkey/verify';
import type { Kysely } from 'kysely';
import type { ProofStore } from '../store.ts';
import type { Schema } from './schema.ts';
import { type Param, type Runner, Statement } from './statement.ts';

type Bytes = Uint8Array;
type Kind = 'setup';

/** Statements of `SqlProofs`. */
export type ProofStatements = ReturnType<typeof proofStatements>;

/** Compiles the statements of `SqlProofs`. */
export function proofStatements(db: Kysely<Schema>) {
  type Presented = { kind: Kind; hash: Bytes; now: Timestamp };
  return {
    replace: new Statement((param: Param<{ kind: Kind; hash: Bytes; expiresAt: Timestamp }>) =>
      db
        .insertInto('proof')
        .values({ kind: param('kind'), hash: param('hash'), expires_at: param('expiresAt') })
        .onConflict((conflict) =>
          conflict.column('kind').doUpdateSet((eb) => ({
            hash: eb.ref('excluded.hash'),
            expires_at: eb.ref('excluded.expires_at'),
          })),
        ),
    ),
    spend: new Statement((param: Param<Presented>) =>
      db
        .deleteFrom('proof')
        .where('kind', '=', param('kind'))
        .where('hash', '=', param('hash'))
        .where('expires_at', '>', param('now')),
    ),
    find: new Statement((param: Param<Presented>) =>
      db
        .selectFrom('proof')
        .select('expires_at')
        .where('kind', '=', param('kind'))
        .where('hash', '=', param('hash'))
        .where('expires_at', '>', param('now')),
    ),
    remove: new Statement((param: Param<{ kind: Kind }>) =>
      db.deleteFrom('proof').where('kind', '=', param('kind')),
    ),
  };
}

/** Proofs that are good once. Spending one deletes it, which only one of many can do. */
export class SqlProofs implements ProofStore {
  readonly #statements: ProofStatements;
  readonly #runner: Runner;

  constructor(statements: ProofStatements, runner: Runner) {
    this.#statements = statements;
    this.#runner = runner;
  }

  async replace(kind: Kind, hash: Uint8Array, expiresAt: Timestamp): Promise<void> {
    await this.#runner.write(this.#statements.replace, { kind, hash, expiresAt });
  }

  async spend(kind: Kind, hash: Uint8Array, now: Timestamp): Promise<boolean> {
    return (await this.#runner.write(this.#statements.spend, { kind, hash, now })) === 1;
  }

  async find(kind: Kind, hash: Uint8Array, now: Timestamp): Promise<boolean> {
    return (await this.#runner.row(this.#statements.find, { kind, hash, now })) !== null;
  }

  async remove(kind: Kind): Promise<void> {
    await this.#runner.write(this.#statements.remove, { kind });
  }
}
