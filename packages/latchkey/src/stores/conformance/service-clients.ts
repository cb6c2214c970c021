import assert from 'node:assert/strict';
import { NOW, sampleEntry, sampleHash, sampleServiceClient } from './samples.ts';
import type { StoreTest } from './store-test.ts';

/** Clients with a key. */
export function serviceClientConformance(test: StoreTest): void {
  test('a client with a key is read with the head, and whether it is disabled, of one moment', async (store) => {
    const client = sampleServiceClient();
    assert.equal(await store.services.read(client.subject), null);
    assert.equal(await store.services.create(client), true);
    const { seq: head } = await store.log.head();
    assert.deepEqual(await store.services.read(client.subject), {
      head,
      client,
      disabledAt: null,
      floor: null,
    });
    await store.clients.disable(client, NOW);
    const appended = await store.transaction(async (tables) => await tables.log.append([sampleEntry()]));
    assert.deepEqual(await store.services.read(client.subject), {
      head: appended.cursor.seq,
      client,
      disabledAt: NOW,
      floor: null,
    });
  });

  test('the floor of a client with a key is the higher of its own and of everyone', async (store) => {
    const client = sampleServiceClient();
    await store.services.create(client);
    await store.log.raiseFloor('client', sampleServiceClient().subject, 9);
    assert.equal((await store.services.read(client.subject))?.floor, null);
    await store.log.raiseFloor('client', client.subject, 5);
    assert.equal((await store.services.read(client.subject))?.floor, 5);
    await store.log.raiseFloor('all', '', 7);
    assert.equal((await store.services.read(client.subject))?.floor, 7);
  });

  test('of those who create a client at once one does, and nothing of the others is written', async (store) => {
    const client = sampleServiceClient();
    const others = Array.from({ length: 50 }, () => ({ ...client, keyHash: sampleHash() }));
    const created = await Promise.all(others.map((each) => store.services.create(each)));
    assert.equal(created.filter((each) => each).length, 1);
    assert.deepEqual(await store.services.list(), [others[created.indexOf(true)]]);
  });

  test('clients with a key are listed by their names, and those that are enabled by themselves', async (store) => {
    const all = ['orders', 'billing', 'shipping'].map((name) => sampleServiceClient({ name }));
    for (const client of all) await store.services.create(client);
    const [orders, billing, shipping] = all;
    assert.ok(orders !== undefined && billing !== undefined && shipping !== undefined);
    await store.clients.disable(orders, NOW);
    assert.deepEqual(await store.services.list(), [billing, orders, shipping]);
    assert.deepEqual(await store.services.listEnabled(), [billing, shipping]);
  });

  test('a key takes the place of the one before, of its client alone', async (store) => {
    const [client, other] = [sampleServiceClient(), sampleServiceClient({ name: 'billing' })];
    for (const each of [client, other]) await store.services.create(each);
    const key = { keyHash: sampleHash(), previousKeyHash: client.keyHash, previousUntil: NOW + 5 };
    assert.equal(await store.services.replaceKey(client.subject, key, NOW + 1), true);
    assert.deepEqual(await store.services.hold(client.subject), { ...client, ...key, rotatedAt: NOW + 1 });
    assert.deepEqual(await store.services.hold(other.subject), other);
    const last = { keyHash: sampleHash(), previousKeyHash: null, previousUntil: null };
    assert.equal(await store.services.replaceKey(client.subject, last, NOW + 2), true);
    assert.deepEqual((await store.services.read(client.subject))?.client, {
      ...client,
      ...last,
      rotatedAt: NOW + 2,
    });
    assert.equal(await store.services.replaceKey(sampleServiceClient().subject, last, NOW), false);
  });
}
