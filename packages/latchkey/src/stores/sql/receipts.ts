import type { Position, Timestamp } from '@latchkey/verify';
import type { Kysely } from 'kysely';
import { idBytes, idFromBytes } from '../../foundation/ids.ts';
import type { ReceiptHolder, ReceiptId, ReceiptRecord } from '../records.ts';
import type { ReceiptStore } from '../store.ts';
import type { ReceiptTable, Schema } from './schema.ts';
import { type Param, type Runner, Statement } from './statement.ts';

type Bytes = Uint8Array;

/** Statements of `SqlReceipts`. */
export type ReceiptStatements = ReturnType<typeof receiptStatements>;

/** Compiles the statements of `SqlReceipts`. */
export function receiptStatements(db: Kysely<Schema>) {
  type NewReceipt = {
    id: Bytes;
    seq: Position;
    epoch: string;
    at: Timestamp;
    deadline: Timestamp;
    tokensDeadBy: Timestamp;
    userId: Bytes | null;
    client: string | null;
    expiresAt: Timestamp;
  };
  return {
    create: new Statement((param: Param<NewReceipt>) =>
      db.insertInto('receipt').values({
        id: param('id'),
        seq: param('seq'),
        epoch: param('epoch'),
        at: param('at'),
        deadline: param('deadline'),
        tokens_dead_by: param('tokensDeadBy'),
        user_id: param('userId'),
        client: param('client'),
        expires_at: param('expiresAt'),
      }),
    ),
    find: new Statement((param: Param<{ id: Bytes }>) =>
      db.selectFrom('receipt').selectAll().where('id', '=', param('id')),
    ),
    sweep: new Statement((param: Param<{ before: Timestamp; limit: number }>) =>
      db
        .deleteFrom('receipt')
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('receipt')
            .select('id')
            .where('expires_at', '<', param('before'))
            .limit(param('limit')),
        ),
    ),
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
    await this.#runner.write(this.#statements.create, {
      id: idBytes(receipt.id),
      seq: receipt.seq,
      epoch: receipt.epoch,
      at: receipt.at,
      deadline: receipt.deadline,
      tokensDeadBy: receipt.tokensDeadBy,
      ...writeHolder(receipt.holder),
      expiresAt: receipt.expiresAt,
    });
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
    return await this.#runner.write(this.#statements.sweep, { before, limit });
  }
}

function writeHolder(holder: ReceiptHolder | null): { userId: Bytes | null; client: string | null } {
  if (holder === null) return { userId: null, client: null };
  return 'user' in holder
    ? { userId: idBytes(holder.user), client: null }
    : { userId: null, client: holder.client };
}

function holderOf({ user_id: user, client }: Pick<ReceiptTable, 'user_id' | 'client'>): ReceiptHolder | null {
  if (user !== null) return { user: idFromBytes(user) };
  return client === null ? null : { client };
}
