import type { Position, Timestamp } from '@latchkey/verify';
import type { Kysely } from 'kysely';
import { idBytes, idFromBytes } from '../../foundation/ids.ts';
import type { FollowerId, FollowerRecord, FollowerStore } from '../store.ts';
import type { Schema } from './schema.ts';
import { type Param, type Runner, Statement } from './statement.ts';

type Bytes = Uint8Array;

/** Statements of `SqlFollowers`. */
export type FollowerStatements = ReturnType<typeof followerStatements>;

/** Compiles the statements of `SqlFollowers`. */
export function followerStatements(db: Kysely<Schema>) {
  type Values = {
    id: Bytes;
    name: string;
    registeredAt: Timestamp;
    acknowledged: Position;
    seenAt: Timestamp;
  };
  return {
    put: new Statement((param: Param<Values>) =>
      db
        .insertInto('follower')
        .values({
          id: param('id'),
          name: param('name'),
          registered_at: param('registeredAt'),
          acknowledged: param('acknowledged'),
          seen_at: param('seenAt'),
        })
        .onConflict((conflict) =>
          conflict.column('id').doUpdateSet((eb) => ({
            name: eb.ref('excluded.name'),
            seen_at: eb.ref('excluded.seen_at'),
            // A report that was overtaken on its way takes nothing back.
            acknowledged: eb
              .case()
              .when('excluded.acknowledged', '>', eb.ref('follower.acknowledged'))
              .then(eb.ref('excluded.acknowledged'))
              .else(eb.ref('follower.acknowledged'))
              .end(),
          })),
        ),
    ),
    list: new Statement(() => db.selectFrom('follower').selectAll().orderBy('registered_at').orderBy('id')),
    remove: new Statement((param: Param<{ id: Bytes }>) =>
      db.deleteFrom('follower').where('id', '=', param('id')),
    ),
    sweep: new Statement((param: Param<{ before: Timestamp }>) =>
      db.deleteFrom('follower').where('seen_at', '<', param('before')),
    ),
  };
}

/** Who follows the log, and how far. */
export class SqlFollowers implements FollowerStore {
  readonly #statements: FollowerStatements;
  readonly #runner: Runner;

  constructor(statements: FollowerStatements, runner: Runner) {
    this.#statements = statements;
    this.#runner = runner;
  }

  async put(follower: FollowerRecord): Promise<void> {
    await this.#runner.write(this.#statements.put, {
      id: idBytes(follower.id),
      name: follower.name,
      registeredAt: follower.registeredAt,
      acknowledged: follower.acknowledged,
      seenAt: follower.seenAt,
    });
  }

  async list(): Promise<readonly FollowerRecord[]> {
    const rows = await this.#runner.rows(this.#statements.list, {});
    return rows.map((row) => ({
      id: idFromBytes(row.id),
      name: row.name,
      registeredAt: row.registered_at,
      acknowledged: row.acknowledged,
      seenAt: row.seen_at,
    }));
  }

  async remove(id: FollowerId): Promise<void> {
    await this.#runner.write(this.#statements.remove, { id: idBytes(id) });
  }

  async sweep(before: Timestamp): Promise<number> {
    return await this.#runner.write(this.#statements.sweep, { before });
  }
}
