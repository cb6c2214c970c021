import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { allowInBrowser, sqlite } from 'latchkey';
import { CLIENTS, enter, errorOf, heldIn, Program, saidBy } from '../http/program.ts';
import { bodyOf, ORIGIN, OTHER_PASSWORD, openWorld, PASSWORD, type World } from '../http/world.ts';
import { confirmLog, cuttable, folder, idIn, inside, rowsOf } from './scene.ts';

const REFUSED = '400 invalid_grant LK_GRANT_REFUSED';
const AFTER_GRACE = 11_000;
const OPTIONS = {
  clients: {
    ...CLIENTS,
    tablet: 'jwt',
    kiosk: { mode: 'jwt', refresh: false },
    trusted: { mode: 'jwt', [allowInBrowser]: true },
  },
} as const;

describe('a client', () => {
  let world: World;
  let program: Program;
  let place: Awaited<ReturnType<typeof folder>>;
  before(async () => {
    place = await folder();
    world = await openWorld(OPTIONS, sqlite(place.file));
    program = new Program(world.auth);
    await world.browser().signUp('ada@example.com');
  });
  after(async () => {
    await world.auth.close();
    await place.remove();
  });

  const SITES = ['same-origin', 'same-site', 'cross-site', 'none', 'x'];

  test('of mode jwt is refused to a page in a browser, before anything is written (@rule R10, @asvs 10.1.1)', async () => {
    const rows = rowsOf(place.file);
    for (const path of ['/auth/sign-in', '/auth/sign-up']) {
      for (const client of ['mobile', 'kiosk']) {
        const json = { email: 'ada@example.com', password: PASSWORD, client };
        const response = await world.browser().post(path, json);
        assert.equal(response.status, 400);
        const body = await bodyOf(response);
        assert.equal(body['code'], 'LK_REQUEST_INVALID');
        assert.equal(inside(body, 'errors', 0, 'field'), 'client');
      }
    }
    assert.equal(rowsOf(place.file), rows);
  });

  test('of mode jwt is refused to a browser that names its origin alone (@rule R10, @asvs 10.1.1)', async () => {
    const held = await program.signIn('ada@example.com');
    world.clock.advance(AFTER_GRACE);
    const rows = rowsOf(place.file);
    const headers = { Origin: ORIGIN };
    const json = { email: 'ada@example.com', password: PASSWORD, client: 'mobile' };
    const signIn = await program.send('POST', '/auth/sign-in', { json, headers });
    assert.equal(signIn.status, 400);
    assert.equal(inside(await bodyOf(signIn), 'errors', 0, 'field'), 'client');
    const form = { grant_type: 'refresh_token', refresh_token: held.refresh };
    const refreshed = await program.send('POST', '/auth/token', { form, headers });
    assert.equal(await errorOf(refreshed), '400 unauthorized_client LK_CLIENT_REFUSED');
    assert.equal(rowsOf(place.file), rows);
  });

  test('of mode jwt has no refresh token exchanged by a page, which changes nothing (@rule R10)', async () => {
    const held = await program.signIn('ada@example.com');
    world.clock.advance(AFTER_GRACE);
    const { refresh } = await program.renewed(held.refresh);
    world.clock.advance(AFTER_GRACE);
    const rows = rowsOf(place.file);
    for (const site of SITES) {
      for (const token of [refresh, held.refresh]) {
        const form = { grant_type: 'refresh_token', refresh_token: token };
        const response = await program.send('POST', '/auth/token', {
          form,
          headers: { 'Sec-Fetch-Site': site },
        });
        assert.equal(response.status, 400);
        assert.equal((await bodyOf(response))['error'], 'unauthorized_client');
      }
    }
    assert.equal(rowsOf(place.file), rows);
    await program.renewed(refresh);
  });

  test('of mode jwt that is allowed by name may be used by a page (@rule R10)', async () => {
    const held = await enter(world.browser(), 'ada@example.com', 'trusted');
    const visit = world.browser();
    const form = { grant_type: 'refresh_token', refresh_token: held.refresh };
    const response = await visit.form('/auth/token', form);
    assert.equal(response.status, 200);
    assert.deepEqual(response.headers.getSetCookie(), []);
    assert.equal(await program.status(held.access), 200);
  });

  const assertUnknown = async (client: string): Promise<void> => {
    const rows = rowsOf(place.file);
    const json = { email: 'ada@example.com', password: PASSWORD, client };
    const response = await program.send('POST', '/auth/sign-in', { json });
    assert.equal(response.status, 400);
    assert.equal(inside(await bodyOf(response), 'errors', 0, 'field'), 'client');
    assert.equal(rowsOf(place.file), rows);
  };
  for (const client of ['nobody', 'constructor', '__proto__', 'Mobile', 'mobile ', '']) {
    test(`that is not configured is refused: ${JSON.stringify(client)}`, () => assertUnknown(client));
  }

  test('gets nothing for the refresh token of another, which changes nothing (@rfc 6749 §10.4, @rule R10)', async () => {
    const held = await program.signIn('ada@example.com', 'mobile');
    world.clock.advance(AFTER_GRACE);
    const rows = rowsOf(place.file);
    for (const client_id of ['tablet', 'web', 'nobody', 'MOBILE', '__proto__']) {
      assert.equal(await program.refusal(held.refresh, { client_id }), REFUSED, client_id);
    }
    assert.equal(rowsOf(place.file), rows);
    const { access } = await program.renewed(held.refresh, { client_id: 'mobile' });
    assert.equal(saidBy(access)['client_id'], 'mobile');
  });

  test('that speaks another’s name over a token that had been exchanged does not end the session (@rule R10)', async () => {
    const held = await program.signIn('ada@example.com', 'mobile');
    world.clock.advance(AFTER_GRACE);
    const { refresh } = await program.renewed(held.refresh);
    world.clock.advance(AFTER_GRACE);
    assert.equal(await program.refusal(held.refresh, { client_id: 'tablet' }), REFUSED);
    await program.renewed(refresh);
  });

  test('that is no longer configured has no refresh, and neither has one that was set to none', async () => {
    const removed = await program.signIn('ada@example.com', 'tablet');
    const once = await program.signIn('ada@example.com', 'mobile');
    const other = await openWorld(
      { clients: { web: 'session', mobile: { mode: 'jwt', refresh: false } } },
      sqlite(place.file),
    );
    const there = new Program(other.auth);
    for (const { refresh } of [removed, once]) assert.equal(await there.refusal(refresh), REFUSED);
    await other.auth.close();
    for (const { refresh } of [removed, once]) await program.renewed(refresh);
  });
});

describe('a client whose logins cannot be renewed', () => {
  let world: World;
  let program: Program;
  let place: Awaited<ReturnType<typeof folder>>;
  let people = 0;
  before(async () => {
    place = await folder();
    world = await openWorld(OPTIONS, sqlite(place.file));
    program = new Program(world.auth);
  });
  after(async () => {
    await world.auth.close();
    await place.remove();
  });
  const somebody = async (): Promise<string> => {
    people += 1;
    await program.signUp(`kiosk-${people}@example.com`);
    return `kiosk-${people}@example.com`;
  };

  test('gets an access token that is good everywhere, and leaves no row', async () => {
    const email = await somebody();
    const rows = rowsOf(place.file);
    const json = { email, password: PASSWORD, client: 'kiosk' };
    const response = await program.send('POST', '/auth/sign-in', { json });
    assert.deepEqual(response.headers.getSetCookie(), []);
    assert.deepEqual(Object.keys(await bodyOf(response.clone())), [
      'user',
      'session',
      'access_token',
      'token_type',
      'expires_in',
    ]);
    const held = await heldIn(response);
    assert.equal(rowsOf(place.file), rows);
    const me = await bodyOf(await program.send('GET', '/auth/me', { bearer: held.access }));
    assert.equal(inside(me, 'user', 'email'), email);
    assert.equal(inside(me, 'session', 'id'), held.session);
    assert.equal(
      Date.parse(String(inside(me, 'session', 'expires_at'))),
      Number(saidBy(held.access)['exp']) * 1_000,
    );
    const { items } = await bodyOf(await program.send('GET', '/auth/sessions', { bearer: held.access }));
    assert.ok(Array.isArray(items) && items.every((item) => inside(item, 'id') !== held.session));
    world.clock.advance(299_000);
    assert.equal(await program.status(held.access), 200);
    world.clock.advance(1_001);
    assert.equal(await program.status(held.access), 401, 'gone with its time');
  });

  const endings: readonly (readonly [
    string,
    (held: Awaited<ReturnType<typeof heldIn>>, email: string) => unknown,
  ])[] = [
    ['its own revocation', ({ access }) => program.send('POST', '/auth/revoke', { form: { token: access } })],
    ['its own sign-out', ({ access }) => program.send('POST', '/auth/sign-out', { bearer: access })],
    [
      'the revocation of its session',
      ({ session }) => world.auth.revoke({ session: idIn<'session'>(session) }),
    ],
    ['the revocation of its user', ({ user }) => world.auth.revoke({ user: idIn<'user'>(user) })],
    ['the revocation of its client', () => world.auth.revoke({ client: 'kiosk' })],
    ['the revocation of all', () => world.auth.revoke({ all: true })],
    [
      'the end of all sessions by another',
      async (_held, email) => {
        const { access: bearer } = await program.signIn(email);
        await program.send('DELETE', '/auth/sessions?except=current', { bearer });
      },
    ],
    [
      'a change of the password by another',
      async (_held, email) => {
        const { access: bearer } = await program.signIn(email);
        const json = { current_password: PASSWORD, new_password: OTHER_PASSWORD };
        await program.send('POST', '/auth/password', { bearer, json });
      },
    ],
    [
      'its own change of the password',
      ({ access: bearer }) => {
        const json = { current_password: PASSWORD, new_password: OTHER_PASSWORD };
        return program.send('POST', '/auth/password', { bearer, json });
      },
    ],
  ];
  /** `stale`: the node's copy of the log is too old, so that the store is asked. */
  const endedBy = async (end: (typeof endings)[number][1], stale: boolean): Promise<void> => {
    const email = await somebody();
    const held = await program.signIn(email, 'kiosk');
    await confirmLog(world);
    assert.equal(await program.status(held.access), 200);
    if (stale) world.clock.advance(5_001);
    assert.equal(await program.status(held.access), 200);
    await end(held, email);
    if (stale) world.clock.advance(5_001);
    assert.equal(await program.status(held.access), 401);
    assert.equal(await program.status(held.access), 401);
  };
  for (const [what, end] of endings) {
    for (const stale of [false, true]) {
      test(`is out at once by ${what}${stale ? ', also where the store must be asked' : ''} (@rule R2, @asvs 7.4.1)`, () =>
        endedBy(end, stale));
    }
  }

  test('is out by a floor alone, where the entry that raised it is not there (@rule R7)', async () => {
    const email = await somebody();
    const held = await program.signIn(email, 'kiosk');
    await confirmLog(world);
    await world.store.transaction(async (tables) => {
      await tables.log.raiseFloor('user', held.user, (await tables.log.head()).seq + 1);
    });
    assert.equal(await program.status(held.access), 200, 'the log says nothing, and is fresh');
    await world.auth.users.setFields(held.user, {});
    assert.equal(
      await program.status(held.access),
      401,
      'what it says of the user must be read, and so the floor',
    );
  });

  test('is out on a node that has heard neither of it nor of its end (@rule R2, @rule R4)', async () => {
    const { store, cut } = cuttable(sqlite(place.file));
    const behind = await openWorld(OPTIONS, store);
    const there = new Program(behind.auth);
    const email = await somebody();
    behind.clock.advance(world.clock.now() - behind.clock.now());
    await confirmLog(behind);
    cut(true);
    await confirmLog(world);
    const [held, other] = [await program.signIn(email, 'kiosk'), await program.signIn(email, 'kiosk')];
    assert.equal(await there.status(held.access), 503, 'it cannot tell');
    await world.auth.revoke({ session: idIn<'session'>(held.session) });
    cut(false);
    assert.equal(await there.status(held.access), 401);
    assert.equal(await there.status(other.access), 200);
    await behind.auth.close();
  });
});
