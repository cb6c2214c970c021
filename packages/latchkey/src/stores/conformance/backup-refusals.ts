import assert from 'node:assert/strict';
import { ROOT_KEY } from '../records.ts';
import { StoreRefused } from '../store.ts';
import { backUp, fill, from, OPTIONS, restore, written } from './backed-up.ts';
import { createSession, NOW, sampleId, sampleUser } from './samples.ts';
import type { StoreTest } from './store-test.ts';

type Mangle = (lines: readonly string[]) => readonly string[];

const MANGLED: readonly (readonly [title: string, mangle: Mangle, says: RegExp])[] = [
  ['is empty', () => [], /empty/],
  ['is something else', () => ['Dear diary'], /none of Latchkey/],
  ['is JSON of something else', () => ['{"format":"diary"}'], /none of Latchkey/],
  ['lacks its last line', (lines) => lines.slice(0, -1), /cut off/],
  ['lacks a row', (lines) => lines.toSpliced(3, 1), /not as it was written/],
  ['has a row twice', (lines) => lines.toSpliced(3, 0, lines[3] ?? ''), /not as it was written/],
  ['has a row after its last line', (lines) => [...lines, lines[3] ?? ''], /not as it was written/],
  ['ends twice', (lines) => [...lines, lines.at(-1) ?? ''], /not as it was written/],
  ['has a half row', (lines) => lines.with(3, (lines[3] ?? '').slice(0, 20)), /not as it was written/],
  [
    'has another role in it',
    (lines) => lines.map((line) => line.replace('"editor"', '"administrator"')),
    /not as it was written/,
  ],
  [
    'says of itself that it is older',
    (lines) => lines.with(0, (lines[0] ?? '').replace(`"at":${NOW}`, `"at":${NOW - 1}`)),
    /not as it was written/,
  ],
  [
    'is of a newer format',
    (lines) => written(lines, (header) => ({ ...header, version: 2 })),
    /of format 2, and this build knows 1: .*newer build/,
  ],
  [
    'is of a newer schema',
    (lines) => written(lines, (header) => ({ ...header, schema: 999 })),
    /of schema version 999, and this build knows \d+: .*newer build/,
  ],
  [
    'has a table that nobody knows',
    (lines) => written(lines, (header) => ({ ...header, tables: { spies: ['id'] } })),
    /not as it was written/,
  ],
  [
    'has a value that its column cannot have',
    (lines) =>
      written(
        lines,
        (same) => same,
        (rows) => rows.with(0, '["meta","key",7]'),
      ),
    /not as it was written/,
  ],
  [
    'has a row whose parent is not there',
    (lines) =>
      written(
        lines,
        (same) => same,
        (rows) => rows.map(ofNobody),
      ),
    /does not fit user_role/,
  ],
  [
    'says that its log stood where no clock can have brought it',
    (lines) => written(lines, (header) => ({ ...header, head: (OPTIONS.now / 1_000 + 86_402) * 2 ** 20 })),
    /its log stood at \d+, .*set the clock right, or take another copy/,
  ],
  [
    'says that its log stood where positions end',
    (lines) => written(lines, (header) => ({ ...header, head: 2 ** 53 - 2 ** 20 })),
    /its log stood at \d+/,
  ],
  [
    'needs another root secret',
    (lines) => written(lines, (header) => ({ ...header, root_keys: ['root', 'third'] })),
    /needs the root secret third \(here is root and older\).*LATCHKEY_SECRET=new,old/,
  ],
];

function ofNobody(line: string): string {
  const [table, , ...rest] = JSON.parse(line) as readonly string[];
  return table === 'user_role' ? JSON.stringify([table, sampleId(), ...rest]) : line;
}

/** Backups that are not restored, and databases that are not replaced: nothing is written then. */
export function backupRefusalConformance(test: StoreTest): void {
  for (const [title, mangle, says] of MANGLED) {
    test(`a backup that ${title} is refused, and nothing is written`, async (store) => {
      await fill(store);
      const lines = await backUp(store);
      await store.meta.put('later', 'value');
      const before = await backUp(store);
      await assert.rejects(restore(store, mangle(lines)), (error) => {
        assert.ok(error instanceof StoreRefused, String(error));
        assert.match(error.message, says);
        assert.match(error.message, /^[^\n]+$/);
        return true;
      });
      assert.deepEqual(await backUp(store), before);
    });
  }

  test('a database that is not empty is replaced where that was said, and only there', async (store) => {
    await fill(store);
    const lines = await backUp(store);
    const before = await backUp(store);
    await assert.rejects(restore(store, lines, { replace: false }), /not empty.*--replace/);
    assert.deepEqual(await backUp(store), before);
  });

  test('an empty one needs no such word', async (store) => {
    await store.meta.put(ROOT_KEY, 'root');
    await store.log.raiseFloor('all', '', 1);
    const lines = await backUp(store);
    assert.equal((await restore(store, lines, { replace: false })).rows['account'], 0);
  });

  test('a database with sessions alone is not empty', async (store) => {
    await store.meta.put(ROOT_KEY, 'root');
    await createSession(store);
    const lines = await backUp(store);
    await assert.rejects(restore(store, lines, { replace: false }), StoreRefused);
  });

  test('a backup that is another when it is read again changes nothing', async (store) => {
    await fill(store);
    const whole = await backUp(store);
    await store.users.create(sampleUser());
    const before = await backUp(store);
    for (const second of [whole.slice(0, -3), whole.slice(0, 1), []]) {
      const readings = [whole, second];
      await assert.rejects(
        store.restore(() => from(readings.shift() ?? []), OPTIONS),
        StoreRefused,
      );
      assert.deepEqual(await backUp(store), before);
    }
  });

  test('a reading that fails half-way changes nothing, and rejects with what it threw', async (store) => {
    await fill(store);
    const lines = await backUp(store);
    const error = new Error('the disk is gone');
    let readings = 0;
    async function* failing(): AsyncGenerator<string> {
      readings += 1;
      for (const [index, line] of lines.entries()) {
        if (readings === 2 && index === lines.length - 2) throw error;
        yield line;
      }
    }
    await assert.rejects(store.restore(failing, OPTIONS), error);
    assert.deepEqual(await backUp(store), lines);
  });

  test('there is nothing to back up where no server has worked', async (store) => {
    await assert.rejects(backUp(store), StoreRefused);
  });
}
