import { setTimeout } from 'node:timers/promises';
import type { SessionId, Timestamp } from '@latchkey/verify';
import type { Store } from 'latchkey';
import pg from 'pg';
import { newId } from '../packages/latchkey/src/foundation/ids.ts';
import { createDatabase } from '../tools/postgres-database.mjs';
import { seedMany, sessionAt } from './lookups-seed.ts';
import { storeOf } from './seed.ts';

/** How often the same sessions are touched again; new ones need no more than another time. */
const AGAIN = 5;
/** How often the server is asked for counts that it brings up to date when it has time. */
const ASKED = 100;

/** What writing about sessions makes PostgreSQL write. */
export interface WritesResult {
  readonly what: string;
  /** Bytes of its log for a row: the first time that a page is written to after a checkpoint, and from then on. */
  readonly first: number;
  readonly later: number;
  /** Updates that left every index alone, of all; `null` where nothing was updated. */
  readonly hot: number | null;
}

/** Measures how many bytes PostgreSQL writes where Latchkey writes one row. */
export async function measureWrites(options: {
  readonly server: { readonly url: string };
  readonly sessions: number;
  /** How many are written at once, as by a node that serves so many. */
  readonly rows: number;
}): Promise<readonly WritesResult[]> {
  const { server, sessions, rows } = options;
  const database = await createDatabase(server);
  const client = new pg.Client({ connectionString: database.url });
  try {
    await seedMany(database.url, sessions);
    await client.connect();
    const step = Math.floor(sessions / rows);
    const ids = Array.from({ length: rows }, (_, row) => sessionAt(row * step));
    const measured = { client, url: database.url, ids };
    return [
      await measure(measured, 'a session is created', 'session', insert),
      await measure(measured, 'an idle limit moves', 'session', (store, all, at) =>
        store.sessions.moveIdle(all.map((id) => ({ id, idleUntil: at }))),
      ),
      await measure(measured, 'a session was seen (unlogged)', 'session_seen', (store, all, at) =>
        store.sessions.seen(all.map((id) => ({ id, at }))),
      ),
    ];
  } finally {
    await client.end();
    await database.drop();
  }
}

type Write = (store: Store, ids: readonly SessionId[], at: Timestamp) => Promise<void>;

/** One after the other, each with a commit of its own, as sign-ins are. */
const insert: Write = async (store, ids) => {
  const template = await store.sessions.read(sessionAt(0));
  if (template === null) throw new TypeError('the session to copy is missing');
  for (const _ of ids) await store.sessions.create({ ...template.session, id: newId(Date.now()) });
};

interface Measured {
  readonly client: pg.Client;
  readonly url: string;
  readonly ids: readonly SessionId[];
}

async function measure(
  { client, url, ids }: Measured,
  what: string,
  table: string,
  write: Write,
): Promise<WritesResult> {
  // What reading would tidy up after the writes before.
  await client.query('vacuum latchkey.session');
  const before = await updatesOf(client, table);
  const store = storeOf(url);
  await store.open(Date.now());
  // Far ahead, and later each time, so that each one writes.
  let at = Date.UTC(2100, 0, 1);
  const bytes = async (): Promise<number> => {
    const start = await walPosition(client);
    at += 60_000;
    await write(store, ids, at);
    return ((await walPosition(client)) - start) / ids.length;
  };
  await client.query('checkpoint');
  const first = await bytes();
  const again = write === insert ? 1 : AGAIN;
  let later = 0;
  for (let time = 0; time < again; time += 1) later += (await bytes()) / again;
  // Its connections tell what they did when they end, and no sooner.
  await store.close();
  if (write === insert) return { what, first, later, hot: null };
  for (let asked = 0; asked < ASKED; asked += 1) {
    const after = await updatesOf(client, table);
    const updates = after.all - before.all;
    // What is seen for the first time is no update.
    if (updates >= AGAIN * ids.length) return { what, first, later, hot: (after.hot - before.hot) / updates };
    await setTimeout(100);
  }
  throw new TypeError(`PostgreSQL does not tell what was updated in ${table}`);
}

async function walPosition(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ at: string }>(
    "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as at",
  );
  return Number(rows[0]?.at);
}

async function updatesOf(client: pg.Client, table: string): Promise<{ all: number; hot: number }> {
  const { rows } = await client.query<{ all: string; hot: string }>(
    'select n_tup_upd as all, n_tup_hot_upd as hot from pg_stat_user_tables ' +
      "where schemaname = 'latchkey' and relname = $1",
    [table],
  );
  return { all: Number(rows[0]?.all), hot: Number(rows[0]?.hot) };
}
