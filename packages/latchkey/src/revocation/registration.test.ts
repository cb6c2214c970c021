import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Position } from '@latchkey/verify';
import { isFailure } from '../errors.ts';
import { newId } from '../foundation/ids.ts';
import type { FollowerId, FollowerRecord } from '../stores/records.ts';
import { sqlite } from '../stores/sql/sqlite.ts';
import { HEARTBEAT, Registration, ROW_LIFE } from './registration.ts';
import { RemoteFollowers } from './remote-followers.ts';

const NOW = 1_700_000_000_000;

/** A registration whose writes wait, one by one, while `gates` has one for them. */
async function scene(t: TestContext) {
  const time = { now: NOW };
  const clock = { now: () => time.now, monotonic: () => time.now };
  const store = sqlite(':memory:');
  await store.open(NOW);
  t.after(() => store.close());
  const gates: Promise<void>[] = [];
  const put = store.followers.put.bind(store.followers);
  Object.assign(store.followers, {
    put: async (follower: FollowerRecord) => {
      await gates.shift();
      await put(follower);
    },
  });
  const remote = new RemoteFollowers(clock);
  const log: { head: Position } = { head: 5 };
  const registration = new Registration({
    store,
    clock,
    name: 'here',
    remote,
    now: () => time.now,
    head: () => log.head,
  });
  const row = async (): Promise<FollowerRecord | undefined> =>
    (await store.followers.list()).find(({ id }) => id === registration.follower);
  const follow = () => remote.take('orders', newId(NOW), { registeredAt: NOW, registeredSeq: 5 }, false);
  return { time, store, gates, remote, log, registration, row, follow };
}

describe('the row of a process that follows', () => {
  test('begins anew at the head of then where others have taken it away meanwhile: what was settled stays so (@rule R9)', async (t) => {
    for (const [silence, registeredSeq] of [
      [ROW_LIFE, 5],
      [ROW_LIFE + 1, 9],
    ] as const) {
      const { time, store, log, registration, row } = await scene(t);
      await registration.reach(0);
      log.head = 9;
      time.now += silence;
      await store.followers.sweep(time.now - ROW_LIFE, time.now);
      await registration.reach(5);
      assert.equal((await row())?.registeredSeq, registeredSeq, `after ${silence} ms`);
    }
  });

  test('is written at once where the clock was set back', async (t) => {
    const { time, registration, row } = await scene(t);
    await registration.reach(1);
    time.now -= 5_000;
    await registration.reach(1);
    assert.equal((await row())?.seenAt, time.now);
  });

  test('is none of those that it takes away: these have not been written for long (@rule R9)', async (t) => {
    const { time, store, registration } = await scene(t);
    const left = async (silence: number): Promise<number> => {
      const other: FollowerRecord = {
        id: newId(NOW) as FollowerId,
        name: 'gone',
        registeredAt: NOW,
        registeredSeq: 0,
        acknowledged: 0,
        seenAt: time.now - silence,
        keptUntil: 0,
        relay: null,
      };
      await store.followers.put(other);
      time.now += HEARTBEAT;
      await registration.reach(1);
      return (await store.followers.list()).length;
    };
    assert.equal(await left(ROW_LIFE - HEARTBEAT), 2);
    assert.equal(await left(ROW_LIFE), 1, 'neither of the two others');
  });

  test('has whoever came while it was being written when it is asked to tell of them (@rule R9)', async (t) => {
    const { gates, registration, row, follow } = await scene(t);
    await registration.reach(1);
    const { promise, resolve } = Promise.withResolvers<void>();
    gates.push(promise);
    const first = registration.report();
    const { id } = follow();
    const second = registration.report();
    const third = registration.report();
    resolve();
    await second;
    assert.deepEqual(
      (await row())?.relay?.followers.map((each) => each.id),
      [id],
    );
    await Promise.all([first, third]);
    assert.equal((await row())?.relay?.version, 1, 'those who asked meanwhile have shared a write');
  });

  test('tells of who follows with the next second where it could not be written', async (t) => {
    const { time, gates, remote, registration, row, follow } = await scene(t);
    await registration.reach(1);
    const follower = follow();
    await registration.report();
    remote.acknowledge(follower, 4);
    gates.push(Promise.reject(new Error('the store is away')));
    await assert.rejects(registration.report());
    time.now += 1_000;
    await registration.reach(1);
    assert.deepEqual(
      (await row())?.relay?.followers.map(({ acknowledged }) => acknowledged),
      [4],
    );
  });

  test('is gone when it has left, though a write was under way, and comes back when it follows again (@rule R9)', async (t) => {
    for (const isFirst of [false, true]) {
      const { gates, registration, row } = await scene(t);
      if (!isFirst) await registration.reach(1);
      const { promise, resolve } = Promise.withResolvers<void>();
      gates.push(promise);
      const writing = isFirst ? registration.reach(1) : registration.report();
      const left = registration.leave();
      resolve();
      await Promise.all([writing, left]);
      assert.equal(await row(), undefined);
      await assert.rejects(registration.report(), (error) => isFailure(error, 'LK_NOT_FRESH'));
      assert.equal(await row(), undefined);
      await registration.reach(1);
      assert.notEqual(await row(), undefined, 'before its next pull is answered');
    }
  });
});
