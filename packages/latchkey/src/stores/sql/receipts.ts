import type { Timestamp } from '@latchkey/verify';
import type { Kysely } from 'kysely';
import { idBytes, idFromBytes } from '../../foundation/ids.ts';
import type { ReceiptHolder, ReceiptId, ReceiptRecord } from '../records.ts';
import type { ReceiptStore } from '../store.ts';
import type { SqlDialect } from './dialect.ts';
import type { ReceiptTable, Schema } from './schema.ts';
import { type Param, type Runner, Statement } from './statement.ts';
import { sweepStatement } from './sweep.ts';

type Bytes = Uint8Array;

const COLUMNS = [
  'id',
  'seq',
  'epoch',
  'at',
  'deadline',
  'tokens_dead_by',
  'user_id',
  'client',
  'expires_at',
] as const satisfies readonly (keyof ReceiptTable)[];

type ReceiptRow = { [Column in keyof ReceiptTable]: ReceiptTable[Column] };

/** Statements of `SqlReceipts`. */
export type ReceiptStatements = ReturnType<typeof receiptStatements>;

/** Compiles the statements of `SqlReceipts`. */
export function receiptStatements(db: Kysely<Schema>, dialect: Pick<SqlDialect, 'unheld'>) {
  return {
    create: new Statement((param: Param<ReceiptRow>) =>
      db
        .insertInto('receipt')
        .columns(COLUMNS)
        .expression(db.selectNoFrom(COLUMNS.map((column) => param(column).as(column)))),
    ),
    /** Selected from the users, so that for one who was deleted meanwhile nothing is written. */
    createForUser: new Statement((param: Param<ReceiptRow>) =>
      db
        .insertInto('receipt')
        .columns(COLUMNS)
        .expression(
          db
            .selectFrom('account')
            .select(COLUMNS.map((column) => param(column).as(column)))
            .where('account.id', '=', param('user_id')),
        ),
    ),
    find: new Statement((param: Param<{ id: Bytes }>) =>
      db.selectFrom('receipt').selectAll().where('id', '=', param('id')),
    ),
    sweep: sweepStatement(db, 'receipt', dialect),
  };
}

/** What was promised about a revocation, for as long as somebody may ask. */
export class SqlReceipts implements ReceiptStore {
  readonly #statements: ReceiptStatements;
  readonly #runner: Runner;

  constructor(statements: ReceiptStatements, runner: Runner) {
    this.#statements = statements;
    this.#runner = runner;
  }

  async create(receipt: ReceiptRecord): Promise<void> {
    const { create, createForUser } = this.#statements;
    const row = rowOf(receipt);
    await this.#runner.write(row.user_id === null ? create : createForUser, row);
  }

  async find(id: ReceiptId): Promise<ReceiptRecord | null> {
    const row = await this.#runner.row(this.#statements.find, { id: idBytes(id) });
    if (row === null) return null;
    return {
      id,
      seq: row.seq,
      epoch: row.epoch,
      at: row.at,
      deadline: row.deadline,
      tokensDeadBy: row.tokens_dead_by,
      holder: holderOf(row),
      expiresAt: row.expires_at,
    };
  }

  async sweep(before: Timestamp, limit: number): Promise<number> {
    return (await this.#runner.rows(this.#statements.sweep, { before, limit })).length;
  }
}

function rowOf({ id, tokensDeadBy, expiresAt, holder, ...same }: ReceiptRecord): ReceiptRow {
  return {
    ...same,
    id: idBytes(id),
    tokens_dead_by: tokensDeadBy,
    user_id: holder !== null && 'user' in holder ? idBytes(holder.user) : null,
    client: holder !== null && 'client' in holder ? holder.client : null,
    expires_at: expiresAt,
  };
}

function holderOf({ user_id: user, client }: Pick<ReceiptTable, 'user_id' | 'client'>): ReceiptHolder | null {
  if (user !== null) return { user: idFromBytes(user) };
  return client === null ? null : { client };
}
