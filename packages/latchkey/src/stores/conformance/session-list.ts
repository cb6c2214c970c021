import assert from 'node:assert/strict';
import type { SessionId, UserId } from '@latchkey/verify';
import type { SessionRecord } from '../records.ts';
import type { Store } from '../store.ts';
import { createSession, createUser, DAY, NOW, sampleId } from './samples.ts';
import type { StoreTest } from './store-test.ts';

async function listed(store: Store, userId: UserId): Promise<readonly SessionId[]> {
  const sessions = await store.sessions.list(userId, NOW, 1_000, null);
  return sessions.map(({ session }) => session.id);
}

/** What a user sees of their own sessions. */
export function sessionListConformance(test: StoreTest): void {
  order(test);
  life(test);
  sightings(test);
}

function order(test: StoreTest): void {
  test('a list holds the sessions of one user, newest first', async (store) => {
    const user = await createUser(store);
    const other = await createUser(store);
    const ids: SessionId[] = [];
    for (const age of [3, 1, 5, 2, 4]) {
      const { id } = await createSession(store, { id: sampleId(NOW - age * DAY), userId: user.id });
      ids[age - 1] = id;
    }
    await createSession(store, { userId: other.id });
    await createSession(store);
    assert.deepEqual(await listed(store, user.id), ids);
  });

  test('pages hold each session once, also of those created in one millisecond', async (store) => {
    const user = await createUser(store);
    // As many ids as it takes for the order of bytes to differ from the order of their text.
    for (let index = 0; index < 60; index += 1) await createSession(store, { userId: user.id });
    const whole = await listed(store, user.id);
    const pages: SessionId[] = [];
    let after: SessionId | null = null;
    for (;;) {
      const page = await store.sessions.list(user.id, NOW, 7, after);
      const last = page.at(-1);
      if (last === undefined) break;
      assert.ok(page.length <= 7);
      pages.push(...page.map(({ session }) => session.id));
      after = last.session.id;
    }
    assert.equal(new Set(pages).size, 60);
    assert.deepEqual(pages, whole);
  });

  test('a page goes on behind a session that has ended meanwhile', async (store) => {
    const user = await createUser(store);
    for (let index = 0; index < 4; index += 1) await createSession(store, { userId: user.id });
    const whole = await listed(store, user.id);
    const after = whole[1];
    assert.ok(after !== undefined);
    await store.sessions.revoke(after, 1);
    const page = await store.sessions.list(user.id, NOW, 10, after);
    assert.deepEqual(
      page.map(({ session }) => session.id),
      whole.slice(2),
    );
  });
}

function life(test: StoreTest): void {
  const dead: readonly (readonly [string, Partial<SessionRecord>])[] = [
    ['was revoked', { revokedSeq: 1 }],
    ['has expired', { expiresAt: NOW }],
    ['was idle too long', { idleUntil: NOW }],
  ];
  for (const [title, changes] of dead) {
    test(`a session that ${title} is not in the list`, async (store) => {
      const user = await createUser(store);
      const alive = await createSession(store, { userId: user.id, expiresAt: NOW + 1, idleUntil: NOW + 1 });
      await createSession(store, { userId: user.id, ...changes });
      assert.deepEqual(await listed(store, user.id), [alive.id]);
    });
  }

  test('sessions below a floor are not in the list', async (store) => {
    const user = await createUser(store);
    const clientSubject = sampleId();
    const ofUser = await createSession(store, { userId: user.id, rs: 1 });
    const ofClient = await createSession(store, { userId: user.id, rs: 2, clientSubject });
    const above = await createSession(store, { userId: user.id, rs: 3, clientSubject });
    assert.equal((await listed(store, user.id)).length, 3);
    await store.log.raiseFloor('client', clientSubject, 3);
    assert.deepEqual(new Set(await listed(store, user.id)), new Set([ofUser.id, above.id]));
    assert.ok(!(await listed(store, user.id)).includes(ofClient.id));
    await store.log.raiseFloor('user', user.id, 2);
    assert.deepEqual(await listed(store, user.id), [above.id]);
    await store.log.raiseFloor('all', '', 4);
    assert.deepEqual(await listed(store, user.id), []);
  });
}

function sightings(test: StoreTest): void {
  test('the last sighting is shown, and an older one that comes late is not', async (store) => {
    const user = await createUser(store);
    const { id } = await createSession(store, { userId: user.id });
    const lastSeen = async (): Promise<number | null | undefined> =>
      (await store.sessions.list(user.id, NOW, 1, null))[0]?.lastSeenAt;
    assert.equal(await lastSeen(), null);
    await store.sessions.seen([
      { id, at: NOW + 1 },
      { id: sampleId(), at: NOW },
    ]);
    assert.equal(await lastSeen(), NOW + 1);
    await store.sessions.seen([
      { id, at: NOW + 2 },
      { id, at: NOW + 3 },
      { id, at: NOW + 1 },
    ]);
    await store.sessions.seen([{ id, at: NOW + 2 }]);
    assert.equal(await lastSeen(), NOW + 3);
    await store.sessions.seen([]);
  });
}
