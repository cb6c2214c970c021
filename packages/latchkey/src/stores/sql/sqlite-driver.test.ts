import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import { Kysely, sql } from 'kysely';
import { isFailure } from '../../errors.ts';
import type { Sleep } from './busy.ts';
import { SqliteDatabase } from './sqlite-database.ts';
import { kyselyDialect } from './sqlite-dialect.ts';
import { SqliteDriver } from './sqlite-driver.ts';

interface Tables {
  readonly item: { readonly name: string };
}

const folder = mkdtempSync(join(tmpdir(), 'latchkey-'));
after(() => rmSync(folder, { recursive: true }));

interface Opened {
  readonly filename: string;
  readonly driver: SqliteDriver;
  readonly db: Kysely<Tables>;
  readonly names: () => Promise<readonly string[]>;
}

async function openFile(file: string, sleep?: Sleep): Promise<Opened> {
  const filename = join(folder, file);
  const driver = new SqliteDriver(new SqliteDatabase({ filename, name: file }), sleep);
  await driver.open();
  const db = new Kysely<Tables>({ dialect: kyselyDialect(driver) });
  await db.schema.createTable('item').ifNotExists().addColumn('name', 'text').execute();
  const names = async (): Promise<readonly string[]> =>
    (await db.selectFrom('item').select('name').execute()).map(({ name }) => name);
  return { filename, driver, db, names };
}

describe('one connection', () => {
  test('a query outside a transaction waits until that has ended', async () => {
    const { driver, db, names } = await openFile('outside.db');
    let outside: Promise<readonly string[]> | undefined;
    const rolledBack = db.transaction().execute(async (transaction) => {
      await transaction.insertInto('item').values({ name: 'a' }).execute();
      outside = names();
      // Long enough for the query outside to run, if nothing held it back.
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error('stop');
    });
    await assert.rejects(rolledBack, /stop/);
    assert.deepEqual(await outside, []);
    await driver.close();
  });

  test('a statement that a failed transaction left behind is refused, not committed by itself', async () => {
    const { driver, db, names } = await openFile('behind.db');
    // The work fails a little later each time, so that a statement is due at every
    // step of the rollback.
    for (let delay = 0; delay < 60; delay += 1) {
      const late: Promise<unknown>[] = [];
      const failed = db.transaction().execute(async (transaction) => {
        for (let index = 0; index < 10; index += 1) {
          const insert = transaction.insertInto('item').values({ name: `${delay}` });
          late.push(insert.execute().catch((error: unknown) => error));
        }
        for (let step = 0; step < delay; step += 1) await Promise.resolve();
        throw new Error('stop');
      });
      await assert.rejects(failed, /stop/);
      assert.ok((await Promise.all(late)).at(-1) instanceof Error);
    }
    assert.deepEqual(await names(), []);
    await driver.close();
  });

  test('closing waits for the transaction that is open', async () => {
    const { filename, driver, db } = await openFile('closing.db');
    const { promise: going, resolve: go } = Promise.withResolvers<undefined>();
    const work = db.transaction().execute(async (transaction) => {
      await going;
      await transaction.insertInto('item').values({ name: 'a' }).execute();
    });
    const closed = driver.close();
    go(undefined);
    await Promise.all([work, closed]);
    const reader = new DatabaseSync(filename);
    assert.equal(reader.prepare('SELECT count(*) AS count FROM item').get()?.['count'], 1);
    reader.close();
  });

  test('a parameter that SQLite has no type for is a wrong call', async () => {
    const { driver, db } = await openFile('parameter.db');
    await assert.rejects(sql`select ${{ name: 'a' }}`.execute(db), TypeError);
    await driver.close();
  });
});

describe('another connection that writes', () => {
  test('is not seen by a transaction that reads, from its beginning on, and does not wait for it', async () => {
    const { filename, driver, db, names } = await openFile('snapshot.db');
    const reading = await db.startTransaction().setAccessMode('read only').execute();
    const other = new DatabaseSync(filename);
    other.exec("INSERT INTO item VALUES ('late')");
    other.close();
    assert.deepEqual(await reading.selectFrom('item').selectAll().execute(), []);
    await reading.rollback().execute();
    assert.deepEqual(await names(), ['late']);
    await driver.close();
  });

  test('is waited for, and meanwhile the thread is free', async () => {
    const { filename, driver, db, names } = await openFile('waiting.db');
    const other = new DatabaseSync(filename);
    other.exec('BEGIN IMMEDIATE');
    const inserted = db.insertInto('item').values({ name: 'alone' }).execute();
    const committed = db
      .transaction()
      .execute(async (transaction) => await transaction.insertInto('item').values({ name: 'b' }).execute());
    await new Promise((resolve) => setImmediate(resolve));
    other.exec(`INSERT INTO item VALUES ('other'); COMMIT`);
    await Promise.all([inserted, committed]);
    assert.deepEqual(await names(), ['other', 'alone', 'b']);
    other.close();
    await driver.close();
  });

  test('and does not stop is LK_STORE_UNAVAILABLE, and the store goes on afterwards', async () => {
    const { filename, driver, db, names } = await openFile('stuck.db', async () => {});
    const other = new DatabaseSync(filename);
    other.exec('BEGIN IMMEDIATE');
    const insert = db.insertInto('item').values({ name: 'a' });
    const isUnavailable = (error: unknown): boolean => isFailure(error, 'LK_STORE_UNAVAILABLE');
    await assert.rejects(insert.execute(), isUnavailable);
    await assert.rejects(
      db.transaction().execute(async () => {}),
      isUnavailable,
    );
    // Readers are not held up by a writer.
    assert.deepEqual(await names(), []);
    other.exec('ROLLBACK');
    await insert.execute();
    assert.deepEqual(await names(), ['a']);
    other.close();
    await driver.close();
  });
});

test('a full disk is LK_STORE_UNAVAILABLE, keeps nothing of the transaction and leaves reading alone (@fault F6)', async () => {
  const { driver, db, names } = await openFile('full.db');
  await db.insertInto('item').values({ name: 'before' }).execute();
  // The limit of a database's size is what a full disk looks like from inside.
  await sql`PRAGMA max_page_count = 1`.execute(db);
  const work = db.transaction().execute(async (transaction) => {
    await transaction.insertInto('item').values({ name: 'small' }).execute();
    await transaction
      .insertInto('item')
      .values({ name: 'x'.repeat(100_000) })
      .execute();
  });
  await assert.rejects(work, (error) => isFailure(error, 'LK_STORE_UNAVAILABLE'));
  assert.deepEqual(await names(), ['before']);
  await sql`PRAGMA max_page_count = 1000000`.execute(db);
  await db.insertInto('item').values({ name: 'after' }).execute();
  assert.deepEqual(await names(), ['before', 'after']);
  await driver.close();
});
