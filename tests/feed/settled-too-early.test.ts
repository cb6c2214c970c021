import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Position } from '@latchkey/verify';
import { clientsOf } from '../../packages/latchkey/src/clients.ts';
import { doorOf } from '../../packages/latchkey/src/door.ts';
import type { Receipt } from '../../packages/latchkey/src/revocation/receipts.ts';
import type { System } from '../../packages/latchkey/src/system.ts';
import { openPair, withoutHints } from '../attacks/node-pair.ts';
import { STORES } from '../contract/stores.ts';
import { chanceFrom } from '../faults/history/chance.ts';
import { followerId, Service } from './service.ts';

/*
 * Services begin, pull, move between nodes, fall silent and go on by what they have heard,
 * and nodes revoke meanwhile. Whenever a receipt says that it is settled before its
 * deadline, no service that is fresh by its own account lacks what was revoked.
 */

const SECONDS = 3;
const SERVICES = 6;

/** A service by its own account: how far it has come, and until when it goes by that. */
interface Account {
  applied: Position;
  freshUntil: number;
}

/** A number from 0 to below 1, the same by its seed. */
function randomFrom(seed: number): () => number {
  const chance = chanceFrom(seed);
  return () => chance.below(10_000) / 10_000;
}

/** Follows by docs/feed.md, at whichever node, until it is told to end. */
async function follow(
  systems: readonly System[],
  key: string,
  random: () => number,
  account: Account,
  isOver: () => boolean,
): Promise<void> {
  const ask = (request: Request): Promise<Response> => {
    const system = systems[Math.floor(random() * systems.length)] ?? systems[0];
    assert.ok(system !== undefined);
    return system.handle(request, { peer: '203.0.113.20' });
  };
  const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis));
  const service = new Service(ask, key);
  // One after the other, so that there is always one that begins while others revoke.
  await pause(random() * (SECONDS - 1) * 1_000);
  while (!isOver()) {
    let held: Position = 0;
    const pulls = Math.ceil(random() * 12);
    for (let pull = 0; pull < pulls && !isOver(); pull += 1) {
      if (held === 0) {
        const snapshot = await service.load();
        held = snapshot.head;
      }
      const sent = performance.now();
      const answer = await service.pull();
      // The answer may take its time, while others revoke and ask for receipts.
      await pause(random() * 20);
      if (answer.entries === null) {
        held = 0;
        continue;
      }
      held = answer.head;
      account.applied = Math.max(account.applied, held);
      account.freshUntil = sent - answer.age_ms + answer.max_staleness_ms;
      await pause(random() * 60);
    }
    // Silent for a while, it still goes by what it heard; sometimes it has lost it and begins anew.
    await pause(random() * 200);
    if (random() < 0.5) continue;
    account.applied = 0;
    account.freshUntil = 0;
  }
}

for (const [name, on] of STORES) {
  describe(`services and receipts at once on ${name} (@rule R9, @incident G3)`, () => {
    test('no receipt is settled while a fresh service lacks what was revoked', async () => {
      const pair = await openPair({ on, second: withoutHints });
      const systems = pair.nodes.map(({ system }) => system);
      const [here] = systems;
      assert.ok(here !== undefined);
      const clients = clientsOf(doorOf(() => here));
      const key = (await clients.create({ name: 'orders', audiences: ['orders'] })).key.reveal();
      for (const { rooms } of systems) await rooms.tail.catchUp();
      const until = performance.now() + SECONDS * 1_000;
      const isOver = (): boolean => performance.now() > until;
      const accounts = Array.from({ length: SERVICES }, () => ({ applied: 0, freshUntil: 0 }));
      const services = accounts.map((account, index) =>
        follow(systems, key, randomFrom(index + 1), account, isOver),
      );
      let settled = 0;
      let waited = 0;
      const watch = async (receipt: Receipt, seq: Position): Promise<void> => {
        while (!isOver()) {
          const state = await receipt.details();
          if (!state.settled) {
            waited += 1;
            await new Promise((resolve) => setTimeout(resolve, 10));
            continue;
          }
          assert.ok(here.rooms.log.now() < state.deadline, 'by its followers, and not by its deadline');
          const late = accounts.filter(
            ({ applied, freshUntil }) => freshUntil > performance.now() && applied < seq,
          );
          assert.deepEqual(late, [], `settled at ${seq} without some that are fresh`);
          settled += 1;
          return;
        }
      };
      const watched: Promise<void>[] = [];
      for (let index = 0; !isOver(); index += 1) {
        const { rooms } = systems[index % systems.length] ?? here;
        const { cursor } = await rooms.log.change(async (_tables, trust) =>
          trust.apply('session_ended', followerId() as never),
        );
        assert.ok(cursor !== null);
        watched.push(watch(await rooms.receipts.open(cursor, null), cursor.seq));
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
      const failed = (await Promise.allSettled([...services, ...watched])).filter(
        (each) => each.status === 'rejected',
      );
      await pair.close();
      assert.deepEqual(
        failed.map(({ reason }) => String(reason)),
        [],
      );
      assert.ok(settled > 10 && waited > 10, `${settled} settled, ${waited} times one was not`);
    });
  });
}
