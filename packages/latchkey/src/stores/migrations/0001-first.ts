import { type Kysely, sql } from 'kysely';
import type { Schema } from '../sql/schema.ts';
import type { ColumnTypes, Migration } from './migration.ts';

/** The log, users with passwords, sessions with their data, and what keeps them running. */
export const first: Migration = {
  version: 1,
  minCompatible: 1,
  up: async (db, types) => {
    await createLog(db, types);
    await createUsers(db, types);
    await createAttempts(db, types);
    await createSessions(db, types);
    await createSessionDetails(db, types);
    await createOperations(db, types);
  },
};

async function createLog(
  db: Kysely<Schema>,
  { integer, bytes, text, byKey, filled }: ColumnTypes,
): Promise<void> {
  await db.schema
    .createTable('log_head')
    .addColumn('one', 'integer', (column) => column.primaryKey().check(sql`one = 1`))
    .addColumn('seq', integer, (column) => column.notNull())
    .addColumn('epoch', text, (column) => column.notNull())
    .modifyEnd(filled(10))
    .execute();
  await db.schema
    .createTable('revocation')
    .addColumn('seq', integer, (column) => column.primaryKey())
    .addColumn('kind', text, (column) => column.notNull())
    .addColumn('scope', text, (column) => column.notNull())
    .addColumn('subject', bytes, (column) => column.notNull())
    .addColumn('expires_at', integer, (column) => column.notNull())
    .execute();
  await db.schema.createIndex('revocation_expiry').on('revocation').column('expires_at').execute();
  await db.schema
    .createTable('floor')
    .addColumn('scope', text, (column) => column.notNull())
    .addColumn('subject', bytes, (column) => column.notNull())
    .addColumn('min_rs', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('floor_key', ['scope', 'subject'])
    .modifyEnd(byKey)
    .execute();
}

async function createUsers(db: Kysely<Schema>, { integer, bytes, text, byKey }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('account')
    .addColumn('id', bytes, (column) => column.primaryKey().notNull())
    .addColumn('email', text, (column) => column.notNull())
    .addColumn('email_key', text, (column) => column.notNull().unique())
    .addColumn('name', text)
    .addColumn('email_verified_at', integer)
    .addColumn('created_at', integer, (column) => column.notNull())
    .addColumn('disabled_at', integer)
    .modifyEnd(byKey)
    .execute();
  await db.schema
    .createTable('user_role')
    .addColumn('user_id', bytes, (column) => column.notNull().references('account.id').onDelete('cascade'))
    .addColumn('role', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('user_role_key', ['user_id', 'role'])
    .modifyEnd(byKey)
    .execute();
  await db.schema
    .createTable('password')
    .addColumn('user_id', bytes, (column) =>
      column.primaryKey().notNull().references('account.id').onDelete('cascade'),
    )
    .addColumn('phc', text, (column) => column.notNull())
    .addColumn('pepper', text)
    .addColumn('changed_at', integer, (column) => column.notNull())
    .modifyEnd(byKey)
    .execute();
}

/** Not a child of `account`: a subject may stand for an address that nobody has. */
async function createAttempts(db: Kysely<Schema>, { integer, bytes, byKey }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('attempt')
    .addColumn('subject', bytes, (column) => column.primaryKey().notNull())
    .addColumn('tries', integer, (column) => column.notNull())
    .addColumn('tried_at', integer, (column) => column.notNull())
    .modifyEnd(byKey)
    .execute();
  await db.schema.createIndex('attempt_time').on('attempt').column('tried_at').execute();
}

/**
 * No index on what requests write (`idle_until`), so that moving it rewrites one
 * row. `expires_at` never changes after the insert, and is what the sweep asks for.
 */
async function createSessions(
  db: Kysely<Schema>,
  { integer, bytes, text, filled }: ColumnTypes,
): Promise<void> {
  await db.schema
    .createTable('session')
    .addColumn('id', bytes, (column) => column.primaryKey().notNull())
    .addColumn('user_id', bytes, (column) => column.references('account.id').onDelete('cascade'))
    .addColumn('client', text, (column) => column.notNull())
    .addColumn('client_subject', bytes, (column) => column.notNull())
    .addColumn('rs', integer, (column) => column.notNull())
    .addColumn('secret_hash', bytes, (column) => column.notNull())
    .addColumn('previous_secret_hash', bytes)
    .addColumn('rotated_at', integer)
    .addColumn('previous_auth_time', integer)
    .addColumn('created_at', integer, (column) => column.notNull())
    .addColumn('idle_until', integer, (column) => column.notNull())
    .addColumn('expires_at', integer, (column) => column.notNull())
    .addColumn('revoked_seq', integer)
    .addColumn('auth_time', integer)
    .addColumn('acr', text)
    .addColumn('amr', text, (column) => column.notNull())
    .addColumn('ip', text)
    .addColumn('device', text)
    .modifyEnd(filled(85))
    .execute();
  await db.schema
    .createIndex('session_user')
    .on('session')
    .columns(['user_id', 'id'])
    .where(sql.ref('user_id'), 'is not', null)
    .execute();
  await db.schema.createIndex('session_expiry').on('session').column('expires_at').execute();
}

async function createSessionDetails(
  db: Kysely<Schema>,
  { integer, bytes, text, byKey, filled, unlogged }: ColumnTypes,
): Promise<void> {
  await db.schema
    .createTable('session_data')
    .addColumn('session_id', bytes, (column) => column.notNull().references('session.id').onDelete('cascade'))
    .addColumn('key', text, (column) => column.notNull())
    .addColumn('value', text)
    .addColumn('version', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('session_data_key', ['session_id', 'key'])
    .modifyEnd(byKey)
    .execute();
  const seen = db.schema.createTable('session_seen');
  await (unlogged === null ? seen : seen.modifyFront(unlogged))
    .addColumn('session_id', bytes, (column) => {
      const key = column.primaryKey().notNull();
      // To check it would lock the session's row, and so write the log that is to be spared.
      return unlogged === null ? key.references('session.id').onDelete('cascade') : key;
    })
    .addColumn('at', integer, (column) => column.notNull())
    .modifyEnd(unlogged === null ? byKey : filled(70))
    .execute();
}

async function createOperations(
  db: Kysely<Schema>,
  { integer, bytes, text, byKey }: ColumnTypes,
): Promise<void> {
  await db.schema
    .createTable('proof')
    .addColumn('kind', text, (column) => column.primaryKey().notNull())
    .addColumn('hash', bytes, (column) => column.notNull())
    .addColumn('expires_at', integer, (column) => column.notNull())
    .modifyEnd(byKey)
    .execute();
  await db.schema
    .createTable('receipt')
    .addColumn('id', bytes, (column) => column.primaryKey().notNull())
    .addColumn('seq', integer, (column) => column.notNull())
    .addColumn('epoch', text, (column) => column.notNull())
    .addColumn('at', integer, (column) => column.notNull())
    .addColumn('deadline', integer, (column) => column.notNull())
    .addColumn('tokens_dead_by', integer, (column) => column.notNull())
    .addColumn('user_id', bytes, (column) => column.references('account.id').onDelete('cascade'))
    .addColumn('expires_at', integer, (column) => column.notNull())
    .modifyEnd(byKey)
    .execute();
  await db.schema.createIndex('receipt_expiry').on('receipt').column('expires_at').execute();
  await db.schema
    .createTable('follower')
    .addColumn('id', bytes, (column) => column.primaryKey().notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('registered_at', integer, (column) => column.notNull())
    .addColumn('acknowledged', integer, (column) => column.notNull())
    .addColumn('seen_at', integer, (column) => column.notNull())
    .modifyEnd(byKey)
    .execute();
  await db.schema
    .createTable('meta')
    .addColumn('key', text, (column) => column.primaryKey().notNull())
    .addColumn('value', text, (column) => column.notNull())
    .modifyEnd(byKey)
    .execute();
}
