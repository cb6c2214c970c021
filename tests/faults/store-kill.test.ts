import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { findId } from '../../packages/latchkey/src/foundation/ids.ts';
import { sqlite } from '../../packages/latchkey/src/stores/sql/sqlite.ts';
import type { Store } from '../../packages/latchkey/src/stores/store.ts';

const ROUNDS = 15;
const folder = mkdtempSync(join(tmpdir(), 'latchkey-'));
after(() => rmSync(folder, { recursive: true }));

interface Acknowledged {
  readonly id: string;
  readonly seq: number;
}

/** Lets a process write until it is killed, at a moment that it cannot choose. */
async function writeAndKill(filename: string): Promise<readonly Acknowledged[]> {
  const script = join(import.meta.dirname, 'store-writer.ts');
  const child = spawn(process.execPath, ['--conditions=latchkey-source', script, filename], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = text(child.stdout);
  const exit = once(child, 'exit');
  await once(child.stdout, 'data');
  await setTimeout(randomInt(5, 60));
  child.kill('SIGKILL');
  assert.deepEqual(await exit, [null, 'SIGKILL']);
  // A line that the kill cut short tells of something that was acknowledged all the same.
  const lines = (await output).split('\n').filter((line) => /^[\w-]{22} \d{16}$/.test(line));
  return lines.map((line) => ({ id: line.slice(0, 22), seq: Number(line.slice(23)) }));
}

async function assertKept(store: Store, acknowledged: readonly Acknowledged[]): Promise<void> {
  const { entries, head } = await store.log.pull(null, Date.now());
  const subjects = new Map(entries.map(({ seq, subject }) => [seq, subject]));
  for (const { id, seq } of acknowledged) {
    const userId = findId<'user'>(id);
    assert.ok(userId !== null);
    assert.notEqual(await store.users.find(userId), null, `user ${id} was acknowledged and is gone`);
    assert.notEqual(await store.passwords.find(userId), null, `the password of ${id} is gone`);
    assert.equal(subjects.get(seq), id, `entry ${seq} was acknowledged and is gone`);
  }
  const positions = entries.map(({ seq }) => seq);
  const [first = head] = positions;
  assert.deepEqual(
    positions,
    Array.from({ length: head - first + 1 }, (_, index) => first + index),
  );
}

/** Looks at the tables themselves: the store has no way to ask for what must not be there. */
function assertNothingHalf(filename: string): void {
  const database = new DatabaseSync(filename);
  const half = database
    .prepare(
      `SELECT count(*) AS count FROM account
       LEFT JOIN password ON password.user_id = account.id
       LEFT JOIN revocation ON revocation.subject = account.id
       WHERE password.user_id IS NULL OR revocation.seq IS NULL`,
    )
    .get();
  assert.equal(half?.['count'], 0, 'a user is there without what was written in the same transaction');
  assert.deepEqual(database.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok');
  database.close();
}

test('what was acknowledged outlives kill -9, and nothing is half there (@fault F2)', async () => {
  const filename = join(folder, 'latchkey.db');
  const acknowledged: Acknowledged[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    acknowledged.push(...(await writeAndKill(filename)));
    const store = sqlite(filename);
    await store.open(Date.now());
    await assertKept(store, acknowledged);
    await store.close();
    assertNothingHalf(filename);
  }
  assert.ok(acknowledged.length > ROUNDS, `only ${acknowledged.length} were acknowledged`);
});
