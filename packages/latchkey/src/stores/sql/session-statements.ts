import type { Acr, Position, Timestamp } from '@latchkey/verify';
import type { Expression, ExpressionBuilder, Kysely, SqlBool } from 'kysely';
import type { SqlDialect } from './dialect.ts';
import { floorsAbove, highestFloor, SESSION_CONCERNED } from './floors.ts';
import type { Schema } from './schema.ts';
import type { SessionRow } from './session-rows.ts';
import { type Param, Statement } from './statement.ts';
import { sweepStatement } from './sweep.ts';

type Bytes = Uint8Array;

const COLUMNS = [
  'id',
  'user_id',
  'client',
  'client_subject',
  'rs',
  'secret_hash',
  'previous_secret_hash',
  'rotated_at',
  'previous_auth_time',
  'created_at',
  'idle_until',
  'expires_at',
  'revoked_seq',
  'auth_time',
  'acr',
  'amr',
  'ip',
  'device',
  'chain_nonce',
  'generation',
  'generation_at',
  'chain_key',
  'chain_origin',
  'shared_run',
  'shared_generation',
] as const satisfies readonly (keyof SessionRow)[];

/** Statements of `SqlSessions`. */
export type SessionStatements = ReturnType<typeof sessionStatements>;

/** Compiles the statements of `SqlSessions`. */
export function sessionStatements(db: Kysely<Schema>, dialect: Pick<SqlDialect, 'forUpdate' | 'unheld'>) {
  return {
    create: createStatement(db),
    read: readStatement(db),
    hold: new Statement((param: Param<{ id: Bytes }>) =>
      db.selectFrom('session').select('id').where('id', '=', param('id')).modifyEnd(dialect.forUpdate),
    ),
    list: listStatement(db),
    listAll: listAllStatement(db),
    rotate: rotateStatement(db),
    advance: advanceStatement(db),
    share: shareStatement(db),
    revoke: revokeStatement(db),
    spare: new Statement((param: Param<{ id: Bytes; expected: Position; rs: Position }>) =>
      db
        .updateTable('session')
        .set({ rs: param('rs') })
        .where('id', '=', param('id'))
        .where('rs', '=', param('expected'))
        .where('revoked_seq', 'is', null)
        .where((eb) => eb.not(eb.exists(floorsAbove(db, SESSION_CONCERNED, eb.ref('session.rs'))))),
    ),
    sweep: sweepStatement(db, 'session', dialect),
  };
}

/** Ends a session that has not ended. */
export function revokeStatement(db: Kysely<Schema>) {
  return new Statement((param: Param<{ id: Bytes; seq: Position }>) =>
    db
      .updateTable('session')
      .set({ revoked_seq: param('seq') })
      .where('id', '=', param('id'))
      .where('revoked_seq', 'is', null),
  );
}

/** One statement, so that no floor can rise between the look at it and the insert. */
function createStatement(db: Kysely<Schema>) {
  return new Statement((param: Param<SessionRow>) =>
    db
      .insertInto('session')
      .columns(COLUMNS)
      .expression(
        db
          .selectNoFrom(COLUMNS.map((column) => param(column).as(column)))
          .where((eb) =>
            eb.not(
              eb.exists(
                floorsAbove(db, { user: param('user_id'), client: param('client_subject') }, param('rs')),
              ),
            ),
          ),
      ),
  );
}

/**
 * One statement, so that head, floors, session, user and roles are of one
 * snapshot. A row for each role of the user, and one where there is none.
 */
function readStatement(db: Kysely<Schema>) {
  return new Statement((param: Param<{ id: Bytes }>) =>
    db
      .selectFrom('session')
      .crossJoin('log_head')
      .leftJoin('account', 'account.id', 'session.user_id')
      .leftJoin('user_role', 'user_role.user_id', 'account.id')
      .selectAll('session')
      .select([
        'log_head.seq as head',
        'account.email as user_email',
        'account.email_key as user_email_key',
        'account.name as user_name',
        'account.email_verified_at as user_email_verified_at',
        'account.created_at as user_created_at',
        'account.disabled_at as user_disabled_at',
        'account.fields as user_fields',
        'user_role.role as role',
      ])
      .select(highestFloor(db, SESSION_CONCERNED).as('floor'))
      .where('session.id', '=', param('id')),
  );
}

/** Ids are UUIDv7, so their order is the order in which the sessions were created. */
function listStatement(db: Kysely<Schema>) {
  return new Statement((param: Param<{ user: Bytes; now: Timestamp; limit: number; after: Bytes }>) =>
    db
      .selectFrom('session')
      .leftJoin('session_seen', 'session_seen.session_id', 'session.id')
      .selectAll('session')
      .select('session_seen.at as seen_at')
      .where('session.user_id', '=', param('user'))
      .where('session.id', '<', param('after'))
      .where((eb) => alive(db, eb, param('now')))
      .orderBy('session.id', 'desc')
      .limit(param('limit')),
  );
}

/** The same of everybody, or of one client where one is named. */
function listAllStatement(db: Kysely<Schema>) {
  type Values = { client: string; ofAny: number; now: Timestamp; limit: number; after: Bytes };
  return new Statement((param: Param<Values>) =>
    db
      .selectFrom('session')
      .innerJoin('account', 'account.id', 'session.user_id')
      .leftJoin('session_seen', 'session_seen.session_id', 'session.id')
      .selectAll('session')
      .select(['session_seen.at as seen_at', 'account.id as owner_id', 'account.email as owner_email'])
      .where('session.id', '<', param('after'))
      .where((eb) => eb.or([eb(param('ofAny'), '=', 1), eb('session.client', '=', param('client'))]))
      .where((eb) => alive(db, eb, param('now')))
      .orderBy('session.id', 'desc')
      .limit(param('limit')),
  );
}

function rotateStatement(db: Kysely<Schema>) {
  type Values = {
    id: Bytes;
    expected: Bytes;
    secretHash: Bytes;
    rotatedAt: Timestamp;
    authTime: Timestamp;
    acr: Acr;
    amr: string;
  };
  return new Statement((param: Param<Values>) =>
    db
      .updateTable('session')
      .set((eb) => ({
        secret_hash: param('secretHash'),
        previous_secret_hash: eb.ref('session.secret_hash'),
        rotated_at: param('rotatedAt'),
        previous_auth_time: eb.ref('session.auth_time'),
        auth_time: param('authTime'),
        acr: param('acr'),
        amr: param('amr'),
      }))
      .where('session.id', '=', param('id'))
      .where('session.secret_hash', '=', param('expected'))
      .where((eb) => alive(db, eb, param('rotatedAt'))),
  );
}

function advanceStatement(db: Kysely<Schema>) {
  type Values = {
    id: Bytes;
    generation: number;
    at: Timestamp;
    key: string;
    origin: Bytes;
    idleUntil: Timestamp;
  };
  return new Statement((param: Param<Values>) =>
    db
      .updateTable('session')
      .set((eb) => ({
        generation: eb('session.generation', '+', 1),
        generation_at: param('at'),
        chain_key: param('key'),
        chain_origin: param('origin'),
        idle_until: eb
          .case()
          .when('session.idle_until', '<', param('idleUntil'))
          .then(param('idleUntil'))
          .else(eb.ref('session.idle_until'))
          .end(),
      }))
      .where('session.id', '=', param('id'))
      .where('session.generation', '=', param('generation'))
      .where((eb) => alive(db, eb, param('at'))),
  );
}

/** One statement, so that of many who share a generation at once each sees it counted once. */
function shareStatement(db: Kysely<Schema>) {
  return new Statement((param: Param<{ id: Bytes; generation: number }>) =>
    db
      .updateTable('session')
      .set((eb) => ({
        shared_run: eb
          .case()
          .when('session.shared_generation', '=', param('generation'))
          .then(eb.ref('session.shared_run'))
          .when('session.shared_generation', '=', eb('session.generation', '-', 1))
          .then(eb('session.shared_run', '+', 1))
          .else(1)
          .end(),
        shared_generation: param('generation'),
      }))
      .where('session.id', '=', param('id'))
      .where('session.generation', '=', param('generation'))
      .returning('session.shared_run as run'),
  );
}

/** The one predicate of life: not revoked, neither limit passed, no floor above. */
function alive(
  db: Kysely<Schema>,
  eb: ExpressionBuilder<Schema, 'session'>,
  now: Expression<Timestamp>,
): Expression<SqlBool> {
  return eb.and([
    eb('session.revoked_seq', 'is', null),
    eb('session.expires_at', '>', now),
    eb('session.idle_until', '>', now),
    eb.not(eb.exists(floorsAbove(db, SESSION_CONCERNED, eb.ref('session.rs')))),
  ]);
}
