import { createHash } from 'node:crypto';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { SessionId } from '@latchkey/verify';
import pg from 'pg';
import { idFromBytes } from '../packages/latchkey/src/foundation/ids.ts';
import { newRootSecret, seedSessions } from './seed.ts';

/** Sessions of one user. */
const OF_A_USER = 10;
/** The time in the ids: the sessions began one millisecond after the other. */
const BEGAN = Date.UTC(2026, 0, 1);

/** The id of the session at an index: a UUIDv7, as the product makes them. */
export function sessionAt(index: number): SessionId {
  return idFromBytes(bytesAt('session', index));
}

/**
 * Makes a database with so many sessions, a tenth as many users, and nothing else: copies of
 * a row that the product wrote, with ids and hashes of their own.
 */
export async function seedMany(database: string, sessions: number): Promise<void> {
  await seedSessions(database, newRootSecret(), 1);
  if (database.startsWith('postgres://')) await fillPostgres(database, sessions);
  else fillSqlite(database, sessions);
}

function bytesAt(kind: 'session' | 'user', index: number): Buffer {
  const digest = createHash('md5').update(`${kind} ${index}`).digest('hex');
  const time = (BEGAN + index).toString(16).padStart(12, '0');
  return Buffer.from(`${time}7${digest.slice(0, 3)}a${digest.slice(3, 18)}`, 'hex');
}

/** The same in SQL. */
function bytesIn(kind: 'session' | 'user', index: string): string {
  const digest = `md5('${kind} ' || ${index})`;
  const time = `lpad(to_hex(${BEGAN}::bigint + ${index}), 12, '0')`;
  return `decode(${time} || '7' || substr(${digest}, 1, 3) || 'a' || substr(${digest}, 4, 15), 'hex')`;
}

async function fillPostgres(url: string, sessions: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const copy = async (table: string, rows: number, own: Readonly<Record<string, string>>): Promise<void> => {
    const { fields } = await client.query(`select * from latchkey.${table} limit 0`);
    const names = fields.map(({ name }) => name);
    const values = names.map((name) => own[name] ?? `template.${name}`);
    await client.query(
      `insert into latchkey.${table} (${names.join()}) select ${values.join()}
        from (select * from latchkey.${table} limit 1) as template, generate_series(0, ${rows - 1}) as nr`,
    );
  };
  const address = `'user-' || nr || '@example.com'`;
  await copy('account', Math.ceil(sessions / OF_A_USER), {
    id: bytesIn('user', 'nr'),
    email: address,
    email_key: address,
  });
  await copy('session', sessions, {
    id: bytesIn('session', 'nr'),
    user_id: bytesIn('user', `(nr / ${OF_A_USER})`),
    secret_hash: `sha256(convert_to('secret ' || nr, 'UTF8'))`,
  });
  // As autovacuum would have in the meantime.
  await client.query('vacuum analyze latchkey.account');
  await client.query('vacuum analyze latchkey.session');
  await client.query('checkpoint');
  await client.end();
}

function fillSqlite(file: string, sessions: number): void {
  const database = new DatabaseSync(file);
  const copy = (
    table: string,
    rows: number,
    own: (index: number) => Readonly<Record<string, SQLInputValue>>,
  ): void => {
    const template = database.prepare(`select * from ${table} limit 1`).get() ?? {};
    const names = Object.keys(template);
    const insert = database.prepare(
      `insert into ${table} (${names.join()}) values (${names.map((name) => `:${name}`).join()})`,
    );
    for (let index = 0; index < rows; index += 1) insert.run({ ...template, ...own(index) });
  };
  database.exec('pragma synchronous = off; begin');
  copy('account', Math.ceil(sessions / OF_A_USER), (index) => {
    const address = `user-${index}@example.com`;
    return { id: bytesAt('user', index), email: address, email_key: address };
  });
  copy('session', sessions, (index) => ({
    id: bytesAt('session', index),
    user_id: bytesAt('user', Math.floor(index / OF_A_USER)),
    secret_hash: createHash('sha256').update(`secret ${index}`).digest(),
  }));
  database.exec('commit');
  database.exec('pragma wal_checkpoint(truncate)');
  database.close();
}
