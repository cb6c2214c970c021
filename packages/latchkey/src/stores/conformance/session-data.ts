import assert from 'node:assert/strict';
import type { DataValue } from '../records.ts';
import { createSession, sampleId, winners } from './samples.ts';
import type { StoreTest } from './store-test.ts';

function contents(data: ReadonlyMap<string, DataValue>): unknown {
  return Object.fromEntries(data);
}

/** One row a key, each written by compare-and-swap on its version. */
export function sessionDataConformance(test: StoreTest): void {
  test('a session begins without data', async (store) => {
    const { id } = await createSession(store);
    assert.equal((await store.data.read(id)).size, 0);
    assert.equal((await store.data.read(sampleId())).size, 0);
  });

  test('a key is written where its version is the expected one, and the version rises by one', async (store) => {
    const { id } = await createSession(store);
    assert.equal(await store.data.write(id, 'cart', '["a"]', 0), true);
    assert.deepEqual(contents(await store.data.read(id)), { cart: { value: '["a"]', version: 1 } });
    assert.equal(await store.data.write(id, 'cart', '["a","b"]', 1), true);
    assert.deepEqual(contents(await store.data.read(id)), { cart: { value: '["a","b"]', version: 2 } });
  });

  test('a write with another version changes nothing', async (store) => {
    const { id } = await createSession(store);
    await store.data.write(id, 'cart', '1', 0);
    await store.data.write(id, 'cart', '2', 1);
    for (const expected of [0, 1, 3]) {
      assert.equal(await store.data.write(id, 'cart', '3', expected), false);
      assert.equal(await store.data.write(id, 'cart', null, expected), false);
    }
    assert.equal(await store.data.write(id, 'notice', '3', 1), false);
    assert.deepEqual(contents(await store.data.read(id)), { cart: { value: '2', version: 2 } });
  });

  test('a key is deleted where its version is the expected one', async (store) => {
    const { id } = await createSession(store);
    await store.data.write(id, 'cart', '1', 0);
    await store.data.write(id, 'notice', '1', 0);
    assert.equal(await store.data.write(id, 'cart', null, 1), true);
    assert.deepEqual(contents(await store.data.read(id)), { notice: { value: '1', version: 1 } });
    // It is gone, which is what the caller asked for.
    assert.equal(await store.data.write(id, 'cart', null, 0), true);
    assert.equal(await store.data.write(id, 'cart', null, 1), false);
    // Whatever a store keeps of it, no version is the current one of a key that is not there.
    for (const expected of [1, 2, 3]) {
      assert.equal(await store.data.write(id, 'cart', '2', expected), false);
    }
  });

  test('a key that was deleted and written anew is not the one that was read before', async (store) => {
    const { id } = await createSession(store);
    await store.data.write(id, 'cart', '1', 0);
    const before = (await store.data.read(id)).get('cart')?.version ?? 0;
    await store.data.write(id, 'cart', null, before);
    assert.equal(await store.data.write(id, 'cart', '2', 0), true);
    assert.equal(await store.data.write(id, 'cart', '3', before), false);
    assert.equal((await store.data.read(id)).get('cart')?.value, '2');
  });

  test('of fifty who write a new key at once, one does', async (store) => {
    const { id } = await createSession(store);
    assert.equal(await winners(50, async (index) => await store.data.write(id, 'cart', `${index}`, 0)), 1);
  });

  test('of fifty who change a key at once from one version, one does', async (store) => {
    const { id } = await createSession(store);
    await store.data.write(id, 'cart', 'first', 0);
    assert.equal(await winners(50, async (index) => await store.data.write(id, 'cart', `${index}`, 1)), 1);
    assert.equal((await store.data.read(id)).get('cart')?.version, 2);
  });

  test('writers of different keys do not disturb each other', async (store) => {
    const { id } = await createSession(store);
    assert.equal(await winners(50, async (index) => await store.data.write(id, `${index}`, 'x', 0)), 50);
    assert.equal((await store.data.read(id)).size, 50);
  });

  test('data is of its session, and none is written for one that is not there', async (store) => {
    const first = await createSession(store);
    const second = await createSession(store);
    await store.data.write(first.id, 'cart', '1', 0);
    assert.equal((await store.data.read(second.id)).size, 0);
    const missing = sampleId<'session'>();
    assert.equal(await store.data.write(missing, 'cart', '1', 0), false);
    assert.equal((await store.data.read(missing)).size, 0);
  });
}
