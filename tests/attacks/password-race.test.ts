import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Store, sqlite } from 'latchkey';
import { CLIENTS, Program } from '../http/program.ts';
import { codeOf, OTHER_PASSWORD, openWorld, PASSWORD } from '../http/world.ts';
import { type Door, door, overriding, sessionIn, sessionsOf, statusOf } from './scene.ts';

/** A store in which the next reading of a password waits, with what it read, until the door opens. */
function holdingPasswords(inner: Store): { store: Store; shut(): Door } {
  let next: Door | null = null;
  const passwords = overriding(inner.passwords, {
    find: async (userId) => {
      const held = next;
      next = null;
      const found = await inner.passwords.find(userId);
      await held?.pass();
      return found;
    },
  });
  return {
    store: { ...inner, passwords },
    shut: () => {
      next = door();
      return next;
    },
  };
}

const CHANGE = { current_password: PASSWORD, new_password: OTHER_PASSWORD };

describe('a password that is changed while the old one is being checked', () => {
  test('leaves no session of the old one behind (@rule R1)', async () => {
    const held = holdingPasswords(sqlite(':memory:'));
    const world = await openWorld({}, held.store);
    const [owner, thief] = [world.browser(), world.browser()];
    await owner.signUp('race@example.com');
    const shut = held.shut();
    const late = thief.post('/auth/sign-in', { email: 'race@example.com', password: PASSWORD });
    await shut.reached;
    assert.equal((await owner.post('/auth/password', CHANGE)).status, 200);
    shut.open();
    const response = await late;
    assert.equal(response.status, 401);
    assert.deepEqual(response.headers.getSetCookie(), []);
    assert.deepEqual(await sessionsOf(owner), [sessionIn(owner.cookie)]);
    await world.auth.close();
  });

  test('leaves no session after a sign-out everywhere that came meanwhile (@rule R1)', async () => {
    const held = holdingPasswords(sqlite(':memory:'));
    const world = await openWorld({}, held.store);
    const [owner, thief] = [world.browser(), world.browser()];
    await owner.signUp('race-out@example.com');
    const shut = held.shut();
    const late = thief.post('/auth/sign-in', { email: 'race-out@example.com', password: PASSWORD });
    await shut.reached;
    assert.equal((await owner.delete('/auth/sessions?except=current')).status, 200);
    shut.open();
    assert.equal((await late).status, 401);
    assert.deepEqual(await sessionsOf(owner), [sessionIn(owner.cookie)]);
    await world.auth.close();
  });

  test('does not let another session prove itself by the old one (@rule R1)', async () => {
    const held = holdingPasswords(sqlite(':memory:'));
    const world = await openWorld({}, held.store);
    const [owner, thief] = [world.browser(), world.browser()];
    await owner.signUp('race-again@example.com');
    await thief.signIn('race-again@example.com');
    const shut = held.shut();
    const late = thief.post('/auth/reauthenticate', { password: PASSWORD });
    await shut.reached;
    assert.equal((await owner.post('/auth/password', CHANGE)).status, 200);
    shut.open();
    const response = await late;
    assert.equal(response.status, 401);
    assert.deepEqual(response.headers.getSetCookie(), []);
    assert.equal(await statusOf(world, thief.cookie), 401);
    await world.auth.close();
  });

  test('does not let the session that changed it prove itself by the old one (@rule R1)', async () => {
    const held = holdingPasswords(sqlite(':memory:'));
    const world = await openWorld({ clients: CLIENTS }, held.store);
    const program = new Program(world.auth);
    const { access, refresh } = await program.signUp('race-self@example.com');
    const shut = held.shut();
    const late = program.send('POST', '/auth/reauthenticate', {
      bearer: access,
      json: { password: PASSWORD },
    });
    await shut.reached;
    const changed = await program.send('POST', '/auth/password', { bearer: access, json: CHANGE });
    assert.equal(changed.status, 200);
    const { access: renewed } = await program.renewed(refresh);
    shut.open();
    const response = await late;
    assert.equal(response.status, 401);
    assert.equal(await codeOf(response), 'LK_CREDENTIALS_REFUSED');
    assert.ok(world.events.some(({ type }) => type === 'reauthentication_refused'));
    assert.equal(await program.status(renewed), 200);
    await world.auth.close();
  });

  test('is not changed back by who checked the old one (@rule R1)', async () => {
    const held = holdingPasswords(sqlite(':memory:'));
    const world = await openWorld({}, held.store);
    const [owner, thief] = [world.browser(), world.browser()];
    await owner.signUp('race-back@example.com');
    await thief.signIn('race-back@example.com');
    const shut = held.shut();
    const late = thief.post('/auth/password', {
      current_password: PASSWORD,
      new_password: 'a password of the thief, long',
    });
    await shut.reached;
    assert.equal((await owner.post('/auth/password', CHANGE)).status, 200);
    shut.open();
    const response = await late;
    assert.equal(await codeOf(response), 'LK_CONFLICT');
    await world.browser().signIn('race-back@example.com', OTHER_PASSWORD);
    assert.equal(await statusOf(world, owner.cookie), 200);
    await world.auth.close();
  });
});
