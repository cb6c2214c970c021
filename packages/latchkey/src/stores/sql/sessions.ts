import type { Position, SessionId, Timestamp, UserId } from '@latchkey/verify';
import { idBytes, idFromBytes } from '../../foundation/ids.ts';
import type {
  Advance,
  ListedSession,
  OwnedSession,
  Rotation,
  SessionReading,
  SessionRecord,
  UserRecord,
} from '../records.ts';
import type { SessionStore } from '../store.ts';
import { amrToText, rowFromSession, sessionFromRow } from './session-rows.ts';
import type { SessionStatements } from './session-statements.ts';
import type { Runner } from './statement.ts';
import type { Move, Sighting, Touch } from './touch.ts';

/** Above every id: a UUIDv7 has its version and variant where this has ones. */
const LAST_ID = new Uint8Array(16).fill(0xff);

/** Sessions, before and after login. */
export class SqlSessions implements SessionStore {
  readonly #statements: SessionStatements;
  readonly #touch: Touch;
  readonly #runner: Runner;

  constructor(statements: SessionStatements, touch: Touch, runner: Runner) {
    this.#statements = statements;
    this.#touch = touch;
    this.#runner = runner;
  }

  async create(session: SessionRecord): Promise<boolean> {
    return (await this.#runner.write(this.#statements.create, rowFromSession(session))) === 1;
  }

  async read(id: SessionId): Promise<SessionReading | null> {
    const rows = await this.#runner.rows(this.#statements.read, { id: idBytes(id) });
    const [row] = rows;
    if (row === undefined) return null;
    return {
      head: row.head,
      session: sessionFromRow(row),
      floor: row.floor,
      user: userOfSession(row),
      roles: rows.flatMap(({ role }) => role ?? []).toSorted(),
    };
  }

  async hold(id: SessionId): Promise<SessionReading | null> {
    if (!this.#runner.inTransaction)
      throw new TypeError('a row is held until a transaction ends: there is none');
    const held = await this.#runner.row(this.#statements.hold, { id: idBytes(id) });
    // Read afterwards, by a statement that sees whatever the lock was waited for.
    return held === null ? null : await this.read(id);
  }

  async list(
    userId: UserId,
    now: Timestamp,
    limit: number,
    after: SessionId | null,
  ): Promise<readonly ListedSession[]> {
    const rows = await this.#runner.rows(this.#statements.list, {
      user: idBytes(userId),
      now,
      limit,
      after: after === null ? LAST_ID : idBytes(after),
    });
    return rows.map((row) => ({ session: sessionFromRow(row), lastSeenAt: row.seen_at }));
  }

  async listAll(
    client: string | null,
    now: Timestamp,
    limit: number,
    after: SessionId | null,
  ): Promise<readonly OwnedSession[]> {
    const rows = await this.#runner.rows(this.#statements.listAll, {
      client: client ?? '',
      ofAny: client === null ? 1 : 0,
      now,
      limit,
      after: after === null ? LAST_ID : idBytes(after),
    });
    return rows.map((row) => ({
      session: sessionFromRow(row),
      lastSeenAt: row.seen_at,
      owner: { id: idFromBytes(row.owner_id), email: row.owner_email },
    }));
  }

  async revoke(id: SessionId, seq: Position): Promise<boolean> {
    return (await this.#runner.write(this.#statements.revoke, { id: idBytes(id), seq })) === 1;
  }

  async spare(id: SessionId, expected: Position, rs: Position): Promise<boolean> {
    return (await this.#runner.write(this.#statements.spare, { id: idBytes(id), expected, rs })) === 1;
  }

  async rotate(id: SessionId, expected: Uint8Array, next: Rotation): Promise<boolean> {
    const written = await this.#runner.write(this.#statements.rotate, {
      id: idBytes(id),
      expected,
      secretHash: next.secretHash,
      rotatedAt: next.rotatedAt,
      authTime: next.authTime,
      acr: next.acr,
      amr: amrToText(next.amr),
    });
    return written === 1;
  }

  async advance(id: SessionId, generation: number, next: Advance): Promise<boolean> {
    const values = { id: idBytes(id), generation, ...next };
    return (await this.#runner.write(this.#statements.advance, values)) === 1;
  }

  async share(id: SessionId, generation: number): Promise<number> {
    const row = await this.#runner.row(this.#statements.share, { id: idBytes(id), generation });
    return row?.run ?? 0;
  }

  async moveIdle(moves: readonly Move[]): Promise<void> {
    if (moves.length === 0) return;
    await this.#touch.moveIdle(this.#runner, moves);
  }

  async seen(sightings: readonly Sighting[]): Promise<void> {
    if (sightings.length === 0) return;
    await this.#touch.seen(this.#runner, sightings);
  }

  async sweep(before: Timestamp, limit: number): Promise<number> {
    const swept = await this.#runner.rows(this.#statements.sweep, { before, limit });
    await this.#touch.forget(
      this.#runner,
      swept.map(({ id }) => id),
    );
    return swept.length;
  }
}

/** The columns of the user in a reading of a session: all `null` where it has none. */
interface UserColumns {
  readonly user_id: Uint8Array | null;
  readonly user_email: string | null;
  readonly user_email_key: string | null;
  readonly user_name: string | null;
  readonly user_email_verified_at: Timestamp | null;
  readonly user_created_at: Timestamp | null;
  readonly user_disabled_at: Timestamp | null;
  readonly user_fields: string | null;
}

function userOfSession(row: UserColumns): UserRecord | null {
  const { user_id: id, user_email: email, user_email_key: emailKey, user_created_at: createdAt } = row;
  if (id === null || email === null || emailKey === null || createdAt === null) return null;
  return {
    id: idFromBytes(id),
    email,
    emailKey,
    name: row.user_name,
    emailVerifiedAt: row.user_email_verified_at,
    createdAt,
    disabledAt: row.user_disabled_at,
    fields: row.user_fields ?? '{}',
  };
}
