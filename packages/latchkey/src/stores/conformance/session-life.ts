import assert from 'node:assert/strict';
import type { FloorScope } from '@latchkey/verify';
import type { Rotation, SessionRecord } from '../records.ts';
import {
  createSession,
  createUser,
  DAY,
  inTurns,
  NOW,
  sampleHash,
  sampleId,
  storedSession,
  winners,
} from './samples.ts';
import type { StoreTest } from './store-test.ts';

/** How a session ends, rotates, is kept and is swept. */
export function sessionLifeConformance(test: StoreTest): void {
  revoking(test);
  rotating(test);
  idling(test);
  sweeping(test);
}

function revoking(test: StoreTest): void {
  test('a session ends once, and the first position stays', async (store) => {
    const { id } = await createSession(store);
    assert.equal(await store.sessions.revoke(id, 5), true);
    assert.equal(await store.sessions.revoke(id, 6), false);
    assert.equal((await storedSession(store, id)).revokedSeq, 5);
    assert.equal(await store.sessions.revoke(sampleId(), 5), false);
  });

  test('of fifty who end a session at once, one did', async (store) => {
    const { id } = await createSession(store);
    assert.equal(await winners(50, async (index) => await store.sessions.revoke(id, index + 1)), 1);
  });
}

function sampleRotation(changes: Partial<Rotation> = {}): Rotation {
  return {
    secretHash: sampleHash(),
    rotatedAt: NOW,
    authTime: NOW,
    acr: 'aal1',
    amr: ['pwd'],
    ...changes,
  };
}

function rotating(test: StoreTest): void {
  test('a rotation keeps the secret and the auth_time from before', async (store) => {
    const session = await createSession(store, { authTime: NOW - DAY, acr: 'aal1', amr: [] });
    const next = sampleRotation({ acr: 'aal2', rotatedAt: NOW + 1, authTime: NOW + 2 });
    assert.equal(await store.sessions.rotate(session.id, session.secretHash, next), true);
    const stored = await storedSession(store, session.id);
    assert.deepEqual([...stored.secretHash], [...next.secretHash]);
    assert.deepEqual([...(stored.previousSecretHash ?? [])], [...session.secretHash]);
    assert.equal(stored.previousAuthTime, NOW - DAY);
    assert.equal(stored.rotatedAt, NOW + 1);
    assert.equal(stored.authTime, NOW + 2);
    assert.equal(stored.acr, 'aal2');
    assert.deepEqual(stored.amr, ['pwd']);
    assert.equal(stored.rs, session.rs);
  });

  test('a rotation from a secret that is not the current one changes nothing', async (store) => {
    const session = await createSession(store);
    assert.equal(await store.sessions.rotate(session.id, sampleHash(), sampleRotation()), false);
    assert.equal(await store.sessions.rotate(session.id, session.secretHash, sampleRotation()), true);
    const { secretHash } = await storedSession(store, session.id);
    assert.equal(await store.sessions.rotate(session.id, session.secretHash, sampleRotation()), false);
    assert.deepEqual((await storedSession(store, session.id)).secretHash, secretHash);
  });

  test('of fifty rotations at once from one secret, one happens', async (store) => {
    const { id, secretHash } = await createSession(store);
    const rotations = Array.from({ length: 50 }, () => sampleRotation());
    const answers = await Promise.all(
      rotations.map(async (rotation) => await store.sessions.rotate(id, secretHash, rotation)),
    );
    const won = rotations.filter((_, index) => answers[index] === true);
    assert.equal(won.length, 1);
    const stored = await storedSession(store, id);
    assert.deepEqual([...stored.secretHash], [...(won[0]?.secretHash ?? [])]);
    assert.deepEqual([...(stored.previousSecretHash ?? [])], [...secretHash]);
  });

  const ended: readonly (readonly [string, Partial<SessionRecord>])[] = [
    ['was revoked', { revokedSeq: 1 }],
    ['has expired', { expiresAt: NOW }],
    ['was idle too long', { idleUntil: NOW }],
  ];
  for (const [title, changes] of ended) {
    test(`a session that ${title} does not rotate`, async (store) => {
      const { id, secretHash } = await createSession(store, changes);
      assert.equal(await store.sessions.rotate(id, secretHash, sampleRotation({ rotatedAt: NOW })), false);
    });
  }

  const scopes: readonly FloorScope[] = ['user', 'client', 'all'];
  for (const scope of scopes) {
    test(`a session below a floor of scope ${scope} does not rotate`, async (store) => {
      const user = await createUser(store);
      const { id, secretHash, clientSubject } = await createSession(store, { userId: user.id });
      const subject = { user: user.id, client: clientSubject, organisation: '', all: '' }[scope];
      await store.log.raiseFloor(scope, subject, 1);
      assert.equal(await store.sessions.rotate(id, secretHash, sampleRotation()), false);
    });
  }
}

function idling(test: StoreTest): void {
  test('idle limits move forward, each on its own, and never back', async (store) => {
    const first = await createSession(store, { idleUntil: NOW + 10 });
    const second = await createSession(store, { idleUntil: NOW + 10 });
    await store.sessions.moveIdle([
      { id: first.id, idleUntil: NOW + 20 },
      { id: sampleId(), idleUntil: NOW + 20 },
      { id: second.id, idleUntil: NOW + 5 },
    ]);
    assert.equal((await storedSession(store, first.id)).idleUntil, NOW + 20);
    assert.equal((await storedSession(store, second.id)).idleUntil, NOW + 10);
    await store.sessions.moveIdle([]);
  });

  test('of several moves of one session in one call the furthest stays', async (store) => {
    const { id } = await createSession(store, { idleUntil: NOW });
    await store.sessions.moveIdle([7, 9, 8].map((step) => ({ id, idleUntil: NOW + step })));
    assert.equal((await storedSession(store, id)).idleUntil, NOW + 9);
  });

  test('calls that move and see the same sessions in other orders all succeed', async (store) => {
    const sessions = await Promise.all(
      Array.from({ length: 20 }, async () => await createSession(store, { idleUntil: NOW })),
    );
    await inTurns(10, 5, async (turn) => {
      const start = (turn * 7) % sessions.length;
      const some = [...sessions.slice(start), ...sessions.slice(0, start)];
      const order = turn % 2 === 0 ? some : some.toReversed();
      await store.sessions.moveIdle(order.map(({ id }) => ({ id, idleUntil: NOW + turn + 1 })));
      await store.sessions.seen(order.map(({ id }) => ({ id, at: NOW + turn })));
    });
    for (const { id } of sessions) assert.equal((await storedSession(store, id)).idleUntil, NOW + 50);
  });

  test('of fifty moves at once the furthest stays', async (store) => {
    const { id } = await createSession(store, { idleUntil: NOW });
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        await store.sessions.moveIdle([{ id, idleUntil: NOW + 1 + ((index * 37) % 50) }]);
      }),
    );
    assert.equal((await storedSession(store, id)).idleUntil, NOW + 50);
  });
}

function sweeping(test: StoreTest): void {
  test('a sweep deletes what is past its absolute limit, at most as many as were asked for', async (store) => {
    const user = await createUser(store);
    const old = await Promise.all(
      Array.from(
        { length: 5 },
        async (_, index) => await createSession(store, { userId: user.id, expiresAt: NOW - 1 - index }),
      ),
    );
    const kept = [
      await createSession(store, { userId: user.id, expiresAt: NOW }),
      await createSession(store, { expiresAt: NOW + 1, idleUntil: NOW - DAY }),
    ];
    assert.equal(await store.sessions.sweep(NOW, 3), 3);
    assert.equal(await store.sessions.sweep(NOW, 3), 2);
    assert.equal(await store.sessions.sweep(NOW, 3), 0);
    for (const { id } of old) assert.equal(await store.sessions.read(id), null);
    for (const { id } of kept) assert.notEqual(await store.sessions.read(id), null);
  });

  test('sweeps at once delete each session once', async (store) => {
    for (let index = 0; index < 40; index += 1) await createSession(store, { expiresAt: NOW - 1 });
    const sweeps = Array.from({ length: 10 }, async () => {
      let swept = 0;
      for (let last = 1; last > 0; swept += last) last = await store.sessions.sweep(NOW, 7);
      return swept;
    });
    const swept = (await Promise.all(sweeps)).reduce((sum, count) => sum + count, 0);
    assert.equal(swept, 40);
    assert.equal(await store.sessions.sweep(NOW, 7), 0);
  });
}
