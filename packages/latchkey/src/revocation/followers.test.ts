import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Tail } from '@latchkey/verify';
import { newId } from '../foundation/ids.ts';
import type { FollowerId, RemoteFollowerRecord } from '../stores/records.ts';
import { sqlite } from '../stores/sql/sqlite.ts';
import { type FollowerState, findFollowers, type KnownFollower, listFollowers } from './followers.ts';
import { HEARTBEAT, ROW_LIFE } from './registration.ts';
import { RemoteFollowers } from './remote-followers.ts';

const NOW = 1_700_000_000_000;
const SERVICE: RemoteFollowerRecord = {
  id: newId(NOW) as FollowerId,
  client: 'orders',
  registeredAt: NOW - 500,
  registeredSeq: 5,
  acknowledged: 6,
  seenAt: NOW - 10,
  acceptsUntilExpiry: false,
};

/** What is known where other nodes have written these rows. */
async function scene(t: TestContext) {
  const store = sqlite(':memory:');
  await store.open(NOW);
  t.after(() => store.close());
  const clock = { now: () => NOW, monotonic: () => NOW };
  const tail = new Tail({
    source: { pull: () => Promise.reject(new Error('not asked')), onHint: () => () => undefined },
    clock,
  });
  const now = (): number => NOW;
  const sources = {
    store,
    now,
    latest: now,
    tail,
    remote: new RemoteFollowers(clock),
    self: newId(NOW) as FollowerId,
  };
  let nodes = 0;
  const node = async (seenAt: number, followers: readonly RemoteFollowerRecord[], ended = false) =>
    await store.followers.put({
      // In the order of their ids, by which they are listed.
      id: newId(NOW + (nodes += 1)),
      name: 'node',
      registeredAt: NOW - 1_000,
      registeredSeq: 0,
      acknowledged: 0,
      seenAt,
      keptUntil: NOW + 1_000_000,
      relay: { version: 1, ended, followers },
    });
  const services = async (): Promise<readonly KnownFollower[]> =>
    (await findFollowers(sources)).filter(({ kind }) => kind === 'service');
  return { sources, node, services };
}

describe('who follows the log', () => {
  const MERGED: readonly (readonly [string, Partial<RemoteFollowerRecord>, Partial<KnownFollower>])[] = [
    [
      'the earlier registration',
      { registeredAt: NOW - 900, registeredSeq: 3 },
      { registeredAt: NOW - 900, registeredSeq: 3 },
    ],
    ['the greater cursor', { acknowledged: 8 }, { acknowledged: 8 }],
    ['the last sign of life', { seenAt: NOW - 1 }, { seenAt: NOW - 1 }],
    ['that it accepts until expiry', { acceptsUntilExpiry: true }, { acceptsUntilExpiry: true }],
  ];
  for (const [title, told, expected] of MERGED) {
    test(`is one where two nodes tell of it, with ${title}, whichever of them says so (@rule R9)`, async (t) => {
      const { client: name, ...known } = SERVICE;
      for (const reports of [
        [SERVICE, { ...SERVICE, ...told }],
        [{ ...SERVICE, ...told }, SERVICE],
      ]) {
        const { node, services } = await scene(t);
        for (const report of reports) await node(NOW, [report]);
        assert.deepEqual(await services(), [{ ...known, ...expected, name, kind: 'service' }]);
      }
    });
  }

  test('is no service that was silent for a minute, but for one that accepts until expiry (@rule R9)', async (t) => {
    for (const [silence, acceptsUntilExpiry, count] of [
      [60_000, false, 1],
      [60_001, false, 0],
      [60_001, true, 1],
      [960_000, true, 1],
      [960_001, true, 0],
    ] as const) {
      const { node, services } = await scene(t);
      await node(NOW, [{ ...SERVICE, seenAt: NOW - silence, acceptsUntilExpiry }]);
      assert.equal((await services()).length, count, `${silence} ms`);
    }
  });

  test('is a node for as long as its row may be, and none that has left (@rule R9)', async (t) => {
    for (const [silence, ended, count] of [
      [ROW_LIFE, false, 1],
      [ROW_LIFE + 1, false, 0],
      [0, true, 0],
    ] as const) {
      const { sources, node } = await scene(t);
      await node(NOW - silence, [], ended);
      assert.equal((await findFollowers(sources)).length, count, `${silence} ms, ${ended}`);
    }
  });

  test('is called fresh for as long as it may answer from its copy since it was heard of', async (t) => {
    for (const [lag, fresh] of [
      [HEARTBEAT - 1, true],
      [HEARTBEAT, false],
    ] as const) {
      const { sources, node } = await scene(t);
      await node(NOW - lag, []);
      const { items } = await listFollowers(sources);
      const shown = items.map((item): Partial<FollowerState> => ({ lag: item.lag, fresh: item.fresh }));
      assert.deepEqual(shown, [{ lag, fresh }], 'no pull has said yet how long a copy may be trusted');
    }
  });
});
