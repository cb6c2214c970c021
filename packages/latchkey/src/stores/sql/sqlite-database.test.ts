import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { SqliteDatabase } from './sqlite-database.ts';

const folder = mkdtempSync(join(tmpdir(), 'latchkey-'));
after(() => rmSync(folder, { recursive: true }));

function inFolder(file: string): SqliteDatabase {
  return new SqliteDatabase({ filename: join(folder, file), name: file });
}

describe('an open file', () => {
  const pragmas: readonly (readonly [string, string | number])[] = [
    ['journal_mode', 'wal'],
    // FULL: a commit is on the disk before it is acknowledged.
    ['synchronous', 2],
    ['foreign_keys', 1],
    // The driver waits instead, without blocking the thread.
    ['busy_timeout', 0],
  ];
  for (const [pragma, expected] of pragmas) {
    test(`has ${pragma} ${expected}`, async () => {
      const database = inFolder(`${pragma}.db`);
      await database.open();
      const [row] = database.execute(`PRAGMA ${pragma}`, []).rows;
      assert.deepEqual(Object.values(row ?? {}), [expected]);
      database.close();
    });
  }

  test('is for its owner alone, and so is the log beside it', async () => {
    const database = inFolder('mode.db');
    await database.open();
    database.execute('CREATE TABLE a (b)', []);
    for (const suffix of ['', '-wal', '-shm']) {
      assert.equal(statSync(join(folder, `mode.db${suffix}`)).mode & 0o777, 0o600);
    }
    database.close();
  });

  test('is opened once, and again after it was closed', async () => {
    const database = inFolder('again.db');
    await database.open();
    database.execute('CREATE TABLE a (b)', []);
    await database.open();
    database.close();
    database.close();
    await database.open();
    assert.deepEqual(database.execute('SELECT * FROM a', []).rows, []);
    database.close();
  });
});

test('running a statement on a file that is not open is a wrong call', () => {
  assert.throws(() => inFolder('never.db').execute('SELECT 1', []), TypeError);
});

test('more texts of statements than are kept still run, each as itself', async () => {
  const database = new SqliteDatabase({ filename: ':memory:', name: 'memory' });
  await database.open();
  for (const round of [0, 1]) {
    for (let index = 0; index < 600; index += 1) {
      const { rows } = database.execute(`SELECT ${index} AS number`, []);
      assert.equal(rows[0]?.['number'], index, `round ${round}`);
    }
  }
  database.close();
});
