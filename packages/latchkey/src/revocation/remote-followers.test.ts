import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newId } from '../foundation/ids.ts';
import type { FollowerId } from '../stores/records.ts';
import { RemoteFollowers } from './remote-followers.ts';

const NOW = 1_700_000_000_000;
const REGISTERED = { registeredAt: NOW, registeredSeq: 7 };

function scene() {
  const time = { now: NOW };
  const remote = new RemoteFollowers({ now: () => time.now, monotonic: () => time.now - NOW });
  const take = (id: FollowerId, acceptsUntilExpiry = false) =>
    remote.take('orders', id, REGISTERED, acceptsUntilExpiry);
  return { time, remote, take, id: newId(NOW) as FollowerId };
}

describe('who follows through a node', () => {
  test('is told of as one who accepts until expiry from when it says so once, whatever it says later (@rule R9)', () => {
    const { time, remote, take, id } = scene();
    for (const [says, told, isNews] of [
      [false, false, true],
      [false, false, false],
      [true, true, true],
      [false, true, false],
      [true, true, false],
    ] as const) {
      take(id, says);
      assert.equal(remote.hasChanged, isNews);
      assert.deepEqual(
        remote.report(time.now)?.followers.map(({ acceptsUntilExpiry }) => acceptsUntilExpiry),
        [told],
      );
    }
  });

  test('is told of as heard of when it was, and as far as it ever came (@rule R9)', () => {
    const { time, remote, take, id } = scene();
    const follower = take(id);
    remote.acknowledge(follower, 9);
    remote.report(time.now);
    time.now += 5_000;
    remote.acknowledge(follower, 8);
    assert.equal(remote.hasChanged, false, 'that is no news');
    assert.deepEqual(
      remote.list(time.now).map(({ acknowledged, seenAt }) => [acknowledged, seenAt]),
      [[9, NOW]],
    );
  });

  test('is forgotten after a minute of silence, and who accepts until expiry only when no token is left (@rule R9)', () => {
    const { time, remote, take, id } = scene();
    const unsafe = newId(NOW) as FollowerId;
    take(id);
    take(unsafe, true);
    for (const [after, left] of [
      [59_999, 2],
      [60_000, 1],
      [959_999, 1],
      [960_000, 0],
    ] as const) {
      time.now = NOW + after;
      const report = remote.report(time.now);
      assert.deepEqual([report?.followers.length, remote.size], [left, left], `${after} ms`);
    }
    assert.deepEqual(remote.report(time.now), { version: 5, ended: false, followers: [] });
  });

  test('is news again where the report of it could not be written', () => {
    const { time, remote, take, id } = scene();
    take(id);
    remote.report(time.now);
    remote.notReported();
    assert.equal(remote.hasChanged, true);
  });
});
