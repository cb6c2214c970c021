import assert from 'node:assert/strict';
import { createSession, NOW, sampleEntry, samplePassword, sampleSession, sampleUser } from './samples.ts';
import type { StoreTest } from './store-test.ts';

class Stop extends Error {}

/** All or nothing, and nothing of it before it is all. */
export function transactionConformance(test: StoreTest): void {
  test('a transaction keeps all that it wrote, and answers what its work answers', async (store) => {
    const user = sampleUser();
    const answer = await store.transaction(async (tables) => {
      await tables.users.create(user);
      await tables.passwords.put(samplePassword(user.id));
      return 'done';
    });
    assert.equal(answer, 'done');
    assert.deepEqual(await store.users.find(user.id), user);
    assert.notEqual(await store.passwords.find(user.id), null);
  });

  test('a transaction reads what it has written', async (store) => {
    const user = sampleUser();
    await store.transaction(async (tables) => {
      await tables.users.create(user);
      assert.deepEqual(await tables.users.find(user.id), user);
    });
  });

  test('a transaction whose work fails keeps nothing, and rejects with what the work threw', async (store) => {
    const before = await store.log.head();
    const user = sampleUser();
    const session = sampleSession({ userId: user.id });
    const error = new Stop();
    const work = store.transaction(async (tables) => {
      await tables.users.create(user);
      await tables.passwords.put(samplePassword(user.id));
      await tables.users.assignRole(user.id, 'admin');
      await tables.sessions.create(session);
      await tables.data.write(session.id, 'cart', '[]', 0);
      await tables.attempts.count(user.id, NOW);
      await tables.meta.put('key', 'value');
      const { cursor } = await tables.log.append([sampleEntry()]);
      await tables.log.raiseFloor('user', user.id, cursor.seq);
      throw error;
    });
    await assert.rejects(work, error);
    assert.equal(await store.users.find(user.id), null);
    assert.equal(await store.passwords.find(user.id), null);
    assert.equal(await store.users.countWithRole('admin'), 0);
    assert.equal(await store.sessions.read(session.id), null);
    assert.equal((await store.data.read(session.id)).size, 0);
    assert.equal(await store.attempts.count(user.id, NOW), 1);
    assert.equal(await store.meta.find('key'), null);
    assert.equal(await store.log.floor('user', user.id), null);
    assert.deepEqual(await store.log.head(), before);
    assert.deepEqual((await store.log.pull(null, NOW)).entries, []);
  });

  test('a transaction in which the store refuses a statement keeps nothing', async (store) => {
    const session = await createSession(store);
    const user = sampleUser();
    await assert.rejects(
      store.transaction(async (tables) => {
        await tables.users.create(user);
        await tables.sessions.create(session);
      }),
    );
    assert.equal(await store.users.find(user.id), null);
  });

  test('the store goes on after a transaction that failed', async (store) => {
    await assert.rejects(
      store.transaction(async () => {
        throw new Stop();
      }),
      Stop,
    );
    await store.transaction(async (tables) => await tables.meta.put('key', 'value'));
    assert.equal(await store.meta.find('key'), 'value');
  });

  test('a reader outside sees nothing of a transaction that fails later', async (store) => {
    const user = sampleUser();
    let outside: Promise<unknown> = Promise.resolve();
    const work = store.transaction(async (tables) => {
      await tables.users.create(user);
      // Not awaited here: a store with one connection answers when that is free.
      outside = store.users.find(user.id);
      await tables.passwords.put(samplePassword(user.id));
      throw new Stop();
    });
    await assert.rejects(work, Stop);
    assert.equal(await outside, null);
  });

  test('a reader outside who sees one row of a transaction sees all of it', async (store) => {
    const users = Array.from({ length: 50 }, () => sampleUser());
    const seen: boolean[] = [];
    await Promise.all(
      users.flatMap((user) => [
        store.transaction(async (tables) => {
          await tables.users.create(user);
          await tables.passwords.put(samplePassword(user.id));
        }),
        (async () => {
          if ((await store.users.find(user.id)) === null) return;
          seen.push((await store.passwords.find(user.id)) !== null);
        })(),
      ]),
    );
    assert.ok(seen.every((whole) => whole));
  });

  test('nothing that a failed transaction left running is written', async (store) => {
    // The work fails a little later each time, so that a statement is due at every
    // step of the rollback.
    for (let delay = 0; delay < 60; delay += 1) {
      const late: Promise<unknown>[] = [];
      const work = store.transaction(async (tables) => {
        for (let index = 0; index < 5; index += 1) {
          late.push(tables.users.create(sampleUser()).catch((error: unknown) => error));
        }
        for (let step = 0; step < delay; step += 1) await Promise.resolve();
        throw new Stop();
      });
      await assert.rejects(work, Stop);
      await Promise.all(late);
    }
    assert.equal(await store.users.count(), 0);
  });
}
