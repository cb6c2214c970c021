import assert from 'node:assert/strict';
import { createUser, DAY, NOW, sampleId, samplePassword, sampleUser, winners } from './samples.ts';
import type { StoreTest } from './store-test.ts';

/** Users with their roles, passwords, and the count of attempts. */
export function identityConformance(test: StoreTest): void {
  users(test);
  roles(test);
  passwords(test);
  attempts(test);
}

function users(test: StoreTest): void {
  test('a user comes back as it was written, with and without what may be missing', async (store) => {
    const bare = await createUser(store);
    const full = await createUser(store, { name: 'Ada', emailVerifiedAt: NOW + 1, disabledAt: NOW + 2 });
    for (const user of [bare, full]) {
      assert.deepEqual(await store.users.find(user.id), user);
      assert.deepEqual(await store.users.findByEmail(user.emailKey), user);
    }
    assert.equal(await store.users.count(), 2);
  });

  test('a user who is not there is null', async (store) => {
    assert.equal(await store.users.find(sampleId()), null);
    assert.equal(await store.users.findByEmail('nobody@example.com'), null);
    assert.equal(await store.users.count(), 0);
  });

  test('a second user with the same key is refused, and nothing of it written', async (store) => {
    const user = await createUser(store);
    const second = sampleUser({ emailKey: user.emailKey, email: 'another@example.com' });
    assert.equal(await store.users.create(second), false);
    assert.equal(await store.users.find(second.id), null);
    assert.deepEqual(await store.users.findByEmail(user.emailKey), user);
  });

  test('what is shown of an address need not be unique, and keys are compared byte by byte', async (store) => {
    const email = 'Ada@Example.com';
    // The same letters to the eye: upper case, composed, decomposed.
    for (const emailKey of ['ada@example.com', 'ADA@example.com', 'ad\u00e9@e.com', 'ade\u0301@e.com']) {
      await createUser(store, { email, emailKey });
    }
    assert.equal(await store.users.count(), 4);
  });

  test('of fifty users created at once with one key, one is written', async (store) => {
    const emailKey = 'ada@example.com';
    assert.equal(await winners(50, async () => await store.users.create(sampleUser({ emailKey }))), 1);
    assert.equal(await store.users.count(), 1);
  });

  test('a user is not written over', async (store) => {
    const user = await createUser(store);
    await assert.rejects(store.users.create(sampleUser({ id: user.id, name: 'Mallory' })));
    assert.deepEqual(await store.users.find(user.id), user);
  });
}

function roles(test: StoreTest): void {
  test('roles are in alphabetical order, and having one twice is having it once', async (store) => {
    const { id } = await createUser(store);
    for (const role of ['editor', 'admin', 'auditor', 'admin']) await store.users.assignRole(id, role);
    assert.deepEqual(await store.users.roles(id), ['admin', 'auditor', 'editor']);
    assert.deepEqual(await store.users.roles((await createUser(store)).id), []);
  });

  test('users with a role are counted once each', async (store) => {
    const first = await createUser(store);
    const second = await createUser(store);
    for (const { id } of [first, second, first]) await store.users.assignRole(id, 'admin');
    await store.users.assignRole(first.id, 'editor');
    assert.equal(await store.users.countWithRole('admin'), 2);
    assert.equal(await store.users.countWithRole('nobody'), 0);
  });
}

function passwords(test: StoreTest): void {
  test('a user has one password, the last that was put', async (store) => {
    const { id } = await createUser(store);
    assert.equal(await store.passwords.find(id), null);
    const first = samplePassword(id, { phc: 'first' });
    await store.passwords.put(first);
    assert.deepEqual(await store.passwords.find(id), first);
    const second = samplePassword(id, { phc: 'second', pepper: 'key', changedAt: NOW + 1 });
    await store.passwords.put(second);
    assert.deepEqual(await store.passwords.find(id), second);
  });

  test('a hash is replaced where it still is the expected one, and the time of the change stays', async (store) => {
    const { id } = await createUser(store);
    await store.passwords.put(samplePassword(id, { phc: 'old' }));
    assert.equal(await store.passwords.replace(id, 'another', 'new', 'key'), false);
    assert.equal((await store.passwords.find(id))?.phc, 'old');
    assert.equal(await store.passwords.replace(id, 'old', 'new', 'key'), true);
    assert.deepEqual(await store.passwords.find(id), samplePassword(id, { phc: 'new', pepper: 'key' }));
    assert.equal(await store.passwords.replace(sampleId(), 'old', 'new', null), false);
  });

  test('the peppers that hashes need are each named once', async (store) => {
    for (const pepper of ['two', 'one', null, 'two']) {
      const { id } = await createUser(store);
      await store.passwords.put(samplePassword(id, { pepper }));
    }
    assert.deepEqual((await store.passwords.peppers()).toSorted(), ['one', 'two']);
  });
}

function attempts(test: StoreTest): void {
  test('fifty attempts at once are counted one by one', async (store) => {
    const subject = sampleId();
    const counts = await Promise.all(
      Array.from({ length: 50 }, async () => await store.attempts.count(subject, NOW)),
    );
    assert.deepEqual(
      counts.toSorted((left, right) => left - right),
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
  });

  test('each subject is counted apart, and starts again after a reset', async (store) => {
    const [first, second] = [sampleId(), sampleId()];
    await store.attempts.count(first, NOW);
    assert.equal(await store.attempts.count(first, NOW), 2);
    assert.equal(await store.attempts.count(second, NOW), 1);
    await store.attempts.reset(first);
    assert.equal(await store.attempts.count(first, NOW), 1);
    assert.equal(await store.attempts.count(second, NOW), 2);
  });

  test('a sweep forgets stand-ins that were not tried since, and never the attempts on a user', async (store) => {
    const user = await createUser(store);
    const standIns = [sampleId(), sampleId(), sampleId()];
    for (const subject of [user.id, ...standIns]) await store.attempts.count(subject, NOW - DAY);
    const recent = sampleId();
    await store.attempts.count(recent, NOW - DAY);
    await store.attempts.count(recent, NOW);
    assert.equal(await store.attempts.sweep(NOW, 2), 2);
    assert.equal(await store.attempts.sweep(NOW, 2), 1);
    assert.equal(await store.attempts.sweep(NOW, 2), 0);
    assert.equal(await store.attempts.count(user.id, NOW), 2);
    assert.equal(await store.attempts.count(recent, NOW), 3);
    for (const subject of standIns) assert.equal(await store.attempts.count(subject, NOW), 1);
  });
}
