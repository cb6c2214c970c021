import type { SessionId, Timestamp, UserId } from '@latchkey/verify';
import { type Kysely, type SqlBool, sql } from 'kysely';
import { idBytes, idFromBytes } from '../../foundation/ids.ts';
import type { ListedUser, UserReading, UserRecord, UserSearch } from '../records.ts';
import type { UserStore } from '../store.ts';
import type { SqlDialect } from './dialect.ts';
import { highestFloor } from './floors.ts';
import type { AccountTable, Schema } from './schema.ts';
import { type Param, type Runner, Statement } from './statement.ts';

type Bytes = Uint8Array;

/** Statements of `SqlUsers`. */
export type UserStatements = ReturnType<typeof userStatements>;

/** Compiles the statements of `SqlUsers`. */
export function userStatements(db: Kysely<Schema>, { forUpdate }: Pick<SqlDialect, 'forUpdate'>) {
  type NewUser = {
    id: Bytes;
    email: string;
    emailKey: string;
    name: string | null;
    emailVerifiedAt: Timestamp | null;
    createdAt: Timestamp;
    disabledAt: Timestamp | null;
    fields: string;
  };
  return {
    create: new Statement((param: Param<NewUser>) =>
      db
        .insertInto('account')
        .values({
          id: param('id'),
          email: param('email'),
          email_key: param('emailKey'),
          name: param('name'),
          email_verified_at: param('emailVerifiedAt'),
          created_at: param('createdAt'),
          disabled_at: param('disabledAt'),
          fields: param('fields'),
        })
        .onConflict((conflict) => conflict.column('email_key').doNothing()),
    ),
    find: new Statement((param: Param<{ id: Bytes }>) =>
      db.selectFrom('account').selectAll().where('id', '=', param('id')),
    ),
    findByEmail: new Statement((param: Param<{ emailKey: string }>) =>
      db.selectFrom('account').selectAll().where('email_key', '=', param('emailKey')),
    ),
    hold: new Statement((param: Param<{ id: Bytes }>) =>
      db.selectFrom('account').selectAll().where('id', '=', param('id')).modifyEnd(forUpdate),
    ),
    list: listStatement(db),
    count: new Statement(() => db.selectFrom('account').select((eb) => eb.fn.countAll<number>().as('count'))),
    roles: new Statement((param: Param<{ id: Bytes }>) =>
      db.selectFrom('user_role').select('role').where('user_id', '=', param('id')),
    ),
    assignRole: new Statement((param: Param<{ id: Bytes; role: string }>) =>
      db
        .insertInto('user_role')
        .values({ user_id: param('id'), role: param('role') })
        .onConflict((conflict) => conflict.columns(['user_id', 'role']).doNothing()),
    ),
    removeRole: new Statement((param: Param<{ id: Bytes; role: string }>) =>
      db.deleteFrom('user_role').where('user_id', '=', param('id')).where('role', '=', param('role')),
    ),
    setFields: new Statement((param: Param<{ id: Bytes; fields: string }>) =>
      db
        .updateTable('account')
        .set({ fields: param('fields') })
        .where('id', '=', param('id')),
    ),
    setDisabledAt: new Statement((param: Param<{ id: Bytes; at: Timestamp | null }>) =>
      db
        .updateTable('account')
        .set({ disabled_at: param('at') })
        .where('id', '=', param('id')),
    ),
    remove: new Statement((param: Param<{ id: Bytes }>) =>
      db.deleteFrom('account').where('id', '=', param('id')),
    ),
    holdSessions: new Statement((param: Param<{ id: Bytes; beside: Bytes | null }>) =>
      db
        .selectFrom('session')
        .select('id')
        .where((eb) => eb.or([eb('user_id', '=', param('id')), eb('id', '=', param('beside'))]))
        .orderBy('id')
        .modifyEnd(forUpdate),
    ),
    removeAttempts: new Statement((param: Param<{ id: Bytes }>) =>
      db.deleteFrom('attempt').where('subject', '=', param('id')),
    ),
    removeSightings: new Statement((param: Param<{ id: Bytes }>) =>
      db
        .deleteFrom('session_seen')
        .where('session_id', 'in', (eb) =>
          eb.selectFrom('session').select('session.id').where('session.user_id', '=', param('id')),
        ),
    ),
    read: readStatement(db),
    countWithRole: new Statement((param: Param<{ role: string }>) =>
      db
        .selectFrom('user_role')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('role', '=', param('role')),
    ),
    countEnabledWithRole: new Statement((param: Param<{ role: string }>) =>
      db
        .selectFrom('user_role')
        .innerJoin('account', 'account.id', 'user_role.user_id')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('user_role.role', '=', param('role'))
        .where('account.disabled_at', 'is', null),
    ),
  };
}

/**
 * A page of users, and a row for each role of each, one where there is none. Beginnings are
 * cut off and compared: `LIKE` knows wildcards, and each database another case.
 */
function listStatement(db: Kysely<Schema>) {
  type Values = { emailKey: string; name: string; limit: number; after: Bytes };
  return new Statement((param: Param<Values>) =>
    db
      .selectFrom(
        db
          .selectFrom('account')
          .selectAll()
          .where('id', '>', param('after'))
          .where(
            sql<SqlBool>`(substr(email_key, 1, length(${param('emailKey')})) = ${param('emailKey')}
              or lower(substr(name, 1, length(${param('name')}))) = lower(${param('name')}))`,
          )
          .orderBy('id')
          .limit(param('limit'))
          .as('account'),
      )
      .leftJoin('user_role', 'user_role.user_id', 'account.id')
      .selectAll('account')
      .select('user_role.role as role')
      .orderBy('account.id'),
  );
}

/** One statement, so that head, floors, user and roles are of one snapshot. A row for each role, one where there is none. */
function readStatement(db: Kysely<Schema>) {
  return new Statement((param: Param<{ id: Bytes }>) =>
    db
      .selectFrom('account')
      .crossJoin('log_head')
      .leftJoin('user_role', 'user_role.user_id', 'account.id')
      .selectAll('account')
      .select(['log_head.seq as head', 'user_role.role as role'])
      .select(highestFloor(db, { user: sql.ref('account.id'), client: null }).as('floor'))
      .where('account.id', '=', param('id')),
  );
}

/** The record that a row of `account` holds. */
function userFromRow(row: AccountTable): UserRecord {
  return {
    id: idFromBytes(row.id),
    email: row.email,
    emailKey: row.email_key,
    name: row.name,
    emailVerifiedAt: row.email_verified_at,
    createdAt: row.created_at,
    disabledAt: row.disabled_at,
    fields: row.fields,
  };
}

/** Below every id. */
const FIRST_ID = new Uint8Array(16);

/** Users and their roles. */
export class SqlUsers implements UserStore {
  readonly #statements: UserStatements;
  readonly #runner: Runner;

  constructor(statements: UserStatements, runner: Runner) {
    this.#statements = statements;
    this.#runner = runner;
  }

  async create(user: UserRecord): Promise<boolean> {
    const written = await this.#runner.write(this.#statements.create, {
      id: idBytes(user.id),
      email: user.email,
      emailKey: user.emailKey,
      name: user.name,
      emailVerifiedAt: user.emailVerifiedAt,
      createdAt: user.createdAt,
      disabledAt: user.disabledAt,
      fields: user.fields,
    });
    return written === 1;
  }

  async find(id: UserId): Promise<UserRecord | null> {
    const row = await this.#runner.row(this.#statements.find, { id: idBytes(id) });
    return row === null ? null : userFromRow(row);
  }

  async read(id: UserId): Promise<UserReading | null> {
    const rows = await this.#runner.rows(this.#statements.read, { id: idBytes(id) });
    const [row] = rows;
    if (row === undefined) return null;
    return {
      head: row.head,
      user: userFromRow(row),
      roles: rows.flatMap(({ role }) => role ?? []).toSorted(),
      floor: row.floor,
    };
  }

  async findByEmail(emailKey: string): Promise<UserRecord | null> {
    const row = await this.#runner.row(this.#statements.findByEmail, { emailKey });
    return row === null ? null : userFromRow(row);
  }

  async hold(id: UserId): Promise<UserRecord | null> {
    if (!this.#runner.inTransaction)
      throw new TypeError('a row is held until a transaction ends: there is none');
    const row = await this.#runner.row(this.#statements.hold, { id: idBytes(id) });
    return row === null ? null : userFromRow(row);
  }

  async holdWithSessions(id: UserId, beside: SessionId | null): Promise<UserRecord | null> {
    const user = await this.hold(id);
    await this.#runner.rows(this.#statements.holdSessions, {
      id: idBytes(id),
      beside: beside === null ? null : idBytes(beside),
    });
    return user;
  }

  async list(
    { emailKey, name }: UserSearch,
    limit: number,
    after: UserId | null,
  ): Promise<readonly ListedUser[]> {
    const rows = await this.#runner.rows(this.#statements.list, {
      emailKey,
      name,
      limit,
      after: after === null ? FIRST_ID : idBytes(after),
    });
    return [...Map.groupBy(rows, (row) => idFromBytes<'user'>(row.id)).values()].flatMap((ofOne) => {
      const [row] = ofOne;
      if (row === undefined) return [];
      return { user: userFromRow(row), roles: ofOne.flatMap(({ role }) => role ?? []).toSorted() };
    });
  }

  async setDisabledAt(id: UserId, at: Timestamp | null): Promise<boolean> {
    return (await this.#runner.write(this.#statements.setDisabledAt, { id: idBytes(id), at })) === 1;
  }

  async remove(id: UserId): Promise<boolean> {
    const values = { id: idBytes(id) };
    return await this.#runner.atomically(async (runner) => {
      // No foreign key removes these in every database.
      await runner.write(this.#statements.removeAttempts, values);
      await runner.write(this.#statements.removeSightings, values);
      return (await runner.write(this.#statements.remove, values)) === 1;
    });
  }

  async count(): Promise<number> {
    const row = await this.#runner.row(this.#statements.count, {});
    return row?.count ?? 0;
  }

  async roles(id: UserId): Promise<readonly string[]> {
    const rows = await this.#runner.rows(this.#statements.roles, { id: idBytes(id) });
    return rows.map((row) => row.role).toSorted();
  }

  async assignRole(id: UserId, role: string): Promise<void> {
    await this.#runner.write(this.#statements.assignRole, { id: idBytes(id), role });
  }

  async removeRole(id: UserId, role: string): Promise<void> {
    await this.#runner.write(this.#statements.removeRole, { id: idBytes(id), role });
  }

  async setFields(id: UserId, fields: string): Promise<boolean> {
    return (await this.#runner.write(this.#statements.setFields, { id: idBytes(id), fields })) === 1;
  }

  async countWithRole(role: string): Promise<number> {
    const row = await this.#runner.row(this.#statements.countWithRole, { role });
    return row?.count ?? 0;
  }

  async countEnabledWithRole(role: string): Promise<number> {
    const row = await this.#runner.row(this.#statements.countEnabledWithRole, { role });
    return row?.count ?? 0;
  }
}
