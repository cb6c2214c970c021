import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { idFromBytes } from '../../packages/latchkey/src/foundation/ids.ts';
import { ROOT_KEY } from '../../packages/latchkey/src/stores/records.ts';
import { sqlite } from '../../packages/latchkey/src/stores/sql/sqlite.ts';
import type { Store } from '../../packages/latchkey/src/stores/store.ts';
import { temporaryFolder } from '../server/process.ts';

const NOW = Date.now();
const folder = temporaryFolder();
after(() => folder.remove());

async function addUsers(store: Store, first: number, count: number): Promise<void> {
  await store.transaction(async (tables) => {
    for (let index = first; index < first + count; index += 1) {
      const bytes = Buffer.alloc(16);
      bytes.writeUInt32BE(index, 12);
      await tables.users.create({
        id: idFromBytes(bytes),
        email: `${index}@example.com`,
        emailKey: `${index}@example.com`,
        name: null,
        emailVerifiedAt: null,
        createdAt: NOW,
        disabledAt: null,
        fields: '{}',
      });
    }
  });
}

test('a restore that is killed half-way leaves what was there (@fault F2, F23)', async () => {
  const filename = join(folder.path, 'latchkey.db');
  const backup = join(folder.path, 'backup');
  const store = sqlite(filename);
  await store.open(NOW);
  await store.meta.put(ROOT_KEY, 'root');
  // More than SQLite keeps in memory, so that a part of it is in the write-ahead log already.
  await addUsers(store, 0, 30_000);
  writeFileSync(backup, (await Array.fromAsync(store.backup(NOW))).map((line) => `${line}\n`).join(''));
  await addUsers(store, 30_000, 5);
  const before = await Array.fromAsync(store.backup(NOW));
  const head = await store.log.head();
  await store.close();

  const script = join(import.meta.dirname, 'restore-writer.ts');
  const child = spawn(process.execPath, ['--conditions=latchkey-source', script, backup, filename], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const [told] = (await Promise.race([once(child.stdout, 'data'), ended])) as [Buffer | null];
  assert.equal(String(told), 'half-way\n');
  child.kill('SIGKILL');
  assert.deepEqual(await ended, [null, 'SIGKILL']);

  await store.open(NOW);
  assert.deepEqual(await Array.fromAsync(store.backup(NOW)), before);
  assert.deepEqual(await store.log.head(), head);
  await store.close();
  const database = new DatabaseSync(filename);
  assert.equal(database.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok');
  database.close();
});
