import { CompiledQuery, type Kysely } from 'kysely';
import { isFailure } from '../../errors.ts';
import type { BackupSummary } from '../records.ts';
import { type LogStore, type RestoreOptions, StoreRefused } from '../store.ts';
import { anyTables, requireKnownSchema } from './backup.ts';
import {
  type BackupRow,
  readBackup,
  requirePossibleHead,
  requireRootKeys,
  verifyBackup,
} from './backup-lines.ts';
import { BACKED_UP, type BackedUpTable, EMPTIED } from './backup-tables.ts';
import type { SqlDialect } from './dialect.ts';
import type { Schema } from './schema.ts';
import { type Param, type SqlValue, Statement } from './statement.ts';

/** Rows that are written by one statement. */
const BATCH = 50;

/** Runs work in one transaction, and again from its start where another was in the way. */
export type Alone = <T>(work: (part: Part) => Promise<T>) => Promise<T>;

interface Part {
  readonly db: Kysely<Schema>;
  readonly log: LogStore;
}

/** As `Store.restore`. */
export async function restore(
  dialect: SqlDialect,
  alone: Alone,
  read: () => AsyncIterable<string>,
  { now, replace, rootKeys, seen }: RestoreOptions,
): Promise<BackupSummary> {
  const check = (summary: BackupSummary): void => {
    requireRootKeys(summary, rootKeys);
    requirePossibleHead(summary, now, seen);
  };
  check(await verifyBackup(read()));
  return await alone(async ({ db, log }) => {
    const tables = [...BACKED_UP.map(({ name }) => name), ...EMPTIED];
    // R7: the log's head is the last that anybody locks.
    await dialect.alone(db, [...tables, 'log_head']);
    await requireKnownSchema(db, dialect.name);
    if (!replace) await requireEmpty(db, dialect.name);
    await empty(db);
    const summary = await fill(db, read());
    // It may have been exchanged since it was verified.
    check(summary);
    const { epoch, seq } = await log.head();
    await db.updateTable('log_head').set({ lineage: summary.lineage }).execute();
    // Above all that the database gave which is replaced, and the one of the backup.
    await log.beginEpoch(epoch, 'restore', now, Math.max(seq, summary.head, seen));
    return summary;
  });
}

async function requireEmpty(db: Kysely<Schema>, name: string): Promise<void> {
  for (const table of ['account', 'session'] as const) {
    if ((await db.selectFrom(table).select('id').limit(1).executeTakeFirst()) !== undefined)
      throw new StoreRefused(
        `${name} is not empty: restore into another one, or replace what it holds with --replace`,
      );
  }
}

/** Children first. */
async function empty(db: Kysely<Schema>): Promise<void> {
  for (const name of EMPTIED) await anyTables(db).deleteFrom(name).execute();
  for (const { name, stays } of BACKED_UP.toReversed()) {
    const all = anyTables(db).deleteFrom(name);
    await (stays === null ? all : all.where(stays[0], '!=', stays[1])).execute();
  }
}

async function fill(db: Kysely<Schema>, lines: AsyncIterable<string>): Promise<BackupSummary> {
  const batches = new Map<BackedUpTable, InsertStatement>();
  let batch: BackupRow[] = [];
  const flush = async (): Promise<void> => {
    const rows = batch;
    batch = [];
    const [first] = rows;
    if (first === undefined) return;
    if (rows.length < BATCH) {
      for (const row of rows) await run(db, insertStatement(db, row, 1), [row]);
      return;
    }
    const statement = batches.get(first.table) ?? insertStatement(db, first, BATCH);
    batches.set(first.table, statement);
    await run(db, statement, rows);
  };
  const summary = await readBackup(lines, async (row) => {
    if (batch.length === BATCH || (batch[0] !== undefined && batch[0].table !== row.table)) await flush();
    batch.push(row);
  });
  await flush();
  return summary;
}

type InsertStatement = Statement<Record<string, SqlValue>, unknown>;

/** Built once for many rows: what an older backup lacks gets the column's default, as in a migration. */
function insertStatement(
  db: Kysely<Schema>,
  { table, columns }: { readonly table: BackedUpTable; readonly columns: readonly string[] },
  rows: number,
): InsertStatement {
  return new Statement((param: Param<Record<string, SqlValue>>) => {
    const values = Array.from({ length: rows }, (_, row) =>
      Object.fromEntries(columns.map((column) => [column, param(`${row} ${column}`)])),
    );
    const insert = anyTables(db).insertInto(table.name).values(values);
    return table.stays === null ? insert : insert.onConflict((conflict) => conflict.doNothing());
  });
}

async function run(
  db: Kysely<Schema>,
  statement: InsertStatement,
  rows: readonly BackupRow[],
): Promise<void> {
  const values = rows.flatMap((row, index) =>
    row.columns.map((column, at) => [`${index} ${column}`, row.values[at] ?? null] as const),
  );
  // Without the name: no connection is to keep it prepared, and it may take longer than a request.
  const { sql, parameters } = statement.with(Object.fromEntries(values));
  try {
    await db.executeQuery(CompiledQuery.raw(sql, [...parameters]));
  } catch (error) {
    if (isFailure(error)) throw error;
    const why = error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : String(error);
    throw new StoreRefused(
      `the backup does not fit ${rows[0]?.table.name ?? 'a table'} (${why}): restore it with the build that made it`,
      { cause: error },
    );
  }
}
