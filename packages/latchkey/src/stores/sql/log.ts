import type {
  Cursor,
  Entry,
  EntryKind,
  FloorScope,
  Position,
  Pull,
  Scope,
  Timestamp,
} from '@latchkey/verify';
import type { Kysely } from 'kysely';
import { idBytes, idFromBytes } from '../../foundation/ids.ts';
import type { LogStore, NewEntry } from '../store.ts';
import type { Schema } from './schema.ts';
import { type Param, type Runner, Statement } from './statement.ts';

type Bytes = Uint8Array;

/** Statements of `SqlLog`. */
export type LogStatements = ReturnType<typeof logStatements>;

/** Compiles the statements of `SqlLog`. */
export function logStatements(db: Kysely<Schema>) {
  type Row = { seq: Position; kind: EntryKind; scope: Scope; subject: Bytes; expiresAt: Timestamp };
  type Floor = { scope: FloorScope; subject: Bytes };
  return {
    found: new Statement((param: Param<{ seq: Position; epoch: string }>) =>
      db
        .insertInto('log_head')
        .values({ one: 1, seq: param('seq'), epoch: param('epoch') })
        .onConflict((conflict) => conflict.column('one').doNothing()),
    ),
    head: new Statement(() => db.selectFrom('log_head').select(['epoch', 'seq'])),
    take: new Statement((param: Param<{ count: number }>) =>
      db
        .updateTable('log_head')
        .set((eb) => ({ seq: eb('seq', '+', param('count')) }))
        .returning('seq'),
    ),
    append: new Statement((param: Param<Row>) =>
      db.insertInto('revocation').values({
        seq: param('seq'),
        kind: param('kind'),
        scope: param('scope'),
        subject: param('subject'),
        expires_at: param('expiresAt'),
      }),
    ),
    pull: pullStatement(db),
    purge: new Statement((param: Param<{ now: Timestamp; limit: number }>) =>
      db
        .deleteFrom('revocation')
        .where('seq', 'in', (eb) =>
          eb
            .selectFrom('revocation')
            .select('seq')
            .where('expires_at', '<=', param('now'))
            .limit(param('limit')),
        ),
    ),
    raiseFloor: new Statement((param: Param<Floor & { seq: Position }>) =>
      db
        .insertInto('floor')
        .values({ scope: param('scope'), subject: param('subject'), min_rs: param('seq') })
        .onConflict((conflict) =>
          conflict
            .columns(['scope', 'subject'])
            .doUpdateSet((eb) => ({ min_rs: eb.ref('excluded.min_rs') }))
            .whereRef('excluded.min_rs', '>', 'floor.min_rs'),
        ),
    ),
    floor: new Statement((param: Param<Floor>) =>
      db
        .selectFrom('floor')
        .select('min_rs')
        .where('scope', '=', param('scope'))
        .where('subject', '=', param('subject')),
    ),
  };
}

/**
 * One statement, so that head and entries are of one snapshot: were the head
 * read later, it would cover an entry that the answer lacks.
 */
function pullStatement(db: Kysely<Schema>) {
  return new Statement((param: Param<{ epoch: string; after: Position; now: Timestamp }>) =>
    db
      .selectFrom('log_head')
      .leftJoin('revocation', (join) =>
        join
          .on('revocation.expires_at', '>', param('now'))
          .on((eb) =>
            eb.or([eb('log_head.epoch', '<>', param('epoch')), eb('revocation.seq', '>', param('after'))]),
          ),
      )
      .select([
        'log_head.epoch',
        'log_head.seq as head',
        'revocation.seq',
        'revocation.kind',
        'revocation.scope',
        'revocation.subject',
        'revocation.expires_at',
      ])
      .orderBy('revocation.seq'),
  );
}

/** The revocation log, its floors and its one counter. */
export class SqlLog implements LogStore {
  readonly #statements: LogStatements;
  readonly #runner: Runner;

  constructor(statements: LogStatements, runner: Runner) {
    this.#statements = statements;
    this.#runner = runner;
  }

  /** Begins the log's first epoch; does nothing where it has one. */
  async found(start: Cursor): Promise<void> {
    await this.#runner.write(this.#statements.found, { seq: start.seq, epoch: start.epoch });
  }

  async head(): Promise<Cursor> {
    const row = await this.#runner.row(this.#statements.head, {});
    if (row === null) throw new TypeError('the log has no head: the store was not opened');
    return { epoch: row.epoch, seq: row.seq };
  }

  async append(entries: readonly NewEntry[]): Promise<readonly Entry[]> {
    if (!this.#runner.inTransaction) {
      throw new TypeError('entries are appended in the transaction of what they tell of');
    }
    if (entries.length === 0) return [];
    const row = await this.#runner.row(this.#statements.take, { count: entries.length });
    if (row === null) throw new TypeError('the log has no head: the store was not opened');
    const first = row.seq - entries.length + 1;
    const appended = entries.map((entry, index) => ({ ...entry, seq: first + index }));
    for (const { seq, kind, scope, subject, expiresAt } of appended) {
      const values = { seq, kind, scope, subject: idBytes(subject), expiresAt };
      await this.#runner.write(this.#statements.append, values);
    }
    return appended;
  }

  async raiseFloor(scope: FloorScope, subject: string, seq: Position): Promise<void> {
    await this.#runner.write(this.#statements.raiseFloor, { scope, subject: idBytes(subject), seq });
  }

  async floor(scope: FloorScope, subject: string): Promise<Position | null> {
    const row = await this.#runner.row(this.#statements.floor, { scope, subject: idBytes(subject) });
    return row?.min_rs ?? null;
  }

  async pull(cursor: Cursor | null, now: Timestamp): Promise<Omit<Pull, 'age' | 'maxStaleness'>> {
    // No epoch is empty, so for `null` every entry is of another one.
    const { epoch, seq } = cursor ?? { epoch: '', seq: 0 };
    const rows = await this.#runner.rows(this.#statements.pull, { epoch, after: seq, now });
    const [first] = rows;
    if (first === undefined) throw new TypeError('the log has no head: the store was not opened');
    const entries = rows.flatMap((row): Entry[] => {
      if (row.seq === null || row.kind === null || row.scope === null) return [];
      if (row.subject === null || row.expires_at === null) return [];
      const { kind, scope } = row;
      return [{ seq: row.seq, kind, scope, subject: idFromBytes(row.subject), expiresAt: row.expires_at }];
    });
    return { epoch: first.epoch, head: first.head, now, whole: first.epoch !== epoch, entries };
  }

  async purge(now: Timestamp, limit: number): Promise<number> {
    return await this.#runner.write(this.#statements.purge, { now, limit });
  }
}
