import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import { Kysely } from 'kysely';
import { idFromBytes } from '../../packages/latchkey/src/foundation/ids.ts';
import { migrate } from '../../packages/latchkey/src/stores/migrations/migrate.ts';
import { MIGRATIONS } from '../../packages/latchkey/src/stores/migrations/migrations.ts';
import type { Schema } from '../../packages/latchkey/src/stores/sql/schema.ts';
import { sqlite } from '../../packages/latchkey/src/stores/sql/sqlite.ts';
import { sqliteDialect } from '../../packages/latchkey/src/stores/sql/sqlite-dialect.ts';
import { StoreRefused } from '../../packages/latchkey/src/stores/store.ts';

const NOW = 1_800_000_000_000;
/** SHA-256 of what `sqlite_schema` held after version 2. */
const PUBLISHED = '72542faf366e8151d370ddb633ea9db378007babc226bc9ab5aaa7960e578163';
const folder = mkdtempSync(join(tmpdir(), 'latchkey-'));
after(() => rmSync(folder, { recursive: true }));

/** A database that this build has made, with its versions changed to what another build would have left. */
async function databaseAt(file: string, version: number, minCompatible: number): Promise<string> {
  const filename = join(folder, file);
  const store = sqlite(filename);
  await store.open(NOW);
  await store.meta.put('key', 'value');
  await store.close();
  const database = new DatabaseSync(filename);
  database
    .prepare('UPDATE schema_state SET schema_version = ?, min_compatible_version = ?')
    .run(version, minCompatible);
  database.close();
  return filename;
}

/** Asserts that opening is refused in one line that names the file and what else is expected. */
async function assertRefused(filename: string, ...expected: readonly RegExp[]): Promise<void> {
  const store = sqlite(filename);
  await assert.rejects(store.open(NOW), (error) => {
    assert.ok(error instanceof StoreRefused, String(error));
    assert.match(error.message, /^[^\n]+$/);
    assert.ok(error.message.includes(filename), error.message);
    for (const pattern of expected) assert.match(error.message, pattern);
    return true;
  });
  // Nothing of it stays open, so that what is in the way can be moved.
  await assert.rejects(store.meta.find('key'), TypeError);
}

describe('a schema that a newer build has left', () => {
  test('is refused where it needs a newer build, with the versions and the remedy', async () => {
    const filename = await databaseAt('newer.db', 107, 105);
    await assertRefused(filename, /version 107 .* version 105, .* knows \d+: run a newer build/);
    const database = new DatabaseSync(filename);
    assert.equal(database.prepare('SELECT schema_version FROM schema_state').get()?.['schema_version'], 107);
    database.close();
  });

  test('is opened where this build can work with it, and stays as it is', async () => {
    const filename = await databaseAt('compatible.db', 107, 1);
    const store = sqlite(filename);
    await store.open(NOW);
    assert.equal(await store.meta.find('key'), 'value');
    await store.close();
    const database = new DatabaseSync(filename);
    assert.deepEqual(Object.values(database.prepare('SELECT * FROM schema_state').get() ?? {}), [1, 107, 1]);
    database.close();
  });
});

describe('a database of the version before tokens', () => {
  const USER = Buffer.alloc(16, 1);
  const SESSION = Buffer.alloc(16, 2);

  /** As that version made it: its one step, a user, and a session whose cookie is out there. */
  async function databaseBefore(file: string): Promise<string> {
    const filename = join(folder, file);
    const dialect = sqliteDialect(filename);
    await dialect.open();
    const db = new Kysely<Schema>({ dialect: dialect.kysely });
    const step = {
      migrations: MIGRATIONS.slice(0, 1),
      types: dialect.types,
      name: dialect.name,
      passes: dialect.passes,
    };
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
    database.close();
    return filename;
  }

  test('keeps its users and its sessions, which have no fields and no refresh tokens (@fault F22)', async () => {
    const filename = await databaseBefore('before-tokens.db');
    const store = sqlite(filename);
    await store.open(NOW);
    const reading = await store.sessions.read(idFromBytes<'session'>(SESSION));
    assert.equal(reading?.user?.fields, '{}');
    assert.equal(reading.session.chain, null);
    assert.equal(reading.session.idleUntil, NOW + 1e9);
    assert.deepEqual(await store.signingKeys.list(), []);
    await store.close();
  });
});

test('the first two steps, which are published, make the tables of SQLite as they always have, byte for byte', async () => {
  const filename = join(folder, 'published.db');
  const dialect = sqliteDialect(filename);
  await dialect.open();
  const db = new Kysely<Schema>({ dialect: dialect.kysely });
  const { types, name, passes } = dialect;
  const steps = { migrations: MIGRATIONS.slice(0, 2), types, name, passes };
  await db.transaction().execute(async (transaction) => await migrate(transaction, steps));
  await dialect.close();
  const database = new DatabaseSync(filename);
  const rows = database.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name').all();
  database.close();
  const made = rows.map(({ sql }) => String(sql)).join('\n');
  assert.equal(createHash('sha256').update(made).digest('hex'), PUBLISHED);
});

describe('opening', () => {
  test('begins the log above every position of an earlier clock, and once', async () => {
    const store = sqlite(join(folder, 'epoch.db'));
    await store.open(NOW + 999);
    const head = await store.log.head();
    assert.equal(head.seq, (NOW / 1_000) * 2 ** 20);
    assert.ok(Number.isSafeInteger(head.seq));
    assert.match(head.epoch, /^[\w-]{22}$/);
    await store.close();
    await store.open(NOW + 86_400_000);
    assert.deepEqual(await store.log.head(), head);
    await store.close();
  });

  test('gives each database an epoch of its own', async () => {
    const epochs = await Promise.all(
      ['one.db', 'two.db'].map(async (file) => {
        const store = sqlite(join(folder, file));
        await store.open(NOW);
        const { epoch } = await store.log.head();
        await store.close();
        return epoch;
      }),
    );
    assert.equal(new Set(epochs).size, 2);
  });

  test('may be tried again after it failed, and twice does no harm', async () => {
    const filename = join(folder, 'later', 'latchkey.db');
    const store = sqlite(filename);
    await assert.rejects(store.open(NOW), StoreRefused);
    mkdirSync(join(folder, 'later'));
    await store.open(NOW);
    await Promise.all([store.open(NOW), store.open(NOW)]);
    await store.meta.put('key', 'value');
    assert.equal(await store.meta.find('key'), 'value');
    await store.close();
  });

  test('is what comes first: a store that is not open, or closed, is a wrong call', async () => {
    const store = sqlite(join(folder, 'closed.db'));
    await assert.rejects(store.meta.find('key'), TypeError);
    assert.equal(existsSync(join(folder, 'closed.db')), false);
    await store.open(NOW);
    await store.close();
    await store.close();
    await assert.rejects(store.meta.find('key'), TypeError);
    assert.throws(() => sqlite(''), TypeError);
  });
});

describe('a database that cannot be used is refused in one line:', () => {
  test('a folder that is not there', async () => {
    await assertRefused(join(folder, 'missing', 'latchkey.db'), /ENOENT.*make its folder/);
  });

  test('a folder that is a file', async () => {
    writeFileSync(join(folder, 'file'), '');
    await assertRefused(join(folder, 'file', 'latchkey.db'), /ENOTDIR/);
  });

  test('a folder where nobody may write', async () => {
    // Root may write in every folder but those that the kernel makes up.
    if (process.getuid?.() === 0) return await assertRefused('/proc/latchkey.db', /write there/);
    mkdirSync(join(folder, 'unwritable'));
    chmodSync(join(folder, 'unwritable'), 0o500);
    return await assertRefused(join(folder, 'unwritable', 'latchkey.db'), /EACCES.*write there/);
  });

  test('a file that is a folder', async () => {
    mkdirSync(join(folder, 'folder.db'));
    await assertRefused(join(folder, 'folder.db'), /cannot be opened/);
  });

  test('a file that is no database', async () => {
    writeFileSync(join(folder, 'text.db'), 'Not a database, but long enough to have a header. '.repeat(100));
    await assertRefused(join(folder, 'text.db'), /is not a SQLite database/);
  });

  test('a database of something else that has a table of the same name', async () => {
    const database = new DatabaseSync(join(folder, 'other.db'));
    database.exec(`CREATE TABLE session (theirs TEXT); INSERT INTO session VALUES ('kept')`);
    database.close();
    await assertRefused(join(folder, 'other.db'), /session.* a database of its own/);
    const again = new DatabaseSync(join(folder, 'other.db'));
    const tables = again.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all();
    assert.deepEqual(
      tables.map((row) => row['name']),
      ['session'],
    );
    again.close();
  });
});

interface Opener {
  /** Resolves when the process waits to be told. */
  readonly ready: Promise<void>;
  /** Lets it open the file; answers what it printed. */
  readonly open: () => Promise<string>;
}

/** Starts a process of its own that opens the file. */
function opener(filename: string): Opener {
  const script = join(import.meta.dirname, 'open-store.ts');
  const child = spawn(process.execPath, ['--conditions=latchkey-source', script, filename], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const { done, value } = await lines.next();
    return done === true ? '' : value;
  };
  return {
    ready: line().then((first) => assert.equal(first, 'ready')),
    open: async () => {
      child.stdin.end('go');
      return await line();
    },
  };
}

for (const round of [1, 2, 3]) {
  test(`four processes that open a new database at once all succeed, and find one log (${round})`, async () => {
    const openers = Array.from({ length: 4 }, () => opener(join(folder, `together-${round}.db`)));
    await Promise.all(openers.map(async ({ ready }) => await ready));
    const epochs = await Promise.all(openers.map(async ({ open }) => await open()));
    assert.match(epochs[0] ?? '', /^[\w-]{22}$/);
    assert.equal(new Set(epochs).size, 1);
  });
}
