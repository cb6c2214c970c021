import type { Cursor, Timestamp } from '@latchkey/verify';
import { Kysely } from 'kysely';
import { randomBytes } from '../../foundation/random.ts';
import { migrate } from '../migrations/migrate.ts';
import { MIGRATIONS } from '../migrations/migrations.ts';
import type { Store, Tables } from '../store.ts';
import { attemptStatements, SqlAttempts } from './attempts.ts';
import type { SqlDialect } from './dialect.ts';
import { followerStatements, SqlFollowers } from './followers.ts';
import { logStatements, SqlLog } from './log.ts';
import { metaStatements, SqlMeta } from './meta.ts';
import { passwordStatements, SqlPasswords } from './passwords.ts';
import { proofStatements, SqlProofs } from './proofs.ts';
import { receiptStatements, SqlReceipts } from './receipts.ts';
import type { Schema } from './schema.ts';
import { SqlSessionData, sessionDataStatements } from './session-data.ts';
import { sessionStatements } from './session-statements.ts';
import { SqlSessions } from './sessions.ts';
import { SqlSigningKeys, signingKeyStatements } from './signing-keys.ts';
import { Runner } from './statement.ts';
import { SqlUsers, userStatements } from './users.ts';

/** An epoch begins at the seconds of the clock times this, and so above every position of an older one. */
const POSITIONS_PER_SECOND = 2 ** 20;

/** The store over any database that speaks SQL. */
export function sqlStore(dialect: SqlDialect): Store {
  const db = new Kysely<Schema>({ dialect: dialect.kysely });
  const statements = compile(db);
  return {
    ...tablesOf(statements, new Runner(db)),
    open: async (now) => {
      await dialect.open();
      try {
        await db.transaction().execute(async (transaction) => {
          await dialect.lock(transaction);
          await migrate(transaction, { migrations: MIGRATIONS, types: dialect.types, name: dialect.name });
          await new SqlLog(statements.log, new Runner(transaction)).found(firstEpoch(now));
        });
      } catch (error) {
        await dialect.close();
        throw error;
      }
    },
    close: async () => await dialect.close(),
    transaction: async (work) =>
      await db
        .transaction()
        .execute(async (transaction) => await work(tablesOf(statements, new Runner(transaction)))),
  };
}

type Statements = ReturnType<typeof compile>;

function compile(db: Kysely<Schema>) {
  return {
    meta: metaStatements(db),
    users: userStatements(db),
    passwords: passwordStatements(db),
    attempts: attemptStatements(db),
    sessions: sessionStatements(db),
    data: sessionDataStatements(db),
    signingKeys: signingKeyStatements(db),
    proofs: proofStatements(db),
    log: logStatements(db),
    receipts: receiptStatements(db),
    followers: followerStatements(db),
  };
}

function tablesOf(statements: Statements, runner: Runner): Tables {
  return {
    meta: new SqlMeta(statements.meta, runner),
    users: new SqlUsers(statements.users, runner),
    passwords: new SqlPasswords(statements.passwords, runner),
    attempts: new SqlAttempts(statements.attempts, runner),
    sessions: new SqlSessions(statements.sessions, runner),
    data: new SqlSessionData(statements.data, runner),
    signingKeys: new SqlSigningKeys(statements.signingKeys, runner),
    proofs: new SqlProofs(statements.proofs, runner),
    log: new SqlLog(statements.log, runner),
    receipts: new SqlReceipts(statements.receipts, runner),
    followers: new SqlFollowers(statements.followers, runner),
  };
}

/** Random, so that two databases are never taken for one history; exact in a double until 2242. */
function firstEpoch(now: Timestamp): Cursor {
  return {
    epoch: randomBytes(16).toString('base64url'),
    seq: Math.floor(now / 1_000) * POSITIONS_PER_SECOND,
  };
}
