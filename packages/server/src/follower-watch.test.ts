import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FollowerState, Followers } from 'latchkey';
import { FollowerWatch } from './follower-watch.ts';

/** A follower that is told of as so many milliseconds ago. */
function follower(name: string, lag: number, more: Partial<FollowerState> = {}): FollowerState {
  const id = name as FollowerState['id'];
  const at = { registeredAt: 0, cursor: 7, behind: 0, acceptsUntilExpiry: false };
  return { id, name, kind: 'node', ...at, lag, fresh: lag < 15_000, self: false, ...more };
}

/** A watch over a list that the test writes, by a clock of the test's own. */
function scene(...first: readonly FollowerState[]) {
  const state = { items: first, away: false, now: 0, reads: 0 };
  const read = async (): Promise<Followers> => {
    state.reads += 1;
    if (state.away) throw new Error('away');
    return { epoch: 'one', head: 7, items: state.items };
  };
  const self = (): { lag: number; fresh: boolean } => ({ lag: 12, fresh: true });
  return { state, watch: new FollowerWatch({ read, self, monotonic: () => state.now }) };
}

test('metrics are answered from what was read last, however often they are asked for', async () => {
  const { state, watch } = scene(follower('here 1', 900, { self: true }), follower('there 2', 400));
  assert.deepEqual([watch.answered, watch.list()], [false, []]);
  await Promise.all([watch.look(), watch.look()]);
  state.now += 3_000;
  const expected = [
    { name: 'there 2', kind: 'node', lag: 3_400, fresh: true },
    { name: 'here 1', kind: 'node', lag: 12, fresh: true },
  ];
  for (let asked = 0; asked < 3; asked += 1)
    assert.deepEqual(
      watch.list().toSorted((one, other) => other.lag - one.lag),
      expected,
    );
  assert.equal(state.reads, 1);
  assert.equal(watch.answered, true);
});

test('while the store is away others lag by more and more, and soon nothing good is said of them', async () => {
  const { state, watch } = scene(follower('here 1', 900, { self: true }), follower('there 2', 400));
  await watch.look();
  state.away = true;
  for (const [after, fresh] of [
    [10_000, true],
    [19_999, true],
    [1, false],
  ] as const) {
    state.now += after;
    await watch.look();
    assert.equal(watch.answered, false);
    const [there, here] = watch.list();
    assert.deepEqual([there?.lag, there?.fresh, here?.fresh], [400 + state.now, fresh, true]);
  }
});

test('of several processes of one name the worst is told, and a service is not a node of its name', async () => {
  const { watch } = scene(
    follower('orders', 100, { kind: 'service' }),
    follower('orders', 70_000, { kind: 'service' }),
    follower('orders', 300, { kind: 'service' }),
    follower('orders', 5),
  );
  await watch.look();
  assert.deepEqual(watch.list(), [
    { name: 'orders', kind: 'service', lag: 70_000, fresh: false },
    { name: 'orders', kind: 'node', lag: 5, fresh: true },
  ]);
});

test('however many there are, so many are named, the worst of them, and of the rest the worst is told', async () => {
  const { watch } = scene(...Array.from({ length: 5_000 }, (_, lag) => follower(`node ${lag}`, lag)));
  await watch.look();
  const list = watch.list();
  assert.equal(list.length, 101);
  assert.deepEqual(list[0], { name: 'node 4999', kind: 'node', lag: 4_999, fresh: true });
  assert.deepEqual(list.at(-1), { name: '', kind: 'node', lag: 4_899, fresh: true });
});
