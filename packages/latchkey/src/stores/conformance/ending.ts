import assert from 'node:assert/strict';
import type { Appended, NewEntry, Standing } from '../records.ts';
import type { Store } from '../store.ts';
import { createSession, createUser, inTurns, only, sampleEntry, sampleId, storedSession } from './samples.ts';
import type { StoreTest } from './store-test.ts';

/** Entries that end something by themselves, and while what they rest on stands. */
export function endingConformance(test: StoreTest): void {
  ending(test);
  atOnce(test);
  standing(test);
}

function endingOf(session: string): NewEntry {
  return sampleEntry({ subject: session, ends: 'session' });
}

function ending(test: StoreTest): void {
  test('an entry ends its session, in a transaction or without one, and a second one does not move it (@rule R7)', async (store) => {
    const [first, second] = [await createSession(store), await createSession(store)];
    const alone = await store.log.append([endingOf(first.id)]);
    const inside = await store.transaction(async (tables) => await tables.log.append([endingOf(second.id)]));
    for (const [{ id }, { cursor, entries }] of [
      [first, alone],
      [second, inside],
    ] as const) {
      assert.equal((await storedSession(store, id)).revokedSeq, cursor.seq);
      assert.deepEqual(Object.keys(only(entries)).includes('ends'), false);
      await store.log.append([endingOf(id)]);
      assert.equal((await storedSession(store, id)).revokedSeq, cursor.seq);
    }
  });

  test('an entry raises the floor of its scope and subject, and never lowers it (@rule R7)', async (store) => {
    const user = await createUser(store);
    const entry = sampleEntry({ scope: 'user', subject: user.id, ends: 'floor' });
    const { cursor } = await store.log.append([entry]);
    assert.equal(await store.log.floor('user', user.id), cursor.seq);
    await store.log.raiseFloor('user', user.id, cursor.seq + 100);
    await store.log.append([entry]);
    assert.equal(await store.log.floor('user', user.id), cursor.seq + 100);
    const all = await store.log.append([sampleEntry({ scope: 'all', subject: '', ends: 'floor' })]);
    assert.equal(await store.log.floor('all', ''), all.cursor.seq);
  });

  test('each of many entries ends what is its own, and one that says nothing ends nothing', async (store) => {
    const sessions = [await createSession(store), await createSession(store), await createSession(store)];
    const user = sampleId<'user'>();
    const [first, second, third] = sessions.map(({ id }) => id);
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    const { entries } = await store.transaction(
      async (tables) =>
        await tables.log.append([
          endingOf(second),
          sampleEntry({ scope: 'user', subject: user, ends: 'floor' }),
          sampleEntry({ subject: third }),
          endingOf(first),
        ]),
    );
    const positions = entries.map(({ seq }) => seq);
    const ended = await Promise.all([first, second, third].map((id) => storedSession(store, id)));
    assert.deepEqual(
      ended.map(({ revokedSeq }) => revokedSeq),
      [positions[3], positions[0], null],
    );
    assert.equal(await store.log.floor('user', user), positions[1]);
  });

  test('an entry of a scope without floors raises none', async (store) => {
    const { seq } = await store.log.head();
    for (const scope of ['session', 'api_key', 'signing_key'] as const)
      await assert.rejects(store.log.append([sampleEntry({ scope, ends: 'floor' })]), TypeError);
    assert.equal((await store.log.head()).seq, seq);
  });
}

function atOnce(test: StoreTest): void {
  test('of fifty entries at once that end one session, the first ends it, and no position is left out', async (store) => {
    const { id } = await createSession(store);
    const { seq } = await store.log.head();
    const appended = await Promise.all(
      Array.from({ length: 50 }, async () => await store.log.append([endingOf(id)])),
    );
    const positions = appended.map(({ cursor }) => cursor.seq).toSorted((left, right) => left - right);
    assert.deepEqual(
      positions,
      Array.from({ length: 50 }, (_, index) => seq + 1 + index),
    );
    assert.equal((await storedSession(store, id)).revokedSeq, seq + 1);
    assert.equal((await store.log.pull(null, 0)).entries.length, 50);
  });

  test('those who end the same sessions in different orders all succeed', async (store) => {
    const sessions = await Promise.all(Array.from({ length: 5 }, async () => await createSession(store)));
    const entries = sessions.map(({ id }) => endingOf(id));
    const { seq } = await store.log.head();
    await inTurns(10, 3, async (index) => {
      await store.log.append(index % 2 === 0 ? entries : entries.toReversed());
    });
    assert.equal((await store.log.head()).seq, seq + 30 * entries.length);
  });
}

async function appendWhile(store: Store, standing: Standing): Promise<Appended | null> {
  return await store.log.append([endingOf(sampleId())], standing);
}

function standing(test: StoreTest): void {
  test('what is not so any more holds an entry back, and nothing of it is written (@rule R6)', async (store) => {
    const { id } = await createSession(store);
    await store.meta.put('grounds', 'new');
    const before = await store.log.head();
    for (const value of ['old', null]) {
      const attempt = store.log.append([endingOf(id)], { key: 'grounds', value });
      assert.equal(await attempt, null);
    }
    assert.equal(await appendWhile(store, { key: 'never written', value: 'new' }), null);
    assert.deepEqual(await store.log.head(), before);
    assert.equal((await storedSession(store, id)).revokedSeq, null);
    assert.notEqual(await appendWhile(store, { key: 'grounds', value: 'new' }), null);
    assert.notEqual(await appendWhile(store, { key: 'never written', value: null }), null);
  });

  test('whoever changes what entries rest on finds all of them before it that rest on it (@rule R6)', async (store) => {
    const key = 'grounds';
    await store.meta.put(key, '0');
    const changes: number[] = [];
    const change = async (): Promise<void> => {
      const head = await store.transaction(async (tables) => {
        await tables.meta.put(key, String(changes.length + 1));
        return (await tables.log.head()).seq;
      });
      changes.push(head);
    };
    const rested: { readonly value: number; readonly seq: number }[] = [];
    const append = async (): Promise<void> => {
      const value = await store.meta.find(key);
      const appended = await appendWhile(store, { key, value });
      if (appended !== null) rested.push({ value: Number(value), seq: appended.cursor.seq });
    };
    await inTurns(9, 20, async (index) => await (index < 20 ? change() : append()));
    assert.equal(changes.length, 20);
    for (const { value, seq } of rested) {
      const changedAt = changes[value] ?? Number.POSITIVE_INFINITY;
      assert.ok(seq <= changedAt, `${seq} rests on ${value}, which was changed at ${changedAt}`);
    }
    await append();
    assert.equal(rested.at(-1)?.value, 20);
  });
}
