import type { Position, Timestamp } from '@latchkey/verify';
import type { Kysely } from 'kysely';
import { idBytes, idFromBytes } from '../../foundation/ids.ts';
import type { FollowerId, FollowerRecord, Relay, RemoteFollowerRecord } from '../records.ts';
import type { FollowerStore } from '../store.ts';
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
    registeredSeq: Position;
    acknowledged: Position;
    seenAt: Timestamp;
    keptUntil: Timestamp;
    relayed: string | null;
    relayedVersion: number;
  };
  return {
    put: new Statement((param: Param<Values>) =>
      db
        .insertInto('follower')
        .values({
          id: param('id'),
          name: param('name'),
          registered_at: param('registeredAt'),
          registered_seq: param('registeredSeq'),
          acknowledged: param('acknowledged'),
          seen_at: param('seenAt'),
          kept_until: param('keptUntil'),
          relayed: param('relayed'),
          relayed_version: param('relayedVersion'),
        })
        .onConflict((conflict) =>
          conflict.column('id').doUpdateSet((eb) => ({
            name: eb.ref('excluded.name'),
            seen_at: eb.ref('excluded.seen_at'),
            kept_until: eb.ref('excluded.kept_until'),
            // A report that was overtaken on its way takes nothing back.
            acknowledged: eb
              .case()
              .when('excluded.acknowledged', '>', eb.ref('follower.acknowledged'))
              .then(eb.ref('excluded.acknowledged'))
              .else(eb.ref('follower.acknowledged'))
              .end(),
            relayed: eb
              .case()
              .when('excluded.relayed_version', '>', eb.ref('follower.relayed_version'))
              .then(eb.ref('excluded.relayed'))
              .else(eb.ref('follower.relayed'))
              .end(),
            relayed_version: eb
              .case()
              .when('excluded.relayed_version', '>', eb.ref('follower.relayed_version'))
              .then(eb.ref('excluded.relayed_version'))
              .else(eb.ref('follower.relayed_version'))
              .end(),
          })),
        ),
    ),
    list: new Statement(() => db.selectFrom('follower').selectAll().orderBy('registered_at').orderBy('id')),
    remove: new Statement((param: Param<{ id: Bytes }>) =>
      db.deleteFrom('follower').where('id', '=', param('id')),
    ),
    sweep: new Statement((param: Param<{ before: Timestamp; now: Timestamp }>) =>
      db
        .deleteFrom('follower')
        .where('seen_at', '<', param('before'))
        .where('kept_until', '<=', param('now')),
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
      registeredSeq: follower.registeredSeq,
      acknowledged: follower.acknowledged,
      seenAt: follower.seenAt,
      keptUntil: follower.keptUntil,
      relayed: follower.relay === null ? null : writeRelay(follower.relay),
      relayedVersion: follower.relay?.version ?? 0,
    });
  }

  async list(): Promise<readonly FollowerRecord[]> {
    const rows = await this.#runner.rows(this.#statements.list, {});
    return rows.map((row) => ({
      id: idFromBytes(row.id),
      name: row.name,
      registeredAt: row.registered_at,
      registeredSeq: row.registered_seq,
      acknowledged: row.acknowledged,
      seenAt: row.seen_at,
      keptUntil: row.kept_until,
      relay: row.relayed === null ? null : readRelay(row.relayed, row.relayed_version),
    }));
  }

  async remove(id: FollowerId): Promise<void> {
    await this.#runner.write(this.#statements.remove, { id: idBytes(id) });
  }

  async sweep(before: Timestamp, now: Timestamp): Promise<number> {
    return await this.#runner.write(this.#statements.sweep, { before, now });
  }
}

/** One value for all of them, written by one process and read whole: rows would be a write for each. */
function writeRelay({ ended, followers }: Relay): string {
  const rows = followers.map((follower) => [
    follower.id,
    follower.client,
    follower.registeredAt,
    follower.acknowledged,
    follower.seenAt,
    follower.acceptsUntilExpiry,
    follower.registeredSeq,
  ]);
  return JSON.stringify({ ended, followers: rows });
}

function readRelay(text: string, version: number): Relay {
  const stored: unknown = JSON.parse(text);
  if (typeof stored !== 'object' || stored === null || !('followers' in stored) || !('ended' in stored))
    throw new TypeError(NO_RELAY);
  const rows: unknown[] = Array.isArray(stored.followers) ? stored.followers : [];
  return { version, ended: stored.ended === true, followers: rows.map(readRemote) };
}

function readRemote(row: unknown): RemoteFollowerRecord {
  const columns: readonly unknown[] = Array.isArray(row) ? row : [];
  const [id, client, registeredAt, acknowledged, seenAt, acceptsUntilExpiry, registeredSeq] = columns;
  if (typeof id !== 'string' || typeof client !== 'string') throw new TypeError(NO_RELAY);
  if (typeof registeredAt !== 'number' || typeof acknowledged !== 'number' || typeof seenAt !== 'number')
    throw new TypeError(NO_RELAY);
  // The build before did not write the last two: it is waited for.
  return {
    id: id as FollowerId,
    client,
    registeredAt,
    registeredSeq: typeof registeredSeq === 'number' ? registeredSeq : 0,
    acknowledged,
    seenAt,
    acceptsUntilExpiry: acceptsUntilExpiry === true,
  };
}

const NO_RELAY = 'the followers of a node are not written as this build reads them';
