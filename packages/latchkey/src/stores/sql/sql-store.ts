import { Kysely } from 'kysely';
import { migrate } from '../migrations/migrate.ts';
import { MIGRATIONS } from '../migrations/migrations.ts';
import type { Store, Tables } from '../store.ts';
import { attemptStatements, SqlAttempts } from './attempts.ts';
import { backUp } from './backup.ts';
import { clientStatements, SqlClients } from './clients.ts';
import type { SqlDialect } from './dialect.ts';
import { followerStatements, SqlFollowers } from './followers.ts';
import { logStatements, SqlLog } from './log.ts';
import { metaStatements, SqlMeta } from './meta.ts';
import { passwordStatements, SqlPasswords } from './passwords.ts';
import { proofStatements, SqlProofs } from './proofs.ts';
import { receiptStatements, SqlReceipts } from './receipts.ts';
import { repeating } from './repeat.ts';
import { type Alone, restore } from './restore.ts';
import type { Schema } from './schema.ts';
import { SqlServiceClients, serviceClientStatements } from './service-clients.ts';
import { SqlSessionData, sessionDataStatements } from './session-data.ts';
import { sessionStatements } from './session-statements.ts';
import { SqlSessions } from './sessions.ts';
import { SqlSigningKeys, signingKeyStatements } from './signing-keys.ts';
import type { Snapshot } from './snapshot.ts';
import { Runner } from './statement.ts';
import { SqlUsers, userStatements } from './users.ts';

/** The store over any database that speaks SQL. */
export function sqlStore(dialect: SqlDialect): Store {
  const db = new Kysely<Schema>({ dialect: dialect.kysely });
  const statements = compile(inSchema(db, dialect), dialect);
  const runner = new Runner(db, dialect);
  const { following } = dialect;
  const follower =
    following === null ? runner : new Runner(new Kysely<Schema>({ dialect: following }), dialect);
  const inSnapshot = async (): Promise<Snapshot> => {
    const snapshot = await dialect.snapshot(db);
    return { ...snapshot, db: inSchema(snapshot.db, dialect) };
  };
  const alone: Alone = (work) =>
    repeating(dialect, () =>
      db.transaction().execute(async (transaction) => {
        const log = logOf(statements, new Runner(transaction, dialect), dialect);
        return await work({ db: inSchema(transaction, dialect), log });
      }),
    );
  return {
    ...tablesOf(statements, runner, dialect, follower),
    open: async (now) => {
      await dialect.open();
      try {
        await repeating(dialect, () =>
          db.transaction().execute(async (transaction) => {
            await dialect.beginMigration(transaction);
            const { name, types, passes } = dialect;
            await migrate(inSchema(transaction, dialect), { migrations: MIGRATIONS, types, name, passes });
            await logOf(statements, new Runner(transaction, dialect), dialect).found(now);
          }),
        );
      } catch (error) {
        await dialect.close();
        throw dialect.refused(error);
      }
    },
    close: async () => await dialect.close(),
    backup: (now) => backUp(dialect, inSnapshot, now),
    restore: async (read, options) => await restore(dialect, alone, read, options),
    onHint: (listener) => dialect.onHint(listener),
    hears: () => dialect.hears(),
    transaction: async (work) => await runner.atomically((own) => work(tablesOf(statements, own, dialect))),
  };
}

/** Builds statements on the tables of the dialect's schema. */
function inSchema(db: Kysely<Schema>, { schema }: SqlDialect): Kysely<Schema> {
  return schema === null ? db : db.withSchema(schema);
}

type Statements = ReturnType<typeof compile>;

function compile(db: Kysely<Schema>, dialect: SqlDialect) {
  return {
    meta: metaStatements(db),
    users: userStatements(db, dialect),
    passwords: passwordStatements(db, dialect),
    attempts: attemptStatements(db),
    sessions: sessionStatements(db, dialect),
    own: dialect.statements(db),
    data: sessionDataStatements(db),
    signingKeys: signingKeyStatements(db),
    proofs: proofStatements(db),
    log: logStatements(db, dialect.log),
    receipts: receiptStatements(db, dialect),
    followers: followerStatements(db),
    clients: clientStatements(db),
    services: serviceClientStatements(db, dialect),
  };
}

/** @param follower runs what the copies of the log wait for. */
function tablesOf(
  statements: Statements,
  runner: Runner,
  dialect: SqlDialect,
  follower: Runner = runner,
): Tables {
  return {
    meta: new SqlMeta(statements.meta, runner),
    users: new SqlUsers(statements.users, runner),
    passwords: new SqlPasswords(statements.passwords, runner),
    attempts: new SqlAttempts(statements.attempts, runner),
    sessions: new SqlSessions(statements.sessions, statements.own.touch, runner),
    data: new SqlSessionData(statements.data, runner),
    signingKeys: new SqlSigningKeys(statements.signingKeys, runner),
    proofs: new SqlProofs(statements.proofs, runner),
    log: logOf(statements, runner, dialect, follower),
    receipts: new SqlReceipts(statements.receipts, runner),
    followers: new SqlFollowers(statements.followers, follower),
    clients: new SqlClients(statements.clients, runner),
    services: new SqlServiceClients(statements.services, runner),
    lock: async (name) => {
      if (!runner.inTransaction)
        throw new TypeError('a lock is held until a transaction ends: there is none');
      await statements.own.lock(runner, name);
    },
  };
}

function logOf(
  statements: Statements,
  runner: Runner,
  { log }: SqlDialect,
  follower: Runner = runner,
): SqlLog {
  return new SqlLog(statements.log, { ...log, append: statements.own.append }, runner, follower);
}
