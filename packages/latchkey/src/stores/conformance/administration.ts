import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import type { SessionId, UserId } from '@latchkey/verify';
import type { OwnedSession, UserRecord } from '../records.ts';
import type { Store } from '../store.ts';
import {
  createSession,
  createUser,
  DAY,
  NOW,
  sampleId,
  samplePassword,
  sampleSession,
  winners,
} from './samples.ts';
import type { StoreTest } from './store-test.ts';

/** What an administrator sees and does: lists of users and sessions, and users who are disabled or deleted. */
export function administrationConformance(test: StoreTest): void {
  userList(test);
  searches(test);
  lifecycle(test);
  holding(test);
  sessions(test);
  clients(test);
}

const EVERYBODY = { emailKey: '', name: '' };

function userList(test: StoreTest): void {
  test('users are listed in the order of their creation, with their roles in alphabetical order', async (store) => {
    const users: UserRecord[] = [];
    for (const age of [1, 3, 2])
      users[3 - age] = await createUser(store, { id: sampleId(NOW - age * DAY), name: `${age}` });
    const [, second] = users;
    assert.ok(second !== undefined);
    for (const role of ['editor', 'auditor']) await store.users.assignRole(second.id, role);
    const listed = await store.users.list(EVERYBODY, 10, null);
    assert.deepEqual(
      listed,
      users.map((user) => ({ user, roles: user === second ? ['auditor', 'editor'] : [] })),
    );
  });

  test('pages hold each user once, however many roles they have, and whoever is created meanwhile', async (store) => {
    for (let index = 0; index < 30; index += 1) {
      const { id } = await createUser(store);
      for (let role = 0; role < index % 4; role += 1) await store.users.assignRole(id, `role-${role}`);
    }
    const whole = await store.users.list(EVERYBODY, 1_000, null);
    const pages: UserId[] = [];
    let after: UserId | null = null;
    for (;;) {
      const page = await store.users.list(EVERYBODY, 7, after);
      const last = page.at(-1);
      if (last === undefined) break;
      assert.ok(page.length <= 7);
      pages.push(...page.map(({ user }) => user.id));
      after = last.user.id;
      await createUser(store, { id: sampleId(NOW - DAY) });
    }
    assert.deepEqual(
      pages,
      whole.map(({ user }) => user.id),
    );
    assert.equal(pages.length, 30);
  });

  test('a page goes on behind a user who is gone', async (store) => {
    for (let index = 0; index < 4; index += 1) await createUser(store);
    const whole = await store.users.list(EVERYBODY, 10, null);
    const after = whole[1]?.user.id;
    assert.ok(after !== undefined);
    assert.equal(await store.users.remove(after), true);
    assert.deepEqual(await store.users.list(EVERYBODY, 10, after), whole.slice(2));
  });
}

function searches(test: StoreTest): void {
  const people = [
    { emailKey: 'ada@example.com', name: 'Ada Lovelace' },
    { emailKey: 'a_a@example.com', name: '100% Bob' },
    { emailKey: 'a%a@example.com', name: 'back\\slash' },
    { emailKey: 'bob@example.com', name: null },
    { emailKey: 'eve@example.com', name: 'Örsted "Øre"' },
    { emailKey: 'fay@example.com', name: '😀 Fay' },
  ] as const;
  const cases: readonly (readonly [title: string, text: string, found: readonly string[]])[] = [
    ['a whole address', 'bob@example.com', ['bob']],
    ['the beginning of an address', 'ad', ['ada']],
    ['the beginning of a name', 'Ada L', ['ada']],
    ['the beginning of a name in another case', 'aDA lOVE', ['ada']],
    ['what stands inside a name', 'Lovelace', []],
    ['what stands inside an address', 'example', []],
    ['a percent sign', '%', []],
    ['an underscore', '_', []],
    ['a percent sign inside', 'a%', ['a%a']],
    ['an underscore inside', 'a_', ['a_a']],
    ['a name with a percent sign', '100%', ['a_a']],
    ['a backslash', 'back\\', ['a%a']],
    ['a backslash before nothing that it escapes', 'a\\', []],
    ['a quote', "'", []],
    ['a name with quotes', 'Örsted "', ['eve']],
    ['a character of two units', '😀', ['fay']],
    ['half of it', '\ud83d', []],
    ['an upper-case address, for keys are compared byte by byte', 'BOB@', []],
    ['more than there is', 'bob@example.com.', []],
  ];
  for (const [title, text, found] of cases) {
    test(`a search takes ${title} as it stands`, async (store) => {
      for (const person of people) await createUser(store, person);
      const listed = await store.users.list({ emailKey: text, name: text }, 10, null);
      assert.deepEqual(
        listed.map(({ user }) => user.emailKey.split('@')[0]),
        found,
      );
    });
  }

  test('a page of a search goes on where the one before ended', async (store) => {
    for (let index = 0; index < 5; index += 1) await createUser(store, { name: `Ada ${index}` });
    await createUser(store, { name: 'Bob' });
    const search = { emailKey: 'nobody', name: 'ada' };
    const whole = await store.users.list(search, 10, null);
    assert.equal(whole.length, 5);
    assert.deepEqual(await store.users.list(search, 2, whole[2]?.user.id ?? null), whole.slice(3));
  });
}

function lifecycle(test: StoreTest): void {
  test('a user is disabled and enabled again, and nothing else of them changes', async (store) => {
    const user = await createUser(store, { name: 'Ada' });
    assert.equal(await store.users.setDisabledAt(user.id, NOW + 5), true);
    assert.deepEqual(await store.users.find(user.id), { ...user, disabledAt: NOW + 5 });
    assert.equal(await store.users.setDisabledAt(user.id, null), true);
    assert.deepEqual(await store.users.find(user.id), user);
    assert.equal(await store.users.setDisabledAt(sampleId(), NOW), false);
  });

  test('of those with a role, the disabled can be left out of the count', async (store) => {
    const [first, second] = [await createUser(store), await createUser(store)];
    for (const { id } of [first, second]) await store.users.assignRole(id, 'administrator');
    assert.equal(await store.users.countEnabledWithRole('administrator'), 2);
    await store.users.setDisabledAt(first.id, NOW);
    assert.equal(await store.users.countEnabledWithRole('administrator'), 1);
    assert.equal(await store.users.countWithRole('administrator'), 2);
    assert.equal(await store.users.countEnabledWithRole('nobody'), 0);
  });

  test('a user who is removed leaves nothing, and the address is free', async (store) => {
    const user = await createUser(store);
    const other = await createUser(store);
    for (const { id } of [user, other]) {
      await store.passwords.put(samplePassword(id));
      await store.users.assignRole(id, 'editor');
    }
    const session = await createSession(store, { userId: user.id });
    const kept = await createSession(store, { userId: other.id });
    await store.data.write(session.id, 'cart', '[]', 0);
    await store.sessions.seen([{ id: session.id, at: NOW }]);
    for (const { id } of [user, other]) await store.attempts.count(id, NOW);
    assert.equal(await store.users.remove(user.id), true);
    assert.equal(await store.users.remove(user.id), false);
    assert.equal(await store.users.find(user.id), null);
    assert.equal(await store.users.read(user.id), null);
    assert.equal(await store.passwords.find(user.id), null);
    assert.deepEqual(await store.users.roles(user.id), []);
    assert.equal(await store.users.countWithRole('editor'), 1);
    assert.equal(await store.sessions.read(session.id), null);
    assert.equal((await store.data.read(session.id)).size, 0);
    assert.equal(await store.attempts.count(user.id, NOW), 1);
    assert.equal(await store.attempts.count(other.id, NOW), 2);
    assert.notEqual(await store.sessions.read(kept.id), null);
    await createUser(store, { emailKey: user.emailKey });
  });

  test('of fifty who remove a user at once, one does', async (store) => {
    const { id } = await createUser(store);
    assert.equal(await winners(50, async () => await store.users.remove(id)), 1);
  });
}

function holding(test: StoreTest): void {
  test('a user who is held is changed and removed by nobody else until the transaction ends', async (store) => {
    const user = await createUser(store);
    const order: string[] = [];
    const held = Promise.withResolvers<void>();
    const holder = store.transaction(async (tables) => {
      assert.deepEqual(await tables.users.hold(user.id), user);
      held.resolve();
      for (let step = 0; step < 20; step += 1) await tables.users.find(user.id);
      order.push('the holder');
    });
    await held.promise;
    const others = [
      store.users.setDisabledAt(user.id, NOW).then(() => order.push('another')),
      store.users.remove(user.id).then(() => order.push('another')),
    ];
    await Promise.all([holder, ...others]);
    assert.deepEqual(order, ['the holder', 'another', 'another']);
    await assert.rejects(store.users.hold(user.id), TypeError);
  });

  test('a password that is held is changed by nobody else until the transaction ends', async (store) => {
    const user = await createUser(store);
    const password = samplePassword(user.id);
    await store.passwords.put(password);
    const order: string[] = [];
    const held = Promise.withResolvers<void>();
    const holder = store.transaction(async (tables) => {
      assert.deepEqual(await tables.passwords.hold(user.id), password);
      held.resolve();
      for (let step = 0; step < 20; step += 1) await tables.passwords.find(user.id);
      order.push('the holder');
    });
    await held.promise;
    const change = store.passwords.put({ ...password, changedAt: NOW + 1 });
    await Promise.all([holder, change.then(() => order.push('another'))]);
    assert.deepEqual(order, ['the holder', 'another']);
    assert.equal(await store.transaction(async (tables) => await tables.passwords.hold(sampleId())), null);
    await assert.rejects(store.passwords.hold(user.id), TypeError);
  });

  test('a user who is held with their sessions is held with each, and with the session beside', async (store) => {
    const user = await createUser(store);
    const [theirs, beside] = [sampleSession({ userId: user.id }), sampleSession()];
    for (const session of [theirs, beside]) assert.equal(await store.sessions.create(session), true);
    const order: string[] = [];
    const held = Promise.withResolvers<void>();
    const holder = store.transaction(async (tables) => {
      assert.deepEqual(await tables.users.holdWithSessions(user.id, beside.id), user);
      held.resolve();
      // Each of them needs a connection.
      await setTimeout(100);
      order.push('the holder');
    });
    await held.promise;
    const idleUntil = NOW + 1_000_000_000;
    const others = [
      store.users.setDisabledAt(user.id, NOW),
      store.sessions.moveIdle([{ id: theirs.id, idleUntil }]),
      store.sessions.moveIdle([{ id: beside.id, idleUntil }]),
    ];
    await Promise.all([holder, ...others.map((other) => other.then(() => order.push('another')))]);
    assert.deepEqual(order, ['the holder', ...others.map(() => 'another')]);
    await assert.rejects(store.users.holdWithSessions(user.id, null), TypeError);
  });

  test('a user who is not there is held by nobody', async (store) => {
    assert.equal(await store.transaction(async (tables) => await tables.users.hold(sampleId())), null);
    const found = store.transaction(async (tables) => await tables.users.holdWithSessions(sampleId(), null));
    assert.equal(await found, null);
  });

  test('whoever holds a user sees what the one before has done', async (store) => {
    const { id } = await createUser(store);
    const take = async (): Promise<boolean> =>
      await store.transaction(async (tables) => {
        const user = await tables.users.hold(id);
        if (user === null || user.disabledAt !== null) return false;
        return await tables.users.setDisabledAt(id, NOW);
      });
    assert.equal(await winners(20, take), 1);
  });
}

async function everySession(store: Store, client: string | null = null): Promise<readonly SessionId[]> {
  const listed = await store.sessions.listAll(client, NOW, 1_000, null);
  return listed.map(({ session }) => session.id);
}

function sessions(test: StoreTest): void {
  test('the living sessions of all users are listed, newest first, with whose they are', async (store) => {
    const [ada, bob] = [await createUser(store), await createUser(store)];
    const ids: OwnedSession[] = [];
    for (const [index, user] of [ada, bob, ada].entries()) {
      const session = await createSession(store, { id: sampleId(NOW - index * DAY), userId: user.id });
      ids.push({ session, lastSeenAt: null, owner: { id: user.id, email: user.email } });
    }
    await createSession(store);
    await createSession(store, { userId: ada.id, revokedSeq: 1 });
    await createSession(store, { userId: ada.id, expiresAt: NOW });
    await createSession(store, { userId: ada.id, idleUntil: NOW });
    const listed = await store.sessions.listAll(null, NOW, 10, null);
    assert.deepEqual(
      listed.map(({ session, lastSeenAt, owner }) => [session.id, lastSeenAt, owner]),
      ids.map(({ session, lastSeenAt, owner }) => [session.id, lastSeenAt, owner]),
    );
    await store.log.raiseFloor('user', ada.id, 1);
    assert.deepEqual(await everySession(store), [ids[1]?.session.id]);
  });

  test('sessions are listed of one client alone, in pages', async (store) => {
    const { id: userId } = await createUser(store);
    for (const client of ['web', 'mobile', 'web', 'web', '']) await createSession(store, { userId, client });
    assert.equal((await everySession(store)).length, 5);
    assert.equal((await everySession(store, 'mobile')).length, 1);
    assert.equal((await everySession(store, '')).length, 1);
    assert.equal((await everySession(store, 'nobody')).length, 0);
    const whole = await everySession(store, 'web');
    assert.equal(whole.length, 3);
    const page = await store.sessions.listAll('web', NOW, 1, whole[0] ?? null);
    assert.deepEqual(
      page.map(({ session }) => session.id),
      whole.slice(1, 2),
    );
  });
}

function clients(test: StoreTest): void {
  test('clients that are disabled are listed with their names, each with the time of the first', async (store) => {
    const client = { subject: sampleId(), name: 'web' };
    assert.deepEqual(await store.clients.listDisabled(), []);
    await store.clients.disable(client, NOW);
    await store.clients.disable(client, NOW + 1);
    assert.equal(await store.clients.disabledAt(client.subject), NOW);
    assert.deepEqual(await store.clients.listDisabled(), [{ ...client, disabledAt: NOW }]);
    await store.clients.enable(client.subject);
    await store.clients.enable(client.subject);
    assert.equal(await store.clients.disabledAt(client.subject), null);
    assert.deepEqual(await store.clients.listDisabled(), []);
  });
}
