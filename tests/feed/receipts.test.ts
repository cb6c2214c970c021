import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Position } from '@latchkey/verify';
import { clientsOf } from '../../packages/latchkey/src/clients.ts';
import { doorOf } from '../../packages/latchkey/src/door.ts';
import type { Receipt } from '../../packages/latchkey/src/revocation/receipts.ts';
import type { System } from '../../packages/latchkey/src/system.ts';
import { type NodePair, openPair, withoutHints } from '../attacks/node-pair.ts';
import { STORES } from '../contract/stores.ts';
import { codeOf } from '../http/world.ts';
import { type Ask, followerId, Service } from './service.ts';

/*
 * Receipts that know who follows through a node (R9): never settled while somebody who is
 * fresh may still accept what was revoked, and never pending for ever.
 */

const askOf =
  (system: System): Ask =>
  (request) =>
    system.handle(request, { peer: '203.0.113.20' });

async function revokeAt({ rooms }: System): Promise<{ seq: Position; receipt: Receipt }> {
  const { cursor } = await rooms.log.change(async (_tables, trust) =>
    trust.apply('session_ended', followerId() as never),
  );
  assert.ok(cursor !== null);
  return { seq: cursor.seq, receipt: await rooms.receipts.open(cursor, null) };
}

/** What a node writes of itself when its second is over. */
async function reported({ rooms }: System): Promise<void> {
  await rooms.log.report();
}

for (const [name, on] of STORES) {
  describe(`receipts and services on ${name}, two nodes (@rule R9, @incident G3)`, () => {
    let pair: NodePair;
    let here: System;
    let there: System;
    let key: string;

    beforeEach(async () => {
      pair = await openPair({ on });
      [here, there] = [pair.nodes[0].system, pair.nodes[1].system];
      const clients = clientsOf(doorOf(() => here));
      key = (await clients.create({ name: 'orders', audiences: ['orders'] })).key.reveal();
      await revokeAt(here);
      for (const { rooms } of [here, there]) await rooms.tail.catchUp();
    });
    afterEach(() => pair.close());

    const namesOf = async (receipt: Receipt): Promise<readonly [readonly string[], boolean]> => {
      for (const system of [here, there]) {
        // What one pull brings is confirmed by the next.
        await system.rooms.tail.catchUp();
        await system.rooms.tail.catchUp();
        await reported(system).catch(() => undefined);
      }
      const { names, settled } = await receipt.details();
      return [names.pending, settled];
    };

    test('wait for a service behind another node, and for each of its processes by name', async () => {
      const services = [new Service(askOf(here), key), new Service(askOf(there), key)] as const;
      for (const service of services) await service.begin();
      const { receipt, seq } = await revokeAt(there);
      assert.deepEqual(await namesOf(receipt), [['orders', 'orders'], false]);
      await services[0].pull();
      assert.deepEqual(
        await namesOf(receipt),
        [['orders', 'orders'], false],
        'what was received was not applied yet',
      );
      const { entries } = await services[0].pull();
      assert.deepEqual([entries, services[0].cursor.after], [[], seq]);
      assert.deepEqual(await namesOf(receipt), [['orders'], false]);
      await services[1].pull();
      await services[1].pull();
      assert.deepEqual(await namesOf(receipt), [[], true]);
      const counts = await receipt.settledWithin({ timeout: '0ms' });
      assert.deepEqual(counts.followers, { confirmed: 4, pending: 0 }, 'two nodes and two services');
    });

    test('do not wait for who came later, whose first answer tells of it', async () => {
      const { receipt, seq } = await revokeAt(there);
      pair.clock.advance(2_000);
      await here.rooms.tail.catchUp();
      const late = new Service(askOf(here), key);
      const { head } = await late.begin();
      assert.ok(head >= seq);
      assert.deepEqual(await namesOf(receipt), [[], true]);
    });

    test('are right to be settled before somebody comes, who hears of it at a node that had not', async () => {
      const behind = await openPair({ on, second: withoutHints });
      const [first, second] = [behind.nodes[0].system, behind.nodes[1].system];
      const clients = clientsOf(doorOf(() => first));
      const other = (await clients.create({ name: 'late', audiences: ['late'] })).key.reveal();
      await second.rooms.tail.catchUp();
      const late = new Service(askOf(second), other);
      await late.load();
      const { receipt, seq } = await revokeAt(first);
      const { names } = await receipt.details();
      assert.ok(!names.pending.includes('late'));
      assert.ok((await late.pull()).head >= seq, 'its first answer is of after its registration');
      await behind.close();
    });

    test('count a service that moves between nodes once, from its first registration and by its last word', async () => {
      const service = new Service(askOf(here), key);
      await service.begin();
      const { receipt } = await revokeAt(there);
      pair.clock.advance(1_000);
      const moved = new Service(askOf(there), key, service.follower);
      moved.cursor = service.cursor;
      await moved.pull();
      assert.deepEqual(await namesOf(receipt), [['orders'], false], 'it was there before, on the other node');
      await moved.pull();
      assert.deepEqual(await namesOf(receipt), [[], true], 'though the first node has not heard of it');
      const followers = await here.rooms.receipts.sources.store.followers.list();
      assert.equal(followers.filter(({ relay }) => relay?.followers.length === 1).length, 2);
    });

    test('go on waiting for who followed through a node that has stopped, until nobody can go by what it told', async () => {
      const service = new Service(askOf(there), key);
      await service.begin();
      await there.close();
      const { receipt } = await revokeAt(here);
      const { names } = await receipt.details();
      assert.deepEqual(names.pending, ['orders'], 'not the node, but who has listened to it');
      const moved = new Service(askOf(here), key, service.follower);
      moved.cursor = service.cursor;
      await moved.pull();
      await moved.pull();
      assert.equal((await receipt.details()).settled, true);
    });

    test('know who follows before its first pull is answered; where that cannot be written, nothing is answered', async () => {
      const { rooms } = here;
      const put = rooms.store.followers.put.bind(rooms.store.followers);
      const service = new Service(askOf(here), key);
      await service.load();
      Object.assign(rooms.store.followers, { put: () => Promise.reject(new Error('the store is away')) });
      assert.equal((await service.post()).status, 500);
      Object.assign(rooms.store.followers, { put });
      assert.notEqual((await service.pull()).entries, null);
      const rows = await rooms.store.followers.list();
      assert.ok(rows.some(({ relay }) => relay?.followers.some(({ id }) => id === service.follower)));
    });

    test('do not take the word of another client for it, though it has the same id', async () => {
      const clients = clientsOf(doorOf(() => here));
      const other = (await clients.create({ name: 'thief', audiences: ['thief'] })).key.reveal();
      for (const { rooms } of [here, there]) await rooms.tail.catchUp();
      const service = new Service(askOf(here), key);
      await service.begin();
      const { receipt } = await revokeAt(there);
      const thief = new Service(askOf(there), other, service.follower);
      await thief.begin();
      await thief.pull();
      assert.deepEqual(await namesOf(receipt), [['orders'], false]);
    });

    test("a pull whose key is nobody's registers nobody", async () => {
      const response = await new Service(askOf(here), 'lks_nothing').post();
      assert.equal(response.status, 401);
      assert.equal(await codeOf(response), 'LK_UNAUTHENTICATED');
      assert.equal(here.rooms.remote.size, 0);
    });

    // PostgreSQL has a clock of its own.
    if (name !== 'SQLite') return;

    test('settle by their deadline where one never confirms, and count it as pending', async () => {
      const silent = new Service(askOf(here), key);
      await silent.begin();
      const { receipt } = await revokeAt(there);
      pair.clock.advance(4_900);
      assert.deepEqual(await namesOf(receipt), [['orders'], false]);
      pair.clock.advance(101);
      assert.deepEqual(await namesOf(receipt), [['orders'], true]);
    });

    const accepting = async (system: System): Promise<Service> => {
      const service = new Service(askOf(system), key);
      service.acceptsUntilExpiry = true;
      await service.begin();
      return service;
    };

    test('are not settled by their deadline for who accepts until expiry, and say how many do', async () => {
      const [safe, unsafe] = [new Service(askOf(here), key), await accepting(there)];
      await safe.begin();
      const { receipt } = await revokeAt(there);
      assert.deepEqual(await namesOf(receipt), [['orders', 'orders'], false]);
      assert.deepEqual((await receipt.details()).followers, { confirmed: 2, pending: 2, untilExpiry: 1 });
      pair.clock.advance(5_001);
      for (const { rooms } of [here, there]) await rooms.tail.catchUp();
      for (let pulls = 0; pulls < 2; pulls += 1) await safe.pull();
      assert.deepEqual(await namesOf(receipt), [['orders'], false], 'it may accept until the token expires');
      for (let pulls = 0; pulls < 2; pulls += 1) await unsafe.pull();
      assert.deepEqual(await namesOf(receipt), [[], true]);
      assert.deepEqual((await receipt.details()).followers, { confirmed: 4, pending: 0 });
    });

    test('wait for who accepts until expiry though it and its node have died, until no token is left', async () => {
      await accepting(there);
      await there.rooms.tail.stop();
      const { receipt } = await revokeAt(here);
      const left = receipt.tokensDeadBy - receipt.at;
      assert.ok(left >= 300_000, 'well over what the row of a node that died stays by itself');
      const states: unknown[] = [];
      for (let gone = 0; gone <= left; gone += 5_000) {
        pair.clock.advance(5_000);
        await here.rooms.tail.catchUp();
        await reported(here);
        const { settled, names } = await receipt.details();
        states.push([settled, names.pending.includes('orders')]);
      }
      const late = Math.ceil(left / 5_000) - 1;
      assert.deepEqual(
        states.slice(0, late),
        states.slice(0, late).map(() => [false, true]),
      );
      assert.deepEqual(states.at(-1), [true, true]);
    });

    test('forget a service that is silent for a minute, and count it anew when it comes back', async () => {
      const service = new Service(askOf(here), key);
      await service.begin();
      for (let seconds = 0; seconds < 62; seconds += 4) {
        pair.clock.advance(4_000);
        for (const { rooms } of [here, there]) await rooms.tail.catchUp();
      }
      const { receipt, seq } = await revokeAt(there);
      assert.deepEqual(await namesOf(receipt), [[], true]);
      pair.clock.advance(1_000);
      await service.pull();
      assert.ok(service.cursor.after >= seq);
      const next = await revokeAt(there);
      assert.deepEqual(await namesOf(next.receipt), [['orders'], false]);
    });

    test('wait for a service that comes back after nearly a minute, which another node has forgotten', async () => {
      const service = new Service(askOf(here), key);
      await service.begin();
      const seconds = async (count: number): Promise<void> => {
        pair.clock.advance(count * 1_000);
        for (const { rooms } of [here, there]) await rooms.tail.catchUp();
      };
      for (let second = 0; second < 55; second += 5) await seconds(5);
      await seconds(4);
      await seconds(2);
      await service.pull();
      const { receipt } = await revokeAt(there);
      assert.deepEqual((await receipt.details()).names.pending.includes('orders'), true);
    });

    test('cost a node without services no further write, and one with them one a second', async () => {
      const { rooms } = here;
      let writes = 0;
      const put = rooms.store.followers.put.bind(rooms.store.followers);
      Object.assign(rooms.store.followers, {
        put: async (follower: Parameters<typeof put>[0]) => {
          writes += 1;
          await put(follower);
        },
      });
      const seconds = async (count: number): Promise<number> => {
        writes = 0;
        for (let second = 0; second < count; second += 1) {
          pair.clock.advance(1_000);
          await rooms.tail.catchUp();
        }
        return writes;
      };
      await seconds(10);
      assert.equal(await seconds(20), 2, 'a sign of life each ten seconds');
      const services = Array.from({ length: 20 }, () => new Service(askOf(here), key));
      await Promise.all(services.map((service) => service.begin()));
      writes = 0;
      for (let second = 0; second < 5; second += 1) {
        await revokeAt(there);
        for (const service of services) {
          await service.pull();
          await service.pull();
        }
        pair.clock.advance(1_000);
        await rooms.tail.catchUp();
      }
      assert.ok(writes <= 6, `${writes} writes in five seconds, for two hundred pulls`);
    });
  });
}
