import assert from 'node:assert/strict';
import type { Cursor, Entry, FloorScope, Position, Scope } from '@latchkey/verify';
import type { NewEntry } from '../records.ts';
import type { Store } from '../store.ts';
import { createSession, DAY, inTurns, NOW, only, sampleEntry, sampleId } from './samples.ts';
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
  return (await store.transaction(async (tables) => await tables.log.append(entries))).entries;
}

/** The log: one order, one snapshot, floors that only rise. */
export function logConformance(test: StoreTest): void {
  appending(test);
  order(test);
  pulling(test);
  purging(test);
  floors(test);
  epochs(test);
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

  test('appending nothing is a wrong call and takes no position', async (store) => {
    const before = await store.log.head();
    await assert.rejects(append(store), TypeError);
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
        const { entries } = await tables.log.append(
          Array.from({ length: 1 + (index % 3) }, () => sampleEntry()),
        );
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
      cursor = { epoch: pull.epoch, seq: pull.head, tag: pull.tag };
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
    const pull = await store.log.pull(null, NOW);
    assert.deepEqual({ epoch: pull.epoch, seq: pull.head, tag: pull.tag }, head);
    assert.equal(pull.whole, true);
    assert.equal(pull.age, 0);
    assert.deepEqual(pull.entries, appended);
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

  test('a pull at the head answers the head and no entries, also where the last entry is gone', async (store) => {
    await append(store, sampleEntry({ expiresAt: NOW - 1 }));
    const cursor = await store.log.head();
    for (const purged of [0, 1]) {
      assert.equal(await store.log.purge(NOW, purged), purged);
      const pull = await store.log.pull(cursor, NOW);
      assert.deepEqual([pull.head, pull.whole, pull.entries], [cursor.seq, false, []]);
    }
  });

  test('a pull with a cursor above the head answers the whole live set (@rule R8)', async (store) => {
    const appended = await append(store, sampleEntry());
    const { epoch, seq, tag } = await store.log.head();
    const pull = await store.log.pull({ epoch, seq: seq + 1_000, tag }, NOW);
    assert.deepEqual([pull.head, pull.whole, pull.rewritten], [seq, true, false]);
    assert.deepEqual(pull.entries, appended);
  });

  test('a pull whose cursor has another tag than stands there answers the whole live set, and says so (@rule R8)', async (store) => {
    const appended = await append(store, sampleEntry(), sampleEntry());
    const { epoch, seq, tag } = await store.log.head();
    for (const at of [seq, seq - 1]) {
      const pull = await store.log.pull({ epoch, seq: at, tag: tag + 1 }, NOW);
      assert.deepEqual([pull.whole, pull.rewritten], [true, true]);
      assert.deepEqual(pull.entries, appended);
    }
  });

  test('a pull whose cursor stood at an entry that is gone answers the whole live set (@rule R8)', async (store) => {
    await append(store, sampleEntry({ expiresAt: NOW - 1 }));
    const cursor = await store.log.head();
    const appended = await append(store, sampleEntry());
    assert.equal(await store.log.purge(NOW, 10), 1);
    const pull = await store.log.pull(cursor, NOW);
    assert.deepEqual([pull.whole, pull.rewritten], [true, false]);
    assert.deepEqual(pull.entries, appended);
  });

  test('a pull with a cursor of another epoch answers the whole live set', async (store) => {
    const appended = await append(store, sampleEntry());
    const { seq, tag } = await store.log.head();
    const pull = await store.log.pull({ epoch: 'of another history', seq, tag }, NOW);
    assert.deepEqual([pull.whole, pull.rewritten], [true, false]);
    assert.deepEqual(pull.entries, appended);
  });

  test('a pull leaves out what has expired', async (store) => {
    const cursor = await store.log.head();
    const [, live] = await append(
      store,
      // By the time that is handed in and by the store's own, whichever it goes by.
      sampleEntry({ expiresAt: NOW - 5_000 * DAY }),
      sampleEntry({ expiresAt: NOW + 1 }),
      sampleEntry({ expiresAt: NOW - 10_000 * DAY }),
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

function epochs(test: StoreTest): void {
  test('the first epoch starts at the head that it was made with', async (store) => {
    const { epoch, seq } = await store.log.head();
    const pull = await store.log.pull(null, NOW);
    assert.deepEqual(
      [pull.epoch, pull.epochStart, pull.cause, pull.previous, pull.succeeded],
      [epoch, seq, 'first', null, false],
    );
  });

  for (const cause of ['failover', 'restore'] as const) {
    test(`an epoch after a ${cause} is above every position ever given, by count and by clock (@rule R8)`, async (store) => {
      await append(store, sampleEntry());
      const before = await store.log.head();
      assert.equal(await store.log.beginEpoch(before.epoch, cause, 0), true);
      const counted = await store.log.pull(null, NOW);
      assert.equal(counted.epochStart, before.seq + 2 ** 20);
      assert.equal(counted.head, counted.epochStart);
      assert.deepEqual(
        [counted.cause, counted.previous?.epoch, counted.previous?.seq],
        [cause, before.epoch, before.seq],
      );
      const later = NOW + 400 * DAY;
      assert.equal(await store.log.beginEpoch(counted.epoch, cause, later), true);
      const clocked = await store.log.pull(null, NOW);
      assert.equal(clocked.epochStart, Math.floor(later / 1_000) * 2 ** 20);
      assert.equal(only(await append(store, sampleEntry())).seq, clocked.head + 1);
    });
  }

  test('of fifty who begin an epoch after the same one, one does (@rule R8)', async (store) => {
    const { epoch } = await store.log.head();
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, async () => await store.log.beginEpoch(epoch, 'failover', NOW)),
    );
    assert.equal(outcomes.filter((won) => won).length, 1);
    assert.notEqual((await store.log.head()).epoch, epoch);
  });

  test('where an epoch ended is known for a year, whoever has missed those after it', async (store) => {
    const ends: { readonly epoch: string; readonly seq: number }[] = [];
    const begin = async (cause: 'failover' | 'restore', at: number): Promise<void> => {
      ends.push(await store.log.head());
      assert.ok(await store.log.beginEpoch(ends.at(-1)?.epoch ?? '', cause, at));
    };
    const known = async (): Promise<readonly unknown[]> =>
      await Promise.all(
        ends.map(async ({ epoch }) => {
          const end = await store.log.endOf(epoch);
          return end === null ? null : [end.seq, end.restored];
        }),
      );
    assert.equal(await store.log.endOf((await store.log.head()).epoch), null);
    await begin('failover', NOW);
    await begin('failover', NOW + DAY);
    assert.deepEqual(
      await known(),
      ends.map(({ seq }) => [seq, false]),
    );
    assert.equal(await store.log.endOf((await store.log.head()).epoch), null);
    await begin('restore', NOW + 2 * DAY);
    await begin('failover', NOW + 3 * DAY);
    assert.deepEqual(
      await known(),
      ends.map(({ seq }, index) => [seq, index < 3]),
    );
    await begin('failover', NOW + 366 * DAY);
    assert.deepEqual(
      await known(),
      ends.map(({ seq }, index) => (index === 0 ? null : [seq, index < 3])),
    );
  });

  test('after a failover what was revoked is still told, and nothing else is dead (@rule R8)', async (store) => {
    const appended = await append(store, sampleEntry());
    const before = await store.log.head();
    await store.log.beginEpoch(before.epoch, 'failover', NOW);
    const pull = await store.log.pull(before, NOW);
    assert.deepEqual([pull.whole, pull.rewritten], [true, false]);
    assert.deepEqual(pull.entries, appended);
    assert.equal(await store.log.floor('all', ''), null);
  });

  test('after a restore all that is older is dead, and what begins then is not (@rule R8)', async (store) => {
    const old = await createSession(store, { rs: (await store.log.head()).seq });
    await store.log.beginEpoch((await store.log.head()).epoch, 'restore', NOW);
    const { epochStart } = await store.log.pull(null, NOW);
    assert.equal(await store.log.floor('all', ''), epochStart);
    assert.equal((await store.sessions.read(old.id))?.floor, epochStart);
    const { id } = await createSession(store, { rs: (await store.log.head()).seq });
    const reading = await store.sessions.read(id);
    assert.ok(reading !== null && (reading.floor ?? 0) <= reading.session.rs);
    assert.deepEqual(await store.signingKeys.list(), []);
  });
}
