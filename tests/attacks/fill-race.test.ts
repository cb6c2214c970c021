import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Store, sqlite } from 'latchkey';
import { openWorld, PASSWORD, type World } from '../http/world.ts';
import { confirmLog, counting, type Door, door, folder, overriding, sessionIn, statusOf } from './scene.ts';

/** A store in which the next reading of a session waits, with what it read, until the door opens. */
function holdingReads(inner: Store): { store: Store; shut(): Door } {
  let next: Door | null = null;
  const sessions = overriding(inner.sessions, {
    read: async (id) => {
      const held = next;
      next = null;
      const reading = await inner.sessions.read(id);
      await held?.pass();
      return reading;
    },
  });
  return {
    store: { ...inner, sessions },
    shut: () => {
      next = door();
      return next;
    },
  };
}

const OPTIONS = { nearCache: { life: '5m' }, log: { maxStaleness: '60s' } } as const;

describe('what a node remembers of a session', () => {
  const targets: readonly (readonly [string, (world: World, cookie: string | null) => Promise<unknown>])[] = [
    ['session', (world, cookie) => world.auth.revoke({ session: sessionIn(cookie) })],
    ['client', (world) => world.auth.revoke({ client: 'web' })],
    ['all', (world) => world.auth.revoke({ all: true })],
  ];
  for (const [scope, revoke] of targets) {
    test(`is not what a read answered that was overtaken by a revocation of scope ${scope} (@rule R5)`, async () => {
      const held = holdingReads(sqlite(':memory:'));
      const world = await openWorld(OPTIONS, held.store);
      const visit = world.browser();
      await visit.signUp('fill@example.com');
      const shut = held.shut();
      const slow = world.auth.authenticate(new Headers({ Cookie: visit.cookie ?? '' }));
      await shut.reached;
      await revoke(world, visit.cookie);
      shut.open();
      await assert.rejects(slow, { code: 'LK_SESSION_REVOKED' }, 'the node knows better than the read');
      assert.equal(await statusOf(world, visit.cookie), 401);
      await world.auth.close();
    });

    test(`is checked at every hit, so a revocation of scope ${scope} needs no eviction (@rule R5)`, async () => {
      const world = await openWorld(OPTIONS);
      const visit = world.browser();
      await visit.signUp('hit@example.com');
      assert.equal(await statusOf(world, visit.cookie), 200);
      assert.equal((await world.auth.status()).remembered, 1);
      await revoke(world, visit.cookie);
      assert.equal(await statusOf(world, visit.cookie), 401);
      await world.auth.close();
    });
  }

  test('is not an old secret that was read before the rotation (@rule R5, @rule R11)', async () => {
    const held = holdingReads(sqlite(':memory:'));
    const world = await openWorld(OPTIONS, held.store);
    const visit = world.browser();
    await visit.signUp('rotated@example.com');
    const old = visit.cookie;
    const other = world.browser();
    other.cookie = old;
    const shut = held.shut();
    const slow = statusOf(world, old);
    await shut.reached;
    assert.equal((await other.post('/auth/reauthenticate', { password: PASSWORD })).status, 200);
    shut.open();
    await slow;
    world.clock.advance(10_001);
    await confirmLog(world);
    assert.equal(await statusOf(world, old), 401);
    await world.auth.close();
  });

  test('is nothing where the read took longer than the log may be stale (@rule R5)', async () => {
    const held = holdingReads(sqlite(':memory:'));
    const world = await openWorld({ ...OPTIONS, log: { maxStaleness: '5s' } }, held.store);
    const visit = world.browser();
    await visit.signUp('slow@example.com');
    const shut = held.shut();
    const check = () => world.auth.authenticate(new Headers({ Cookie: visit.cookie ?? '' }));
    const slow = check();
    await shut.reached;
    world.clock.advance(5_001);
    await confirmLog(world);
    shut.open();
    assert.notEqual(await slow, null);
    assert.equal((await world.auth.status()).remembered, 0);
    assert.notEqual(await check(), null);
    assert.equal((await world.auth.status()).remembered, 1);
    await world.auth.close();
  });

  test('lives from when the read was sent and not from when it was answered (@rule R5)', async () => {
    const held = holdingReads(sqlite(':memory:'));
    const counted = counting(held.store);
    const world = await openWorld(
      { nearCache: { life: '60s' }, log: { maxStaleness: '60s' } },
      counted.store,
    );
    const visit = world.browser();
    await visit.signUp('life@example.com');
    const shut = held.shut();
    const slow = statusOf(world, visit.cookie);
    await shut.reached;
    world.clock.advance(50_000);
    await confirmLog(world);
    shut.open();
    assert.equal(await slow, 200);
    const reads = counted.reads();
    assert.equal(await statusOf(world, visit.cookie), 200);
    assert.equal(counted.reads(), reads, 'within its life it is answered from memory');
    world.clock.advance(10_000);
    await confirmLog(world);
    assert.equal(await statusOf(world, visit.cookie), 200);
    assert.ok(counted.reads() > reads, 'a minute after the read was sent it is read again');
    await world.auth.close();
  });

  test('is not used by a node that cannot follow the log: it reads the store instead (@rule R4, @rule R5)', async () => {
    const place = await folder();
    const healthy = await openWorld({}, sqlite(place.file));
    const inner = sqlite(place.file);
    let cut = false;
    const log = overriding(inner.log, {
      pull: (cursor, now) => (cut ? Promise.reject(new Error('cut off')) : inner.log.pull(cursor, now)),
    });
    const counted = counting({ ...inner, log });
    const lonely = await openWorld({}, counted.store);
    const visit = healthy.browser();
    await visit.signUp('stale@example.com');
    await confirmLog(lonely);
    assert.equal(await statusOf(lonely, visit.cookie), 200);
    assert.equal((await lonely.auth.status()).remembered, 1);
    cut = true;
    await healthy.auth.revoke({ session: sessionIn(visit.cookie) });
    lonely.clock.advance(5_001);
    assert.equal((await lonely.auth.status()).fresh, false);
    const reads = counted.reads();
    assert.equal(await statusOf(lonely, visit.cookie), 401);
    assert.ok(counted.reads() > reads);
    await lonely.auth.close();
    await healthy.auth.close();
    await place.remove();
  });
});
