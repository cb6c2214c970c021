import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CLIENTS, type Held, Program } from './program.ts';
import { bodyOf, codeOf, OTHER_PASSWORD, openWorld, PASSWORD, type Visit, type World } from './world.ts';

describe('a login that leaves no row', () => {
  let world: World;
  let program: Program;
  let people = 0;
  before(async () => {
    world = await openWorld({ clients: { ...CLIENTS, kiosk: { mode: 'jwt', refresh: false } } });
    program = new Program(world.auth);
  });
  after(() => world.auth.close());

  interface Person {
    readonly email: string;
    /** What asks. */
    readonly kiosk: Held;
    readonly otherKiosk: Held;
    readonly mobile: Held;
    readonly visit: Visit;
  }
  const somebody = async (): Promise<Person> => {
    people += 1;
    const email = `kiosk-${people}@example.com`;
    const visit = world.browser();
    await visit.signUp(email);
    return {
      email,
      visit,
      kiosk: await program.signIn(email, 'kiosk'),
      otherKiosk: await program.signIn(email, 'kiosk'),
      mobile: await program.signIn(email),
    };
  };
  const statuses = async ({ kiosk, otherKiosk, mobile, visit }: Person): Promise<number[]> => [
    await program.status(kiosk.access),
    await program.status(otherKiosk.access),
    await program.status(mobile.access),
    (await program.refresh(mobile.refresh)).status,
    (await visit.get('/auth/me')).status,
  ];
  const ALL_LIVE = [200, 200, 200, 200, 200];
  const ALL_DEAD = [401, 401, 401, 400, 401];

  test('cannot be spared where all others end: that is refused with the reason, and none ends (@asvs 7.4.3)', async () => {
    const person = await somebody();
    const bearer = person.kiosk.access;
    const response = await program.send('DELETE', '/auth/sessions?except=current', { bearer });
    assert.equal(response.status, 400);
    assert.equal(await codeOf(response.clone()), 'LK_REQUEST_INVALID');
    assert.deepEqual((await bodyOf(response))['errors'], [
      { field: 'except', reason: 'has nothing to spare: this login cannot be renewed' },
    ]);
    assert.deepEqual(await statuses(person), ALL_LIVE);
  });

  test('ends with all others where nothing is to be spared (@asvs 7.4.3)', async () => {
    const person = await somebody();
    const bearer = person.kiosk.access;
    assert.equal((await program.send('DELETE', '/auth/sessions', { bearer })).status, 200);
    assert.deepEqual(await statuses(person), ALL_DEAD);
  });

  test('cannot be proved again: that is said before a password is looked at (@rule R11)', async () => {
    const person = await somebody();
    for (const password of [PASSWORD, 'not the password at all']) {
      world.events.length = 0;
      const sent = { bearer: person.kiosk.access, json: { password } };
      const response = await program.send('POST', '/auth/reauthenticate', sent);
      assert.equal(response.status, 400);
      assert.equal(await codeOf(response), 'LK_CLIENT_REFUSED');
      assert.deepEqual(world.events, [], 'nobody has tried a password');
    }
    assert.deepEqual(await statuses(person), ALL_LIVE);
  });

  test('changes the password, and ends by it with all others (@asvs 7.4.3)', async () => {
    const person = await somebody();
    const json = { current_password: PASSWORD, new_password: OTHER_PASSWORD };
    const sent = { bearer: person.kiosk.access, json };
    const response = await program.send('POST', '/auth/password', sent);
    assert.equal(response.status, 200);
    assert.deepEqual(Object.keys(await bodyOf(response)), ['receipt']);
    assert.deepEqual(await statuses(person), ALL_DEAD);
    const held = await program.signIn(person.email, 'kiosk', OTHER_PASSWORD);
    assert.equal(await program.status(held.access), 200);
  });
});
