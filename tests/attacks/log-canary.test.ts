import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type AuthEvent, latchkey, type Store, sqlite } from 'latchkey';
import { testing } from 'latchkey/testing';
import { STORES } from '../contract/stores.ts';
import { ORIGIN, TEST_SECRET } from '../http/world.ts';
import { canaryOf, EVERY } from './canaries.ts';
import { openPair, type TestNode } from './node-pair.ts';
import { overriding } from './scene.ts';

/** A timer waits so much longer at the most. */
const JITTER = 1_020;

/** Where the log of a node's store stands. */
async function headOf({ system }: TestNode): Promise<number> {
  return (await system.rooms.store.log.head()).seq;
}

for (const [name, on] of STORES) {
  describe(`a canary on ${name}, two nodes`, () => {
    test('is sent once by whichever of them is first, and settled when both have confirmed it (@rule R9)', async (t) => {
      const pair = await openPair({ on });
      t.after(() => pair.close());
      const canaries = pair.nodes.map(({ system }) => canaryOf(system));
      const before = await headOf(pair.nodes[0]);
      await Promise.all(canaries.map(({ canary }) => canary.run()));
      assert.equal(await headOf(pair.nodes[0]), before + 1);
      const told = canaries.flatMap((each) => each.told);
      assert.deepEqual(
        told.map(({ type }) => type),
        ['canary_settled'],
      );
      for (const { system } of pair.nodes)
        assert.equal(system.rooms.tail.cursor?.seq, before + 1, 'both have applied it');
    });

    test('is sent by either again, when the interval is over and no sooner', async (t) => {
      const pair = await openPair({ on });
      t.after(() => pair.close());
      const [here, there] = pair.nodes.map(({ system }) => canaryOf(system).canary);
      assert.ok(here !== undefined && there !== undefined);
      const before = await headOf(pair.nodes[0]);
      await here.run();
      const wait = await there.run();
      assert.ok(wait > EVERY - 30_000 && wait <= EVERY, `${wait}`);
      assert.equal(await headOf(pair.nodes[0]), before + 1);
      // By the log's clock, which on PostgreSQL no test can move: so the last one is moved.
      const { store, log } = pair.nodes[0].system.rooms;
      await store.meta.put('canary', String(log.now() - EVERY + 5_000));
      const left = await there.run();
      assert.ok(left > 3_000 && left < 7_000, `${left}`);
      assert.equal(await headOf(pair.nodes[0]), before + 1);
      // The nodes tell the time of the log to within what a reading took: well past it on either.
      await store.meta.put('canary', String(log.now() - EVERY - 1_000));
      await there.run();
      assert.equal(await headOf(pair.nodes[0]), before + 2);
    });
  });
}

/** A store that can be cut off from what is written there: what it asks of the log fails from then on. */
function severable(): { readonly wrap: (store: Store) => Store; readonly cut: () => void } {
  let severed = false;
  const wrap = (store: Store): Store => {
    const refuse = async (): Promise<never> => {
      throw new Error('cut off');
    };
    const log = overriding(store.log, {
      pull: (cursor, now) => (severed ? refuse() : store.log.pull(cursor, now)),
    });
    const followers = overriding(store.followers, {
      put: (follower) => (severed ? refuse() : store.followers.put(follower)),
    });
    return overriding(store, { log, followers });
  };
  return {
    wrap,
    cut: () => {
      severed = true;
    },
  };
}

describe('a canary', () => {
  test('is overdue where a follower has been cut off, and the event names it (@rule R9)', async (t) => {
    const { wrap, cut } = severable();
    const pair = await openPair({ second: wrap });
    t.after(() => pair.close());
    const [here, there] = pair.nodes;
    cut();
    // Whatever it had begun to write is written, or refused.
    await there.system.rooms.tail.catchUp();
    const { store, tail } = here.system.rooms;
    const record = (await store.followers.list()).find(({ id }) => id === there.system.rooms.log.follower);
    assert.ok(record !== undefined);
    // Two nodes of one process have one name.
    await store.followers.put({ ...record, name: 'elsewhere 7' });
    const pause = async (millis: number): Promise<void> => {
      await tail.catchUp();
      pair.clock.advance(millis);
    };
    const { canary, told } = canaryOf(here.system, { pause });
    await canary.run();
    assert.deepEqual(
      told.map(({ type, followers }) => [type, followers]),
      [['canary_overdue', ['elsewhere 7']]],
    );
    // The deadline is by the log's clock, and this by the monotonic one: they are read one after the other.
    const { ms = 0 } = told[0] ?? {};
    assert.ok(ms > 4_900, `${ms}`);
  });

  test('is waited for no longer than its deadline where nobody can be asked, and names nobody', async (t) => {
    let away = false;
    const wrap = (store: Store): Store => {
      const list: Store['followers']['list'] = () =>
        away ? Promise.reject(new Error('away')) : store.followers.list();
      return overriding(store, { followers: overriding(store.followers, { list }) });
    };
    const pair = await openPair({ second: wrap });
    t.after(() => pair.close());
    away = true;
    const pauses: number[] = [];
    const pause = async (millis: number): Promise<void> => {
      pauses.push(millis);
      pair.clock.advance(millis);
    };
    const { canary, told } = canaryOf(pair.nodes[1].system, { pause });
    await canary.run();
    assert.deepEqual(
      told.map(({ type, followers }) => [type, followers]),
      [['canary_overdue', []]],
    );
    assert.ok(pauses.length <= 6, 'a store that is away is not asked all the more');
  });

  test('that was stopped while it waits reads and tells nothing more', async (t) => {
    const { wrap, cut } = severable();
    const pair = await openPair({ second: wrap });
    t.after(() => pair.close());
    cut();
    const [{ system }] = pair.nodes;
    const waiting = Promise.withResolvers<void>();
    const pause = (_millis: number, signal: AbortSignal): Promise<void> => {
      waiting.resolve();
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('stopped')));
      });
    };
    const { canary, told } = canaryOf(system, { pause });
    const running = canary.run();
    await waiting.promise;
    await canary.stop();
    await running;
    assert.deepEqual(told, []);
  });

  test('is sent again at once where the last one is dated in the future, as after a clock that was wrong', async (t) => {
    const pair = await openPair();
    t.after(() => pair.close());
    const [here] = pair.nodes;
    const { store } = here.system.rooms;
    for (const text of [String(pair.clock.now() + 86_400_000), 'no number']) {
      await store.meta.put('canary', text);
      const before = await headOf(here);
      await canaryOf(here.system).canary.run();
      assert.equal(await headOf(here), before + 1, text);
    }
  });

  test('is sent by a timer, each interval anew, until it is stopped', async (t) => {
    const pair = await openPair();
    t.after(() => pair.close());
    const [here] = pair.nodes;
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let told = Promise.withResolvers<AuthEvent>();
    const emit = (event: AuthEvent): void => told.resolve(event);
    const { canary } = canaryOf(here.system, { emit, pause: () => turn() });
    const before = await headOf(here);
    canary.start();
    t.mock.timers.tick(EVERY - 1);
    await canary.stop();
    assert.equal(await headOf(here), before, 'a process that soon ends sends none');
    canary.start();
    for (let sent = 1; sent <= 3; sent += 1) {
      pair.clock.advance(EVERY + JITTER);
      for (const { system } of pair.nodes) await system.rooms.tail.catchUp();
      told = Promise.withResolvers();
      t.mock.timers.tick(EVERY + JITTER);
      assert.equal((await told.promise).type, 'canary_settled');
      assert.equal(await headOf(here), before + sent);
      // What follows the event, the next timer among it.
      await turn();
    }
    await canary.stop();
    t.mock.timers.tick(10 * EVERY);
    await turn();
    assert.equal(await headOf(here), before + 3);
  });

  test('that waits for a follower keeps no process alive', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--conditions=latchkey-source',
      fileURLToPath(new URL('canary-process.ts', import.meta.url)),
    ]);
    assert.equal(stdout, 'waiting\n');
  });

  test('is sent where it is not switched off, and by no application that is being tested', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const options = { url: ORIGIN, secret: TEST_SECRET } as const;
    const passes = async (): Promise<void> => {
      t.mock.timers.tick(EVERY + JITTER);
      for (let turns = 0; turns < 50; turns += 1) await turn();
    };
    const sent = async (log: { readonly canary?: false }, tested: boolean): Promise<boolean> => {
      const auth = latchkey({ ...options, log, store: sqlite(':memory:') });
      const tests = tested ? await testing(auth) : auth;
      const { head } = await auth.followers();
      await passes();
      const after = await auth.followers();
      await tests.close();
      return after.head > head;
    };
    assert.equal(await sent({}, false), true);
    assert.equal(await sent({ canary: false }, false), false);
    assert.equal(await sent({}, true), false);
  });
});
