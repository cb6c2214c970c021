import assert from 'node:assert/strict';
import type { FloorScope } from '@latchkey/verify';
import type { SessionRecord } from '../records.ts';
import {
  createSession,
  createUser,
  DAY,
  inTurns,
  NOW,
  sampleEntry,
  sampleHash,
  sampleId,
  sampleSession,
  storedSession,
  winners,
} from './samples.ts';
import type { StoreTest } from './store-test.ts';

/** A session's row, its reading in one snapshot, and the floors that keep it out. */
export function sessionConformance(test: StoreTest): void {
  rows(test);
  readings(test);
  refusals(test);
  sparing(test);
}

function rows(test: StoreTest): void {
  test('a session comes back as it was written, with and without what may be missing', async (store) => {
    const user = await createUser(store);
    const full: Partial<SessionRecord> = {
      userId: user.id,
      rs: 41,
      previousSecretHash: sampleHash(),
      rotatedAt: NOW + 1,
      previousAuthTime: NOW + 2,
      revokedSeq: 42,
      authTime: NOW + 3,
      acr: 'aal2',
      amr: ['pwd'],
      ip: '2001:db8::1',
      device: 'Firefox on Linux',
    };
    for (const session of [await createSession(store), await createSession(store, full)]) {
      assert.deepEqual(plain(await storedSession(store, session.id)), plain(session));
    }
  });

  test('a session that is not there is null', async (store) => {
    assert.equal(await store.sessions.read(sampleId()), null);
  });

  test('a session is not written over', async (store) => {
    const session = await createSession(store);
    await assert.rejects(store.sessions.create(sampleSession({ id: session.id })));
    assert.deepEqual(plain(await storedSession(store, session.id)), plain(session));
  });
}

/** With hashes as plain arrays, since a store may answer any kind of `Uint8Array`. */
function plain(session: SessionRecord): unknown {
  const { secretHash, previousSecretHash } = session;
  return {
    ...session,
    secretHash: [...secretHash],
    previousSecretHash: previousSecretHash === null ? null : [...previousSecretHash],
  };
}

function readings(test: StoreTest): void {
  test('a reading holds the head, the user and the roles in alphabetical order', async (store) => {
    const user = await createUser(store, { name: 'Ada' });
    for (const role of ['editor', 'admin']) await store.users.assignRole(user.id, role);
    const session = await createSession(store, { userId: user.id });
    await store.transaction(async (tables) => await tables.log.append([sampleEntry()]));
    const reading = await store.sessions.read(session.id);
    assert.ok(reading !== null);
    assert.equal(reading.head, (await store.log.head()).seq);
    assert.deepEqual(reading.user, user);
    assert.deepEqual(reading.roles, ['admin', 'editor']);
    assert.equal(reading.floor, null);
  });

  test('a session without a user is read without one', async (store) => {
    const session = await createSession(store);
    const reading = await store.sessions.read(session.id);
    assert.ok(reading !== null);
    assert.equal(reading.user, null);
    assert.deepEqual(reading.roles, []);
  });

  test('a reading holds the highest floor that concerns the session, and no other', async (store) => {
    const user = await createUser(store);
    const { id, clientSubject } = await createSession(store, { userId: user.id });
    const floor = async (): Promise<number | null | undefined> => (await store.sessions.read(id))?.floor;
    await store.log.raiseFloor('user', sampleId(), 90);
    await store.log.raiseFloor('client', sampleId(), 91);
    await store.log.raiseFloor('user', clientSubject, 92);
    await store.log.raiseFloor('client', user.id, 93);
    await store.log.raiseFloor('organisation', user.id, 94);
    assert.equal(await floor(), null);
    await store.log.raiseFloor('client', clientSubject, 5);
    assert.equal(await floor(), 5);
    await store.log.raiseFloor('user', user.id, 3);
    assert.equal(await floor(), 5);
    await store.log.raiseFloor('user', user.id, 6);
    assert.equal(await floor(), 6);
    await store.log.raiseFloor('all', '', 7);
    assert.equal(await floor(), 7);
  });

  test('a reading is of one snapshot: a head that covers a revocation comes with its floor', async (store) => {
    const user = await createUser(store);
    const { id } = await createSession(store, { userId: user.id });
    const { seq: start } = await store.log.head();
    const torn: number[] = [];
    const revoke = async (): Promise<void> =>
      await store.transaction(async (tables) => {
        const { cursor } = await tables.log.append([sampleEntry({ scope: 'user', subject: user.id })]);
        await tables.log.raiseFloor('user', user.id, cursor.seq);
      });
    const read = async (): Promise<void> => {
      const reading = await store.sessions.read(id);
      if ((reading?.floor ?? start) !== reading?.head) torn.push(reading?.head ?? 0);
    };
    await Promise.all([inTurns(5, 10, revoke), inTurns(5, 40, read)]);
    assert.deepEqual(torn, []);
  });
}

function refusals(test: StoreTest): void {
  const scopes: readonly FloorScope[] = ['user', 'client', 'all'];
  for (const scope of scopes) {
    test(`a session is refused below a floor of scope ${scope}, and nothing of it written`, async (store) => {
      const user = await createUser(store);
      const clientSubject = sampleId();
      const subject = { user: user.id, client: clientSubject, organisation: '', all: '' }[scope];
      await store.log.raiseFloor(scope, subject, 10);
      const below = sampleSession({ userId: user.id, clientSubject, rs: 9 });
      assert.equal(await store.sessions.create(below), false);
      assert.equal(await store.sessions.read(below.id), null);
      await createSession(store, { userId: user.id, clientSubject, rs: 10 });
      await createSession(store, { userId: user.id, clientSubject, rs: 11 });
    });
  }

  test('floors of other users and clients refuse nobody', async (store) => {
    const user = await createUser(store);
    await store.log.raiseFloor('user', sampleId(), 10);
    await store.log.raiseFloor('client', sampleId(), 10);
    await createSession(store, { userId: user.id, rs: 1 });
    await createSession(store, { userId: null, rs: 1 });
  });

  test('a sign-in that began before a revocation makes no session that lives', async (store) => {
    const user = await createUser(store);
    // The position is read first, as for a password whose hashing takes its time.
    const { seq: rs } = await store.log.head();
    const sessions = Array.from({ length: 50 }, () => sampleSession({ userId: user.id, rs }));
    const created = (batch: readonly SessionRecord[]): readonly Promise<boolean>[] =>
      batch.map(async (session) => await store.sessions.create(session));
    const revoke = async (): Promise<void> =>
      await store.transaction(async (tables) => {
        const { cursor } = await tables.log.append([sampleEntry({ scope: 'user', subject: user.id })]);
        await tables.log.raiseFloor('user', user.id, cursor.seq);
      });
    await Promise.all([...created(sessions.slice(0, 25)), revoke(), ...created(sessions.slice(25))]);
    assert.deepEqual(await store.sessions.list(user.id, NOW, 100, null), []);
    for (const { id } of sessions) {
      const reading = await store.sessions.read(id);
      assert.ok(reading === null || (reading.floor ?? 0) > reading.session.rs);
    }
  });
}

function sparing(test: StoreTest): void {
  test('one session is spared from a floor, and the others are not', async (store) => {
    const user = await createUser(store);
    const spared = await createSession(store, { userId: user.id });
    const other = await createSession(store, { userId: user.id });
    await store.transaction(async (tables) => {
      const { cursor } = await tables.log.append([sampleEntry({ scope: 'user', subject: user.id })]);
      assert.equal(await tables.sessions.spare(spared.id, spared.rs, cursor.seq), true);
      await tables.log.raiseFloor('user', user.id, cursor.seq);
    });
    const alive = await store.sessions.list(user.id, NOW, 10, null);
    assert.deepEqual(
      alive.map(({ session }) => session.id),
      [spared.id],
    );
    const floor = await store.log.floor('user', user.id);
    assert.equal((await storedSession(store, spared.id)).rs, floor);
    assert.equal((await storedSession(store, other.id)).rs, other.rs);
  });

  test('sparing never revives: not one that was ended, nor one whose position is another than was read (@rule R3)', async (store) => {
    const revoked = await createSession(store, { rs: 20, revokedSeq: 21 });
    assert.equal(await store.sessions.spare(revoked.id, 20, 30), false);
    assert.equal((await storedSession(store, revoked.id)).rs, 20);
    const { id } = await createSession(store, { rs: 20 });
    assert.equal(await store.sessions.spare(id, 19, 30), false);
    assert.equal((await storedSession(store, id)).rs, 20);
    assert.equal(await store.sessions.spare(sampleId(), 0, 30), false);
  });

  test('sparing never revives what a floor has ended since it was read (@rule R3)', async (store) => {
    const user = await createUser(store);
    const { id, rs } = await createSession(store, { userId: user.id });
    await store.log.raiseFloor('user', user.id, rs + 1);
    assert.equal(await store.sessions.spare(id, rs, rs + 2), false);
    assert.equal((await storedSession(store, id)).rs, rs);
  });

  test('of fifty who each spare another session and end the rest, one session is left (@rule R3)', async (store) => {
    const user = await createUser(store);
    const sessions = await Promise.all(
      Array.from({ length: 50 }, async () => await createSession(store, { userId: user.id })),
    );
    const spare = async ({ id }: SessionRecord): Promise<boolean> =>
      await store.transaction(async (tables) => {
        const reading = await tables.sessions.hold(id);
        if (reading === null || (reading.floor ?? 0) > reading.session.rs) return false;
        const { cursor } = await tables.log.append([sampleEntry({ scope: 'user', subject: user.id })]);
        // False where another was faster: a flow would fail here, and this transaction still ends all.
        const spared = await tables.sessions.spare(id, reading.session.rs, cursor.seq);
        if (spared) await tables.log.raiseFloor('user', user.id, cursor.seq);
        return spared;
      });
    const outcomes = await Promise.all(sessions.map(spare));
    assert.equal(outcomes.filter((spared) => spared).length, 1);
    const alive = await store.sessions.list(user.id, NOW, 100, null);
    assert.deepEqual(
      alive.map(({ session }) => session.id),
      sessions.filter((_, index) => outcomes[index]).map(({ id }) => id),
    );
  });

  test('a session that is held is changed by nobody else until the transaction ends', async (store) => {
    const { id, rs } = await createSession(store);
    const order: string[] = [];
    const held = Promise.withResolvers<void>();
    const holder = store.transaction(async (tables) => {
      assert.equal((await tables.sessions.hold(id))?.session.rs, rs);
      held.resolve();
      for (let step = 0; step < 20; step += 1) await tables.sessions.read(id);
      order.push('the holder');
    });
    await held.promise;
    const other = store.sessions.revoke(id, rs + 1).then(() => order.push('the other'));
    await Promise.all([holder, other]);
    assert.deepEqual(order, ['the holder', 'the other']);
    await assert.rejects(store.sessions.hold(id), TypeError);
  });

  test('of fifty who spare a session at once, one does', async (store) => {
    const { id } = await createSession(store, { rs: 20 });
    assert.equal(await winners(50, async (index) => await store.sessions.spare(id, 20, 30 + index)), 1);
  });

  test('deleting a session deletes what belongs to it', async (store) => {
    const user = await createUser(store);
    const old = await createSession(store, { userId: user.id, expiresAt: NOW - DAY });
    await store.data.write(old.id, 'cart', '[]', 0);
    await store.sessions.seen([{ id: old.id, at: NOW - DAY }]);
    assert.equal(await store.sessions.sweep(NOW, 10), 1);
    assert.equal(await store.sessions.read(old.id), null);
    assert.equal((await store.data.read(old.id)).size, 0);
    // The same id again, so that anything left over would show.
    await createSession(store, { id: old.id, userId: user.id });
    assert.equal((await store.data.read(old.id)).size, 0);
    assert.equal((await store.sessions.list(user.id, NOW, 10, null))[0]?.lastSeenAt, null);
  });
}
