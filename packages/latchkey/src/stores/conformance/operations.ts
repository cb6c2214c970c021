import assert from 'node:assert/strict';
import type { FollowerRecord, ReceiptRecord } from '../records.ts';
import { createUser, DAY, NOW, sampleHash, sampleId, winners } from './samples.ts';
import type { StoreTest } from './store-test.ts';

/** What keeps a deployment running. */
export function operationsConformance(test: StoreTest): void {
  meta(test);
  locks(test);
  proofs(test);
  receipts(test);
  followers(test);
}

function meta(test: StoreTest): void {
  test('a value is found after it was put, new or changed', async (store) => {
    assert.equal(await store.meta.find('key'), null);
    await store.meta.put('key', 'first');
    await store.meta.put('key', 'second');
    await store.meta.put('other', '');
    assert.equal(await store.meta.find('key'), 'second');
    assert.equal(await store.meta.find('other'), '');
  });

  test('fifty who put a value once at the same time all get the one that was written', async (store) => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => await store.meta.putOnce('key', `${index}`)),
    );
    const written = await store.meta.find('key');
    assert.notEqual(written, null);
    assert.deepEqual(new Set(answers), new Set([written]));
    assert.equal(await store.meta.putOnce('key', 'late'), written);
  });
}

function locks(test: StoreTest): void {
  test('of fifty who read, add one and write under one lock, none is overwritten', async (store) => {
    const add = async (): Promise<void> =>
      await store.transaction(async (tables) => {
        await tables.lock('bounds');
        await tables.meta.put('count', String(Number((await tables.meta.find('count')) ?? 0) + 1));
      });
    await Promise.all(Array.from({ length: 50 }, add));
    assert.equal(await store.meta.find('count'), '50');
  });

  test('a lock ends with its transaction, also with one that fails', async (store) => {
    const error = new Error('stop');
    const failing = store.transaction(async (tables) => {
      await tables.lock('bounds');
      throw error;
    });
    await assert.rejects(failing, error);
    await store.transaction(async (tables) => await tables.lock('bounds'));
    // Whoever has it may ask again.
    await store.transaction(async (tables) => {
      await tables.lock('bounds');
      await tables.lock('bounds');
    });
  });

  test('a lock outside a transaction is a wrong call', async (store) => {
    await assert.rejects(store.lock('bounds'), TypeError);
  });
}

function proofs(test: StoreTest): void {
  test('of fifty who spend a proof at once, one does', async (store) => {
    const hash = sampleHash();
    await store.proofs.replace('setup', hash, NOW + DAY);
    assert.equal(await winners(50, async () => await store.proofs.spend('setup', hash, NOW)), 1);
    assert.equal(await store.proofs.find('setup', hash, NOW), false);
  });

  test('looking at a proof does not spend it', async (store) => {
    const hash = sampleHash();
    await store.proofs.replace('setup', hash, NOW + DAY);
    assert.equal(await store.proofs.find('setup', hash, NOW), true);
    assert.equal(await store.proofs.spend('setup', hash, NOW), true);
  });

  test('a proof is good until it expires', async (store) => {
    const hash = sampleHash();
    await store.proofs.replace('setup', hash, NOW);
    assert.equal(await store.proofs.find('setup', hash, NOW), false);
    assert.equal(await store.proofs.spend('setup', hash, NOW), false);
    assert.equal(await store.proofs.spend('setup', hash, NOW - 1), true);
  });

  test('another hash, one that was replaced and one that was removed are no proofs', async (store) => {
    const [first, second] = [sampleHash(), sampleHash()];
    await store.proofs.replace('setup', first, NOW + DAY);
    assert.equal(await store.proofs.spend('setup', sampleHash(), NOW), false);
    await store.proofs.replace('setup', second, NOW + DAY);
    assert.equal(await store.proofs.spend('setup', first, NOW), false);
    assert.equal(await store.proofs.find('setup', second, NOW), true);
    await store.proofs.remove('setup');
    assert.equal(await store.proofs.spend('setup', second, NOW), false);
    await store.proofs.remove('setup');
  });
}

function sampleReceipt(changes: Partial<ReceiptRecord> = {}): ReceiptRecord {
  return {
    id: sampleId<'receipt'>(),
    seq: 7,
    epoch: 'epoch',
    at: NOW,
    deadline: NOW + 5_000,
    tokensDeadBy: NOW + 6_000,
    holder: null,
    expiresAt: NOW + DAY,
    ...changes,
  };
}

function receipts(test: StoreTest): void {
  test('a receipt comes back as it was written', async (store) => {
    const user = await createUser(store);
    const holders = [null, { user: user.id }, { client: 'orders' }];
    for (const holder of holders) {
      const receipt = sampleReceipt({ holder });
      await store.receipts.create(receipt);
      assert.deepEqual(await store.receipts.find(receipt.id), receipt);
    }
    assert.equal(await store.receipts.find(sampleId()), null);
  });

  test('a receipt of a user who is deleted is gone with them, also where both happen at once', async (store) => {
    for (let round = 0; round < 10; round += 1) {
      const { id } = await createUser(store);
      const kept = Array.from({ length: 4 }, () => sampleReceipt({ holder: { user: id } }));
      const [first, ...others] = kept;
      if (first !== undefined) await store.receipts.create(first);
      await Promise.all([store.users.remove(id), ...others.map((each) => store.receipts.create(each))]);
      for (const each of kept) assert.equal(await store.receipts.find(each.id), null);
    }
  });

  test('a sweep deletes receipts that expired before, at most as many as were asked for', async (store) => {
    for (let index = 0; index < 5; index += 1) {
      await store.receipts.create(sampleReceipt({ expiresAt: NOW - 1 }));
    }
    const kept = sampleReceipt({ expiresAt: NOW });
    await store.receipts.create(kept);
    assert.equal(await store.receipts.sweep(NOW, 3), 3);
    assert.equal(await store.receipts.sweep(NOW, 3), 2);
    assert.equal(await store.receipts.sweep(NOW, 3), 0);
    assert.deepEqual(await store.receipts.find(kept.id), kept);
  });
}

function sampleFollower(changes: Partial<FollowerRecord> = {}): FollowerRecord {
  return {
    id: sampleId<'follower'>(),
    name: 'node',
    registeredAt: NOW,
    registeredSeq: 1,
    acknowledged: 1,
    seenAt: NOW,
    keptUntil: NOW,
    relay: null,
    ...changes,
  };
}

function followers(test: StoreTest): void {
  test('followers are listed as they were put, in the order of their registration', async (store) => {
    const late = sampleFollower({ registeredAt: NOW + 1, name: 'orders' });
    const early = sampleFollower();
    for (const follower of [late, early]) await store.followers.put(follower);
    assert.deepEqual(await store.followers.list(), [early, late]);
    await store.followers.remove(early.id);
    await store.followers.remove(sampleId());
    assert.deepEqual(await store.followers.list(), [late]);
  });

  test('a follower acknowledges more and never less, and keeps the time of its registration', async (store) => {
    const follower = sampleFollower({ acknowledged: 5 });
    await store.followers.put(follower);
    await store.followers.put({ ...follower, acknowledged: 9, seenAt: NOW + 1, registeredAt: NOW + 1 });
    assert.deepEqual(await store.followers.list(), [{ ...follower, acknowledged: 9, seenAt: NOW + 1 }]);
    await store.followers.put({ ...follower, acknowledged: 7, seenAt: NOW + 2 });
    assert.deepEqual(await store.followers.list(), [{ ...follower, acknowledged: 9, seenAt: NOW + 2 }]);
  });

  test('who follows through a follower is what its newest report says, in whatever order reports arrive', async (store) => {
    const remote = {
      id: sampleId<'follower'>(),
      client: 'orders',
      registeredAt: NOW,
      registeredSeq: 2,
      acknowledged: 3,
      seenAt: NOW + 1,
      acceptsUntilExpiry: false,
    };
    const first = { version: 1, ended: false, followers: [remote] };
    const second = {
      version: 2,
      ended: true,
      followers: [{ ...remote, acknowledged: 9, acceptsUntilExpiry: true }, remote],
    };
    const follower = sampleFollower();
    const relayOf = async () => (await store.followers.list()).map(({ relay }) => relay);
    await store.followers.put(follower);
    assert.deepEqual(await relayOf(), [null]);
    await store.followers.put({ ...follower, relay: second });
    await store.followers.put({ ...follower, relay: first });
    assert.deepEqual(await relayOf(), [second], 'one that was overtaken takes nothing back');
    await store.followers.put(follower);
    assert.deepEqual(await relayOf(), [second], 'who says nothing of them takes nothing back');
    await store.followers.put({ ...follower, relay: { version: 3, ended: false, followers: [] } });
    assert.deepEqual(await relayOf(), [{ version: 3, ended: false, followers: [] }]);
  });

  test('a sweep removes the followers that were not seen since, but for those that are to be kept', async (store) => {
    const gone = sampleFollower({ seenAt: NOW - 1 });
    const kept = sampleFollower({ seenAt: NOW - 1, keptUntil: NOW + 1, registeredAt: NOW + 1 });
    const here = sampleFollower({ seenAt: NOW, registeredAt: NOW + 2 });
    for (const follower of [gone, kept, here]) await store.followers.put(follower);
    assert.equal(await store.followers.sweep(NOW, NOW), 1);
    assert.equal(await store.followers.sweep(NOW, NOW), 0);
    assert.deepEqual(await store.followers.list(), [kept, here]);
    assert.equal(await store.followers.sweep(NOW, NOW + 1), 1);
  });
}
