import type { Timestamp } from '@latchkey/verify';
import { type Kysely, sql } from 'kysely';
import { type BackupSummary, ROOT_KEY } from '../records.ts';
import { StoreRefused } from '../store.ts';
import { type BackupRow, KNOWN_SCHEMA, writeBackup } from './backup-lines.ts';
import { BACKED_UP, type BackedUpTable } from './backup-tables.ts';
import type { SqlDialect } from './dialect.ts';
import type { Schema } from './schema.ts';
import type { Snapshot } from './snapshot.ts';
import type { SqlValue } from './statement.ts';

/** Rows that are read at once: what a backup holds in memory. */
const PAGE = 500;

/** Tables whose names and columns are told at run time, by the list that is held against the schema. */
export type AnyTables = Record<string, Record<string, SqlValue>>;

/** Lets go of the types of the tables, for statements that are the same for each of them. */
export function anyTables(db: Kysely<Schema>): Kysely<AnyTables> {
  const untyped: unknown = db;
  return untyped as Kysely<AnyTables>;
}

/** As `Store.backup`. */
export async function* backUp(
  { name }: Pick<SqlDialect, 'name'>,
  inSnapshot: () => Promise<Snapshot>,
  now: Timestamp,
): AsyncGenerator<string> {
  const { db, end } = await inSnapshot();
  try {
    yield* writeBackup(await describe(db, name, now), rowsOf(db));
  } finally {
    await end();
  }
}

async function describe(
  db: Kysely<Schema>,
  name: string,
  at: Timestamp,
): Promise<Omit<BackupSummary, 'rows'>> {
  const schema = await requireKnownSchema(db, name);
  const head = await db.selectFrom('log_head').select(['lineage', 'epoch', 'seq']).executeTakeFirstOrThrow();
  const root = await db.selectFrom('meta').select('value').where('key', '=', ROOT_KEY).executeTakeFirst();
  if (root === undefined)
    throw new StoreRefused(`${name} has nothing to back up: no server has worked on it yet`);
  const peppers = await db.selectFrom('password').select('pepper').distinct().execute();
  const rootKeys = new Set([
    root.value,
    ...peppers.flatMap(({ pepper }) => (pepper === null ? [] : [pepper])),
  ]);
  return { schema, at, lineage: head.lineage, epoch: head.epoch, head: head.seq, rootKeys: [...rootKeys] };
}

/**
 * Of a newer schema this build knows some tables and columns only.
 *
 * @throws {StoreRefused} where it is newer.
 */
export async function requireKnownSchema(db: Kysely<Schema>, name: string): Promise<number> {
  const { schema_version: version } = await db
    .selectFrom('schema_state')
    .select('schema_version')
    .executeTakeFirstOrThrow();
  if (version <= KNOWN_SCHEMA) return version;
  throw new StoreRefused(
    `${name} has schema version ${version}, and this build knows ${KNOWN_SCHEMA}: use a newer build of Latchkey`,
  );
}

async function* rowsOf(db: Kysely<Schema>): AsyncGenerator<BackupRow> {
  for (const table of BACKED_UP) {
    const columns = Object.keys(table.columns);
    for (let after: Row | undefined, done = false; !done; ) {
      const page: readonly Row[] = await pageOf(db, table, after);
      for (const row of page) yield { table, columns, values: columns.map((column) => row[column] ?? null) };
      after = page.at(-1);
      done = page.length < PAGE;
    }
  }
}

type Row = Readonly<Record<string, SqlValue>>;

/** By the key, so that what was read before costs nothing. */
async function pageOf(
  db: Kysely<Schema>,
  { name, columns, key }: BackedUpTable,
  after: Row | undefined,
): Promise<readonly Row[]> {
  const first = anyTables(db).selectFrom(name).select(Object.keys(columns)).limit(PAGE);
  const ordered = key.reduce((query, column) => query.orderBy(column), first);
  if (after === undefined) return await ordered.execute();
  const reached = sql.join(key.map((column) => sql`${after[column] ?? null}`));
  const columnsOfKey = sql.join(key.map((column) => sql.ref(column)));
  return await ordered.where(sql<boolean>`(${columnsOfKey}) > (${reached})`).execute();
}
