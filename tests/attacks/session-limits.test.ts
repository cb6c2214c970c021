import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sqlite } from 'latchkey';
import { openWorld, type World } from '../http/world.ts';
import { confirmLog, counting, holding, sessionIn, statusOf } from './scene.ts';

const SECOND = 1_000;
const MINUTE = 60_000;

describe('limits of a session', () => {
  const limited = (): Promise<World> => openWorld({ sessions: { idle: '10m', absolute: '1h' } });
  /** Waits until the store knows the limit that a use has moved. */
  const idleMoved = async (world: World, cookie: string | null, past: number): Promise<number> => {
    for (let turn = 0; turn < 1_000; turn += 1) {
      const reading = await world.store.sessions.read(sessionIn(cookie));
      const idleUntil = reading?.session.idleUntil ?? 0;
      if (idleUntil > past) return idleUntil;
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error('the use was not written');
  };
  const idleOf = async (world: World, cookie: string | null): Promise<number> =>
    (await world.store.sessions.read(sessionIn(cookie)))?.session.idleUntil ?? 0;

  for (const [seconds, status] of [
    [-1, 200],
    [1, 401],
  ] as const) {
    test(`idle: ${seconds} s from the limit is answered with ${status} (@asvs 7.3.1)`, async () => {
      const world = await limited();
      const visit = world.browser();
      await visit.signUp('idle@example.com');
      world.clock.advance(10 * MINUTE + seconds * SECOND);
      assert.equal((await visit.get('/auth/me')).status, status);
      await world.auth.close();
    });

    test(`absolute: ${seconds} s from the limit is answered with ${status}, however active (@asvs 7.3.2)`, async () => {
      const world = await limited();
      const visit = world.browser();
      await visit.signUp('absolute@example.com');
      for (let used = 0; used < 6; used += 1) {
        const before = await idleOf(world, visit.cookie);
        world.clock.advance(10 * MINUTE - 4 * SECOND);
        assert.equal((await visit.get('/auth/me')).status, 200);
        await idleMoved(world, visit.cookie, before);
      }
      world.clock.advance(24 * SECOND + seconds * SECOND);
      assert.equal((await visit.get('/auth/me')).status, status);
      await world.auth.close();
    });
  }

  test('a use moves the idle limit by as much as it says, and never past the absolute one (@asvs 7.3.1, @asvs 7.3.2)', async () => {
    const world = await openWorld({ sessions: { idle: '10m', absolute: '15m' } });
    const visit = world.browser();
    await visit.signUp('moves@example.com');
    const first = await idleOf(world, visit.cookie);
    world.clock.advance(10 * MINUTE - 3 * SECOND);
    assert.equal((await visit.get('/auth/me')).status, 200);
    const moved = await idleMoved(world, visit.cookie, first);
    const { session } = (await world.store.sessions.read(sessionIn(visit.cookie))) ?? {};
    assert.equal(moved, session?.expiresAt);
    world.clock.advance(3 * MINUTE);
    assert.equal(await statusOf(world, visit.cookie), 200, 'past the first limit');
    world.clock.advance(2 * MINUTE + 4 * SECOND);
    assert.equal(await statusOf(world, visit.cookie), 401);
    await world.auth.close();
  });

  test('the moment before the idle limit counts as use, though moves are written in batches (@asvs 7.3.1)', async () => {
    const world = await limited();
    const visit = world.browser();
    await visit.signUp('edge@example.com');
    const first = await idleOf(world, visit.cookie);
    world.clock.advance(10 * MINUTE - SECOND);
    assert.equal((await visit.get('/auth/me')).status, 200);
    await idleMoved(world, visit.cookie, first);
    world.clock.advance(2 * SECOND);
    assert.equal((await visit.get('/auth/me')).status, 200);
    await world.auth.close();
  });

  test('use that is answered from memory keeps a session alive as well (@asvs 7.3.1)', async () => {
    const counted = counting(sqlite(':memory:'));
    const world = await openWorld(
      { sessions: { idle: '1m', absolute: '1h' }, nearCache: { life: '5m' }, log: { maxStaleness: '60s' } },
      counted.store,
    );
    const visit = world.browser();
    await visit.signUp('memory@example.com');
    const first = await idleOf(world, visit.cookie);
    assert.equal((await visit.get('/auth/me')).status, 200);
    world.clock.advance(MINUTE - 3 * SECOND);
    await confirmLog(world);
    const reads = counted.reads();
    assert.equal((await visit.get('/auth/me')).status, 200);
    assert.equal(counted.reads(), reads, 'answered from memory');
    await idleMoved(world, visit.cookie, first);
    world.clock.advance(10 * SECOND);
    assert.equal((await visit.get('/auth/me')).status, 200);
    await world.auth.close();
  });

  for (const [which, options] of [
    ['idle', { idle: '2m', absolute: '1h' }],
    ['absolute', { idle: '2m', absolute: '2m' }],
  ] as const) {
    test(`an answer from memory honours the ${which} limit (@asvs ${which === 'idle' ? '7.3.1' : '7.3.2'})`, async () => {
      const counted = counting(sqlite(':memory:'));
      const world = await openWorld(
        { sessions: options, nearCache: { life: '5m' }, log: { maxStaleness: '60s' } },
        counted.store,
      );
      const visit = world.browser();
      await visit.signUp('near@example.com');
      const held = visit.cookie;
      assert.equal(await statusOf(world, held), 200);
      const reads = counted.reads();
      world.clock.advance(2 * MINUTE - 30 * SECOND);
      await confirmLog(world);
      const bystander = holding(world, held);
      if (which === 'absolute') {
        assert.equal((await bystander.get('/auth/me')).status, 200);
        // The page that is looked at and the route that requires somebody: neither read the store.
        assert.equal(counted.reads(), reads, 'answered from memory');
      }
      world.clock.advance(31 * SECOND);
      await confirmLog(world);
      assert.equal(await statusOf(world, held), 401);
      await world.auth.close();
    });
  }
});
