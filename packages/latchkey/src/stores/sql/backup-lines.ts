import { createHash } from 'node:crypto';
import type { Millis, Position, Timestamp } from '@latchkey/verify';
import { z } from 'zod';
import { MIGRATIONS } from '../migrations/migrations.ts';
import type { BackupSummary } from '../records.ts';
import { StoreRefused } from '../store.ts';
import { BACKED_UP, type BackedUpTable, type ColumnKind } from './backup-tables.ts';
import { leastStart } from './log.ts';
import type { SqlValue } from './statement.ts';

/*
 * A backup is text, each line JSON: an object that says what follows, an array for each row
 * (the table's name, then its values in the order of the columns that the first line names),
 * and an object with the counts and SHA-256 of all lines before, each with its line feed.
 */

/** How far the clock of who made a backup may have been ahead. */
const CLOCK_AHEAD: Millis = 86_400_000;
const FORMAT = 'latchkey-backup';
const VERSION = 1;
/** The version of the schema that this build works with. */
export const KNOWN_SCHEMA = MIGRATIONS.at(-1)?.version ?? 0;

const NAME = z.string().regex(/^[\w-]{1,64}$/);
const COUNT = z.int().nonnegative();

/** Read before the rest, so that what is newer is not taken for damaged. */
const VERSIONS = z.object({ format: z.literal(FORMAT), version: COUNT, schema: COUNT });
const HEADER = z.object({
  schema: COUNT,
  at: COUNT,
  lineage: NAME,
  epoch: NAME,
  head: COUNT,
  root_keys: z.array(NAME).nonempty(),
  tables: z.record(z.string(), z.array(z.string())),
});
const LAST = z.object({ rows: z.record(z.string(), COUNT), sha256: z.string() });

/** A row on its way into a backup or out of it. */
export interface BackupRow {
  readonly table: BackedUpTable;
  /** The names of its columns: of an older backup fewer than the table has. */
  readonly columns: readonly string[];
  readonly values: readonly SqlValue[];
}

/** Writes a backup, but for the counts: those are of the rows that came. */
export async function* writeBackup(
  { schema, at, lineage, epoch, head, rootKeys }: Omit<BackupSummary, 'rows'>,
  rows: AsyncIterable<BackupRow>,
): AsyncGenerator<string> {
  const tables = Object.fromEntries(BACKED_UP.map(({ name, columns }) => [name, Object.keys(columns)]));
  const hash = createHash('sha256');
  const line = (content: unknown): string => {
    const text = JSON.stringify(content);
    hash.update(`${text}\n`);
    return text;
  };
  const versions = { format: FORMAT, version: VERSION, schema };
  yield line({ ...versions, at, lineage, epoch, head, root_keys: rootKeys, tables });
  const counts = noRows(Object.keys(tables));
  for await (const { table, values } of rows) {
    counts.set(table.name, (counts.get(table.name) ?? 0) + 1);
    yield line([table.name, ...values.map(encode)]);
  }
  yield JSON.stringify({ rows: Object.fromEntries(counts), sha256: hash.digest('base64url') });
}

/**
 * Reads a backup to its end and hands on each row.
 *
 * @throws {StoreRefused} where it is none, is of a newer build, or is not whole. By then
 * rows may have been handed on.
 */
export async function readBackup(
  lines: AsyncIterable<string>,
  take: (row: BackupRow) => Promise<void> | void,
): Promise<BackupSummary> {
  const hash = createHash('sha256');
  let header: Header | null = null;
  let last: z.infer<typeof LAST> | null = null;
  let counts = new Map<string, number>();
  for await (const line of lines) {
    if (last !== null) throw damaged();
    if (header === null) {
      header = parseHeader(line);
      counts = noRows([...header.tables.keys()]);
    } else if (line.startsWith('{')) {
      last = parseLast(line, hash.digest('base64url'), counts);
      continue;
    } else {
      const row = parseRow(line, header);
      counts.set(row.table.name, (counts.get(row.table.name) ?? 0) + 1);
      await take(row);
    }
    hash.update(`${line}\n`);
  }
  if (header === null) throw refuse('is empty: take another copy');
  if (last === null) throw refuse('is cut off: take another copy');
  return { ...header.summary, rows: last.rows };
}

/**
 * Reads a backup to its end, and writes nothing.
 *
 * @throws {StoreRefused} where it is none, is of a newer build, or is not whole.
 */
export async function verifyBackup(lines: AsyncIterable<string>): Promise<BackupSummary> {
  return await readBackup(lines, () => undefined);
}

/** What the first and the last line of a backup say. */
export function summaryOf(first: string, last: string): BackupSummary {
  const counts = LAST.safeParse(parseJson(last)).data;
  if (counts === undefined) throw damaged();
  return { ...parseHeader(first).summary, rows: counts.rows };
}

/**
 * Refuses a backup that is of no use with the root secret that is there.
 *
 * @throws {StoreRefused} with the ids of the keys that it needs.
 */
export function requireRootKeys({ rootKeys }: BackupSummary, there: readonly string[]): void {
  const missing = rootKeys.filter((id) => !there.includes(id));
  if (missing.length === 0) return;
  throw refuse(
    `needs the root secret ${missing.join(' and ')} (here is ${there.join(' and ')}): ` +
      'bring it from where it is kept, or put it behind the new one: LATCHKEY_SECRET=new,old',
  );
}

/**
 * Refuses a head that no clock can have given by now, one that is a day ahead included, nor
 * one that was further ahead and has been seen here: the next epoch begins above it, and
 * positions above 2^53 cannot be told apart.
 *
 * @throws {StoreRefused} with the head.
 */
export function requirePossibleHead({ head }: BackupSummary, now: Timestamp, seen: Position): void {
  if (head <= Math.max(leastStart(now + CLOCK_AHEAD), seen)) return;
  throw refuse(
    `says that its log stood at ${head}, which is more than a day ahead of this machine’s clock: ` +
      'set the clock right, or take another copy',
  );
}

interface Header {
  readonly summary: Omit<BackupSummary, 'rows'>;
  /** The columns of each table, as the backup has them. */
  readonly tables: ReadonlyMap<
    string,
    { readonly table: BackedUpTable; readonly columns: readonly string[] }
  >;
}

function parseHeader(line: string): Header {
  const content = parseJson(line);
  const versions = VERSIONS.safeParse(content).data;
  if (versions === undefined) throw refuse('is none of Latchkey: name a file that latchkey backup has made');
  const newer = (what: string, version: number, known: number): StoreRefused =>
    refuse(
      `is of ${what} ${version}, and this build knows ${known}: restore it with a newer build of Latchkey`,
    );
  if (versions.version > VERSION) throw newer('format', versions.version, VERSION);
  if (versions.schema > KNOWN_SCHEMA) throw newer('schema version', versions.schema, KNOWN_SCHEMA);
  const header = HEADER.safeParse(content).data;
  if (header === undefined) throw damaged();
  const tables = Object.entries(header.tables).map(([name, columns]) => {
    const table = BACKED_UP.find((known) => known.name === name);
    if (table === undefined || columns.some((column) => !Object.hasOwn(table.columns, column)))
      throw damaged();
    return [name, { table, columns }] as const;
  });
  const { schema, at, lineage, epoch, head, root_keys: rootKeys } = header;
  return { summary: { schema, at, lineage, epoch, head, rootKeys }, tables: new Map(tables) };
}

function parseRow(line: string, { tables }: Header): BackupRow {
  const content = parseJson(line);
  if (!Array.isArray(content)) throw damaged();
  const [name, ...values] = content as readonly unknown[];
  const known = typeof name === 'string' ? tables.get(name) : undefined;
  if (known === undefined || values.length !== known.columns.length) throw damaged();
  const { table, columns } = known;
  return {
    table,
    columns,
    values: columns.map((column, index) => decode(values[index], table.columns[column])),
  };
}

function parseLast(line: string, sha256: string, counts: ReadonlyMap<string, number>): z.infer<typeof LAST> {
  const last = LAST.safeParse(parseJson(line)).data;
  if (last === undefined || last.sha256 !== sha256) throw damaged();
  if (Object.entries(last.rows).some(([name, count]) => counts.get(name) !== count)) throw damaged();
  return last;
}

function encode(value: SqlValue): string | number | null {
  if (!(value instanceof Uint8Array)) return value;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64url');
}

function decode(value: unknown, kind: ColumnKind | undefined): SqlValue {
  if (value === null && kind?.endsWith('or null') === true) return null;
  if (kind?.startsWith('integer') === true) {
    if (Number.isSafeInteger(value)) return value as number;
  } else if (typeof value === 'string') {
    return kind?.startsWith('bytes') === true ? Buffer.from(value, 'base64url') : value;
  }
  throw damaged();
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function noRows(tables: readonly string[]): Map<string, number> {
  return new Map(tables.map((name) => [name, 0]));
}

function damaged(): StoreRefused {
  return refuse('is not as it was written: take another copy');
}

function refuse(what: string): StoreRefused {
  return new StoreRefused(`the backup ${what}`);
}
