import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { SqliteDatabase } from './sqlite-database.ts';
import { watchDatabase } from './sqlite-hints.ts';

describe('what is heard of a file (@rule R4)', () => {
  let folder = '';
  let filename = '';
  const open: SqliteDatabase[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latchkey-hints-'));
    filename = join(folder, 'app.db');
    await connect();
    write(only(), 'create table line (nr integer)');
  });

  after(async () => {
    for (const database of open) database.close();
    await rm(folder, { recursive: true });
  });

  async function connect(): Promise<SqliteDatabase> {
    const database = new SqliteDatabase({ filename, name: 'the file' });
    await database.open();
    open.push(database);
    return database;
  }

  function only(): SqliteDatabase {
    const [first] = open;
    assert.ok(first !== undefined);
    return first;
  }

  function write(database: SqliteDatabase, sql = 'insert into line values (1)'): void {
    database.execute(sql, []);
  }

  /** A watcher that counts, and can be waited for. */
  function watching(database: SqliteDatabase, path: string | null = filename) {
    const heard: number[] = [];
    const stop = watchDatabase(database, path, () => void heard.push(heard.length));
    return {
      stop,
      heard,
      until: async (times: number) => {
        while (heard.length < times) await setImmediate();
      },
    };
  }

  test('is told of what another connection has written, and not of its own', async () => {
    const [here, there] = [await connect(), await connect()];
    const watcher = watching(here);
    write(here);
    write(there);
    await watcher.until(1);
    write(there);
    await watcher.until(2);
    write(here);
    write(there);
    await watcher.until(3);
    assert.equal(watcher.heard.length, 3);
    watcher.stop();
  });

  test('misses nothing where the system says nothing of the log beside the file', async () => {
    const [here, there] = [await connect(), await connect()];
    for (const path of [null, join(folder, 'not here', 'app.db')]) {
      const watcher = watching(here, path);
      write(there);
      await watcher.until(1);
      watcher.stop();
    }
  });

  test('is told nothing once it is stopped, nor where the file is closed', async () => {
    const [here, there, closed] = [await connect(), await connect(), await connect()];
    const [watcher, stopped] = [watching(here), watching(here)];
    stopped.stop();
    const unheard = watching(closed);
    closed.close();
    write(there);
    await watcher.until(1);
    write(there);
    await watcher.until(2);
    assert.equal(stopped.heard.length, 0);
    assert.equal(unheard.heard.length, 0);
    unheard.stop();
    watcher.stop();
  });
});
