import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { Kysely } from 'kysely';
import pg from 'pg';
import { idFromBytes } from '../../packages/latchkey/src/foundation/ids.ts';
import { migrate } from '../../packages/latchkey/src/stores/migrations/migrate.ts';
import { MIGRATIONS } from '../../packages/latchkey/src/stores/migrations/migrations.ts';
import { ROOT_KEY } from '../../packages/latchkey/src/stores/records.ts';
import { postgres } from '../../packages/latchkey/src/stores/sql/postgres.ts';
import type { Schema } from '../../packages/latchkey/src/stores/sql/schema.ts';
import { sqlite } from '../../packages/latchkey/src/stores/sql/sqlite.ts';
import { sqliteDialect } from '../../packages/latchkey/src/stores/sql/sqlite-dialect.ts';
import { type Store, StoreRefused } from '../../packages/latchkey/src/stores/store.ts';
import { createDatabase, nameSchema } from '../../tools/postgres-database.mjs';

const NOW = 1_800_000_000_000;
const folder = mkdtempSync(join(tmpdir(), 'latchkey-'));
let database: Awaited<ReturnType<typeof createDatabase>>;
before(async () => {
  database = await createDatabase();
});
after(async () => {
  rmSync(folder, { recursive: true });
  await database.drop();
});

/** Each store that a backup may come from and go to. */
const STORES: readonly (readonly [name: string, make: (name: string) => Store])[] = [
  ['SQLite in a file', (name) => sqlite(join(folder, `${name}.db`))],
  ['SQLite in memory', () => sqlite(':memory:')],
  ['PostgreSQL', () => postgres(database.url, { schema: nameSchema(database).schema })],
];

const OPTIONS = { now: NOW, replace: false, rootKeys: ['root'], seen: 0 };

async function* from(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

/** Writes some thousand rows, of each kind of value. */
async function fill(store: Store): Promise<void> {
  await store.meta.put(ROOT_KEY, 'root');
  await store.transaction(async (tables) => {
    for (let index = 0; index < 700; index += 1) {
      const bytes = createHash('sha256').update(String(index)).digest();
      const id = idFromBytes<'user'>(bytes.subarray(0, 16));
      await tables.users.create({
        id,
        email: `Ünal.${index}@Example.com`,
        emailKey: `${index}@example.com`,
        name: index % 2 === 0 ? null : `Zoë "Z" \\ ${index}\n`,
        emailVerifiedAt: index % 3 === 0 ? NOW : null,
        createdAt: NOW + index,
        disabledAt: null,
        fields: '{}',
      });
      for (const role of ['b', 'Ä', 'a-b', 'B', 'a_b']) await tables.users.assignRole(id, role);
      await tables.log.raiseFloor('user', id, Number.MAX_SAFE_INTEGER - index);
    }
  });
}

for (const [fromName, makeFrom] of STORES) {
  for (const [toName, makeTo] of STORES) {
    test(`a backup of ${fromName} is restored into ${toName}, row by row`, async () => {
      const [one, other] = [
        makeFrom('from'),
        makeTo(`to-${STORES.findIndex(([name]) => name === fromName)}`),
      ];
      await Promise.all([one.open(NOW), other.open(NOW)]);
      if ((await one.users.count()) === 0) await fill(one);
      const lines = await Array.fromAsync(one.backup(NOW));
      await other.restore(() => from(lines), OPTIONS);
      const again = await Array.fromAsync(other.backup(NOW));
      // By the key, which databases may put in another order.
      const rows = again.slice(1, -1).filter((line) => !line.startsWith('["floor","all"'));
      assert.deepEqual(rows.toSorted(), lines.slice(1, -1).toSorted());
      await Promise.all([one.close(), other.close()]);
    });
  }
}

describe('a backup of another version of the schema', () => {
  const USER = Buffer.alloc(16, 1);
  const SESSION = Buffer.alloc(16, 2);

  /** The rows of a database that version 2 made, with the columns that it had, as a backup. */
  async function backupAtTwo(): Promise<readonly string[]> {
    const filename = join(folder, 'two.db');
    const dialect = sqliteDialect(filename);
    await dialect.open();
    const db = new Kysely<Schema>({ dialect: dialect.kysely });
    const { types, name, passes } = dialect;
    const step = { migrations: MIGRATIONS.slice(0, 2), types, name, passes };
    await db.transaction().execute(async (transaction) => await migrate(transaction, step));
    await dialect.close();
    const database = new DatabaseSync(filename);
    database
      .prepare("INSERT INTO account (id, email, email_key, created_at) VALUES (?, 'A@b.c', 'a@b.c', ?)")
      .run(USER, NOW);
    database
      .prepare(
        `INSERT INTO session (id, user_id, client, client_subject, rs, secret_hash, created_at, idle_until,
           expires_at, auth_time, acr, amr) VALUES (?, ?, 'web', ?, 1, ?, ?, ?, ?, ?, 'aal1', '["pwd"]')`,
      )
      .run(SESSION, USER, Buffer.alloc(16, 3), Buffer.alloc(32, 4), NOW, NOW + 1e9, NOW + 1e9, NOW);
    database
      .prepare(
        "INSERT INTO revocation (seq, kind, scope, subject, expires_at) VALUES (5, 'revoke', 'all', ?, ?)",
      )
      .run(Buffer.alloc(0), NOW + 1e9);
    database.prepare('INSERT INTO meta (key, value) VALUES (?, ?)').run(ROOT_KEY, 'root');
    const tables: Record<string, string[]> = {};
    const rows = ['meta', 'account', 'revocation', 'session'].flatMap((table) => {
      const columns = database.prepare(`PRAGMA table_info(${table})`).all();
      tables[table] = columns.map(({ name }) => String(name));
      return database
        .prepare(`SELECT * FROM ${table}`)
        .all()
        .map((row) =>
          JSON.stringify([
            table,
            ...Object.values(row).map((value) =>
              value instanceof Uint8Array ? Buffer.from(value).toString('base64url') : value,
            ),
          ]),
        );
    });
    database.close();
    const about = { at: NOW, lineage: 'l', epoch: 'e', head: 5, root_keys: ['root'], tables };
    const all = [JSON.stringify({ format: 'latchkey-backup', version: 1, schema: 2, ...about }), ...rows];
    const sha256 = createHash('sha256')
      .update(all.map((line) => `${line}\n`).join(''))
      .digest('base64url');
    const counts = { meta: 1, account: 1, revocation: 1, session: 1 };
    return [...all, JSON.stringify({ rows: counts, sha256 })];
  }

  for (const [name, make] of STORES) {
    test(`an older one gets the defaults of the columns that it lacks, in ${name}`, async () => {
      const lines = await backupAtTwo();
      assert.doesNotMatch(lines[0] ?? '', /disabled_client|"tag"/);
      rmSync(join(folder, 'two.db'));
      const store = make('older');
      await store.open(NOW);
      await store.restore(() => from(lines), OPTIONS);
      const reading = await store.sessions.read(idFromBytes<'session'>(SESSION));
      assert.equal(reading?.user?.email, 'A@b.c');
      assert.equal(reading.user.fields, '{}');
      assert.equal(reading.session.chain, null);
      assert.equal((await store.log.pull(null, NOW)).entries[0]?.seq, 5);
      const rows = await Array.fromAsync(store.backup(NOW));
      assert.ok(rows.some((line) => /^\["revocation",5,"revoke","all","",\d+,0\]$/.test(line)));
      await store.close();
    });
  }

  test('a database of a newer one is neither backed up nor restored into, since part of it is not known', async () => {
    const filename = join(folder, 'newer.db');
    const store = sqlite(filename);
    await store.open(NOW);
    await store.meta.put(ROOT_KEY, 'root');
    const lines = await Array.fromAsync(store.backup(NOW));
    await store.close();
    const database = new DatabaseSync(filename);
    database.exec('UPDATE schema_state SET schema_version = 99');
    database.close();
    await store.open(NOW);
    const refused = (error: unknown): boolean =>
      error instanceof StoreRefused && /version 99/.test(error.message);
    await assert.rejects(Array.fromAsync(store.backup(NOW)), refused);
    await assert.rejects(
      store.restore(() => from(lines), { ...OPTIONS, replace: true }),
      refused,
    );
    await store.close();
  });
});

test('writers in a file wait for no reader of a backup, however slow (@fault F23)', async () => {
  const store = sqlite(join(folder, 'slow.db'));
  await store.open(NOW);
  await fill(store);
  const backup = store.backup(NOW)[Symbol.asyncIterator]();
  await backup.next();
  // Each is answered while the backup stands open, through this connection and another's.
  await store.meta.put('while', 'read');
  const beside = sqlite(join(folder, 'slow.db'));
  await beside.open(NOW);
  await beside.meta.put('beside', 'read');
  await beside.close();
  let lines = 1;
  for (let next = await backup.next(); next.done !== true; next = await backup.next()) {
    lines += 1;
    assert.doesNotMatch(next.value, /"while"|"beside"/);
  }
  assert.ok(lines > 4_000);
  await store.close();
});

test('on PostgreSQL nobody writes between what a restore deletes and what it writes (@fault F23)', async () => {
  const store = postgres(database.url, { schema: nameSchema(database).schema });
  await store.open(NOW);
  await store.meta.put(ROOT_KEY, 'root');
  const user = {
    id: idFromBytes<'user'>(Buffer.alloc(16, 1)),
    email: 'a@b.c',
    emailKey: 'a@b.c',
    name: null,
    emailVerifiedAt: null,
    createdAt: NOW,
    disabledAt: null,
    fields: '{}',
  };
  await store.users.create(user);
  const lines = await Array.fromAsync(store.backup(NOW));
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  let readings = 0;
  let written: Promise<boolean> = Promise.resolve(false);
  const someoneWaits = async (): Promise<boolean> => {
    const { rows } = await client.query<{ waits: boolean }>(
      `select count(*) > 0 as waits from pg_locks where not granted
       and database = (select oid from pg_database where datname = current_database())`,
    );
    return rows[0]?.waits === true;
  };
  const writeBetween = async (): Promise<void> => {
    const writing = { done: false };
    written = store.users
      .create({ ...user, id: idFromBytes<'user'>(Buffer.alloc(16, 2)) })
      .finally(() => Object.assign(writing, { done: true }));
    while (!writing.done && !(await someoneWaits()));
  };
  async function* read(): AsyncGenerator<string> {
    readings += 1;
    for (const line of lines) {
      if (readings === 2 && line.startsWith('["account"')) await writeBetween();
      yield line;
    }
  }
  await store.restore(read, { ...OPTIONS, replace: true });
  assert.equal(await written, false, 'the address is taken');
  assert.deepEqual(await store.users.find(user.id), user);
  assert.equal(readings, 2);
  await client.end();
  await store.close();
});
