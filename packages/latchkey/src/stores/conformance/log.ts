import assert from 'node:assert/strict';
import type { Cursor, Entry, FloorScope, Position, Scope } from '@latchkey/verify';
import type { NewEntry, Store } from '../store.ts';
import { DAY, inTurns, NOW, only, sampleEntry, sampleId } from './samples.ts';
import type { StoreTest } from './store-test.ts';

const SCOPES: readonly Scope[] = [
  'session',
  'user',
  'client',
  'organisation',
  'api_key',
  'signing_key',
  'all',
];
const FLOOR_SCOPES: readonly FloorScope[] = ['user', 'client', 'organisation', 'all'];

class RollBack extends Error {}

async function append(store: Store, ...entries: NewEntry[]): Promise<readonly Entry[]> {
  return await store.transaction(async (tables) => await tables.log.append(entries));
}

/** The log: one order, one snapshot, floors that only rise. */
export function logConformance(test: StoreTest): void {
  appending(test);
  order(test);
  pulling(test);
  purging(test);
  floors(test);
}

function appending(test: StoreTest): void {
  test('positions follow the head, one by one, in the order of the entries', async (store) => {
    const { seq } = await store.log.head();
    const entries = [sampleEntry(), sampleEntry({ kind: 'changed' }), sampleEntry()];
    const appended = await append(store, ...entries);
    assert.deepEqual(
      appended,
      entries.map((entry, index) => ({ ...entry, seq: seq + 1 + index })),
    );
    assert.equal((await store.log.head()).seq, seq + 3);
  });

  test('an entry comes back as it was written, of each scope', async (store) => {
    const entries = SCOPES.map((scope) =>
      sampleEntry({ scope, subject: scope === 'all' ? '' : sampleId(), kind: 'changed' }),
    );
    const appended = await append(store, ...entries);
    assert.deepEqual((await store.log.pull(null, NOW)).entries, appended);
  });

  test('appending nothing takes no position', async (store) => {
    const before = await store.log.head();
    assert.deepEqual(await append(store), []);
    assert.deepEqual(await store.log.head(), before);
  });

  test('appending outside a transaction is a wrong call', async (store) => {
    const before = await store.log.head();
    await assert.rejects(store.log.append([sampleEntry()]), TypeError);
    assert.deepEqual(await store.log.head(), before);
  });
}

function order(test: StoreTest): void {
  test('positions are without gaps and in the order of commits, also when others roll back', async (store) => {
    const start = await store.log.head();
    const committed: Position[] = [];
    const writer = async (index: number): Promise<void> => {
      const work = store.transaction(async (tables) => {
        for (let step = 0; step < index % 7; step += 1) await tables.meta.put(`writer ${index}`, `${step}`);
        const entries = await tables.log.append(Array.from({ length: 1 + (index % 3) }, () => sampleEntry()));
        if (index % 4 === 0) throw new RollBack();
        return entries;
      });
      if (index % 4 === 0) await assert.rejects(work, RollBack);
      else committed.push(...(await work).map((entry) => entry.seq));
    };
    // Each begins its next when its last has ended, so that pulls come in between.
    const writers = inTurns(8, 15, writer);
    const state = { writing: true };
    const written = writers.finally(() => {
      state.writing = false;
    });
    const followed: Position[] = [];
    let cursor: Cursor = start;
    const follow = async (): Promise<void> => {
      const pull = await store.log.pull(cursor, NOW);
      followed.push(...pull.entries.map((entry) => entry.seq));
      cursor = { epoch: pull.epoch, seq: pull.head };
    };
    while (state.writing) await follow();
    await written;
    await follow();

    const expected = Array.from({ length: committed.length }, (_, index) => start.seq + 1 + index);
    assert.deepEqual(
      committed.toSorted((left, right) => left - right),
      expected,
    );
    // A position that appeared below a head that was read before would be missing here.
    assert.deepEqual(followed, expected);
  });
}

function pulling(test: StoreTest): void {
  test('a pull without a cursor answers the whole live set', async (store) => {
    const appended = await append(store, sampleEntry(), sampleEntry());
    const head = await store.log.head();
    assert.deepEqual(await store.log.pull(null, NOW), {
      epoch: head.epoch,
      head: head.seq,
      now: NOW,
      whole: true,
      entries: appended,
    });
  });

  test('a pull with a cursor answers what came after it', async (store) => {
    await append(store, sampleEntry());
    const cursor = await store.log.head();
    const appended = await append(store, sampleEntry(), sampleEntry());
    const pull = await store.log.pull(cursor, NOW);
    assert.equal(pull.whole, false);
    assert.equal(pull.head, cursor.seq + 2);
    assert.deepEqual(pull.entries, appended);
  });

  test('a pull at the head, or above it, answers the head and no entries', async (store) => {
    await append(store, sampleEntry());
    const { epoch, seq } = await store.log.head();
    for (const at of [seq, seq + 1_000]) {
      const pull = await store.log.pull({ epoch, seq: at }, NOW);
      assert.deepEqual(pull, { epoch, head: seq, now: NOW, whole: false, entries: [] });
    }
  });

  test('a pull with a cursor of another epoch answers the whole live set', async (store) => {
    const appended = await append(store, sampleEntry());
    const { seq } = await store.log.head();
    const pull = await store.log.pull({ epoch: 'of another history', seq }, NOW);
    assert.equal(pull.whole, true);
    assert.deepEqual(pull.entries, appended);
  });

  test('a pull leaves out what has expired', async (store) => {
    const cursor = await store.log.head();
    const [, live] = await append(
      store,
      sampleEntry({ expiresAt: NOW }),
      sampleEntry({ expiresAt: NOW + 1 }),
      sampleEntry({ expiresAt: NOW - DAY }),
    );
    assert.deepEqual((await store.log.pull(null, NOW)).entries, [live]);
    assert.deepEqual((await store.log.pull(cursor, NOW)).entries, [live]);
  });
}

function purging(test: StoreTest): void {
  test('purging deletes what has expired, at most as many as were asked for, and no position', async (store) => {
    const dead = Array.from({ length: 5 }, () => sampleEntry({ expiresAt: NOW - 1 }));
    const appended = await append(store, ...dead, sampleEntry());
    const head = await store.log.head();
    assert.equal(await store.log.purge(NOW, 3), 3);
    assert.equal(await store.log.purge(NOW, 3), 2);
    assert.equal(await store.log.purge(NOW, 3), 0);
    // Asked at a time at which all were alive, so that only what was deleted is missing.
    assert.deepEqual((await store.log.pull(null, NOW - DAY)).entries, appended.slice(5));
    assert.deepEqual(await store.log.head(), head);
    assert.equal(only(await append(store, sampleEntry())).seq, head.seq + 1);
  });
}

function floors(test: StoreTest): void {
  test('there is no floor before one is raised', async (store) => {
    for (const scope of FLOOR_SCOPES) assert.equal(await store.log.floor(scope, sampleId()), null);
  });

  test('a floor is of its scope and its subject', async (store) => {
    const subject = sampleId();
    for (const [index, scope] of FLOOR_SCOPES.entries()) {
      await store.log.raiseFloor(scope, scope === 'all' ? '' : subject, 100 + index);
    }
    for (const [index, scope] of FLOOR_SCOPES.entries()) {
      assert.equal(await store.log.floor(scope, scope === 'all' ? '' : subject), 100 + index);
    }
    assert.equal(await store.log.floor('user', sampleId()), null);
  });

  test('a floor is never lowered', async (store) => {
    const subject = sampleId();
    await store.log.raiseFloor('user', subject, 7);
    await store.log.raiseFloor('user', subject, 6);
    assert.equal(await store.log.floor('user', subject), 7);
    await store.log.raiseFloor('user', subject, 8);
    assert.equal(await store.log.floor('user', subject), 8);
  });

  test('of fifty floors raised at once the highest stays', async (store) => {
    const subject = sampleId();
    const positions = Array.from({ length: 50 }, (_, index) => 1 + ((index * 37) % 50));
    await Promise.all(
      positions.map(async (position) => await store.log.raiseFloor('user', subject, position)),
    );
    assert.equal(await store.log.floor('user', subject), 50);
  });

  test('positions are exact as far as a double is', async (store) => {
    await store.log.raiseFloor('all', '', Number.MAX_SAFE_INTEGER);
    assert.equal(await store.log.floor('all', ''), Number.MAX_SAFE_INTEGER);
    await store.log.raiseFloor('all', '', Number.MAX_SAFE_INTEGER - 1);
    assert.equal(await store.log.floor('all', ''), Number.MAX_SAFE_INTEGER);
  });
}
