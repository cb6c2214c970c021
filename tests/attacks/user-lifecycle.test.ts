import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Store, sqlite } from 'latchkey';
import { administrator, somebody } from '../http/administrators.ts';
import { CLIENTS, enter, Program, sessionGrant } from '../http/program.ts';
import { bodyOf, codeOf, OTHER_PASSWORD, openWorld, PASSWORD, type World } from '../http/world.ts';
import { confirmLog, type Door, door, folder, idIn, inside, overriding, statusOf } from './scene.ts';

const OPTIONS = { clients: { ...CLIENTS, once: { mode: 'jwt', refresh: false } } } as const;
const users = '/auth/admin/users';

/** What happens to a user between two steps of something that they have begun. */
const FATES: Readonly<Record<string, (world: World, id: string) => Promise<unknown>>> = {
  disabled: ({ auth }, id) => auth.users.disable(id),
  'disabled and enabled again': async ({ auth }, id) => {
    await auth.users.disable(id);
    await auth.users.enable(id);
  },
  deleted: ({ auth }, id) => auth.users.delete(id),
  'signed out everywhere': ({ auth }, id) => auth.revoke({ user: id }),
};

/** A store in which the next reading of that kind waits, with what it read, until the door opens. */
function holding(inner: Store): { store: Store; shut(what: 'password' | 'session'): Door } {
  let next: { what: string; door: Door } | null = null;
  const pass = async (what: string): Promise<void> => {
    if (next?.what !== what) return;
    const held = next.door;
    next = null;
    await held.pass();
  };
  const passwords = overriding(inner.passwords, {
    find: async (id) => {
      const found = await inner.passwords.find(id);
      await pass('password');
      return found;
    },
  });
  const sessions = overriding(inner.sessions, {
    read: async (id) => {
      const reading = await inner.sessions.read(id);
      await pass('session');
      return reading;
    },
  });
  return {
    store: { ...inner, passwords, sessions },
    shut: (what) => {
      next = { what, door: door() };
      return next.door;
    },
  };
}

describe('a user between two steps (@incident K6)', () => {
  for (const [fate, befall] of Object.entries(FATES)) {
    for (const client of ['web', 'spa', 'mobile', 'once']) {
      test(`gets nothing at ${client} who is ${fate} while their password is checked`, async () => {
        const held = holding(sqlite(':memory:'));
        const world = await openWorld(OPTIONS, held.store);
        const email = 'between@example.com';
        const { id } = await world.auth.users.create({ email, password: PASSWORD });
        const shut = held.shut('password');
        const program = new Program(world.auth);
        const late = program.send('POST', '/auth/sign-in', { json: { email, password: PASSWORD, client } });
        await shut.reached;
        await befall(world, id);
        shut.open();
        const response = await late;
        assert.equal(response.status, 401);
        assert.deepEqual(response.headers.getSetCookie(), []);
        assert.doesNotMatch(await response.text(), /token/);
        assert.deepEqual((await world.auth.sessions.list()).items, []);
        await world.auth.close();
      });
    }

    for (const [what, path, json] of [
      ['prove themselves again', '/auth/reauthenticate', { password: PASSWORD }],
      ['change the password', '/auth/password', { current_password: PASSWORD, new_password: OTHER_PASSWORD }],
    ] as const) {
      test(`does not ${what} who is ${fate} while it is checked`, async () => {
        const held = holding(sqlite(':memory:'));
        const world = await openWorld(OPTIONS, held.store);
        const { id, email, visit } = await somebody(world);
        const before = visit.cookie;
        const shut = held.shut('password');
        const late = visit.post(path, json);
        await shut.reached;
        await befall(world, id);
        shut.open();
        const { status } = await late;
        assert.ok([401, 409].includes(status), `${status}`);
        assert.equal(await statusOf(world, visit.cookie), 401);
        assert.equal(await statusOf(world, before), 401);
        const again = { email, password: OTHER_PASSWORD };
        assert.equal(
          (await world.browser().post('/auth/sign-in', again)).status,
          401,
          'the password is the old one',
        );
        await world.auth.close();
      });
    }

    test(`gets no successor of a refresh token who is ${fate} once it was read`, async () => {
      const held = holding(sqlite(':memory:'));
      const world = await openWorld(OPTIONS, held.store);
      const program = new Program(world.auth);
      const { user, refresh } = await program.signUp('refresh@example.com');
      world.clock.advance(11_000);
      const shut = held.shut('session');
      const late = program.refresh(refresh);
      await shut.reached;
      await befall(world, user);
      shut.open();
      assert.equal((await late).status, 400);
      await world.auth.close();
    });

    test(`gets at most a dead token for a cookie who is ${fate} once it was read`, async () => {
      const held = holding(sqlite(':memory:'));
      const world = await openWorld(OPTIONS, held.store);
      const visit = world.browser();
      const { id, email } = await somebody(world);
      await enter(visit, email, 'spa');
      // Remembered, so that the next reading is the one for the token.
      assert.equal((await visit.get('/auth/me')).status, 200);
      const shut = held.shut('session');
      const late = sessionGrant(visit);
      await shut.reached;
      await befall(world, id);
      shut.open();
      const { access_token: token } = await bodyOf(await late);
      if (typeof token === 'string') assert.equal(await new Program(world.auth).status(token), 401);
      await world.auth.close();
    });
  }
});

describe('a hundred sessions on two nodes', () => {
  let place: Awaited<ReturnType<typeof folder>>;
  let here: World;
  let there: World;
  before(async () => {
    place = await folder();
    const patient = { ...OPTIONS, log: { maxStaleness: '60s' }, nearCache: { life: '5m' } } as const;
    here = await openWorld(patient, sqlite(place.file));
    there = await openWorld(patient, sqlite(place.file));
  });
  after(async () => {
    await there.auth.close();
    await here.auth.close();
    await place.remove();
  });

  const allDie = async (fate: 'disabled' | 'deleted'): Promise<void> => {
    const email = `hundred-${fate}@example.com`;
    const { id } = await here.auth.users.create({ email, password: PASSWORD });
    const other = await somebody(here);
    const statuses: ((world: World) => Promise<number>)[] = [];
    const refreshes: (() => Promise<Response>)[] = [];
    const begin = async (client: string): Promise<void> => {
      if (client === 'web' || client === 'spa') {
        const visit = here.browser();
        const { access } = await enter(visit, email, client);
        const { cookie } = visit;
        statuses.push((world) => statusOf(world, cookie));
        if (access !== '') statuses.push((world) => new Program(world.auth).status(access));
        return;
      }
      const { access, refresh } = await new Program(here.auth).signIn(email, client);
      statuses.push((world) => new Program(world.auth).status(access));
      if (refresh !== '') refreshes.push(() => new Program(there.auth).refresh(refresh));
    };
    for (let batch = 0; batch < 25; batch += 1)
      await Promise.all(['web', 'spa', 'mobile', 'once'].map(begin));
    await confirmLog(there);
    const seen = async (): Promise<Set<number>> =>
      new Set(await Promise.all([here, there].flatMap((world) => statuses.map((status) => status(world)))));
    assert.equal(statuses.length, 125);
    assert.equal(refreshes.length, 25);
    assert.deepEqual(await seen(), new Set([200]), 'both nodes remember them');
    const receipt = await (fate === 'disabled' ? here.auth.users.disable(id) : here.auth.users.delete(id));
    const { seq } = await receipt.details();
    while ((await there.auth.status()).position < seq) await new Promise(setImmediate);
    assert.deepEqual(await seen(), new Set([401]));
    for (const refresh of refreshes) assert.equal((await refresh()).status, 400);
    assert.equal(await statusOf(there, other.visit.cookie), 200, 'nobody else is concerned');
    const again = (): Promise<Response> =>
      here.browser().post('/auth/sign-in', { email, password: PASSWORD });
    assert.equal(await codeOf(await again()), 'LK_CREDENTIALS_REFUSED');
    if (fate === 'disabled') {
      await here.auth.users.enable(id);
      assert.equal((await again()).status, 200);
      await confirmLog(there);
    } else await here.browser().signUp(email);
    assert.deepEqual(await seen(), new Set([401]), 'nothing came back');
  };
  for (const fate of ['disabled', 'deleted'] as const) {
    test(`all die on both where their user is ${fate}, and none comes back (@asvs 7.4.2)`, () =>
      allDie(fate));
  }

  test('one dies on both where an administrator ends it, and all where they end all (@asvs 7.4.5)', async () => {
    const admin = await administrator(here);
    const one = await somebody(here);
    const second = here.browser();
    await second.signIn(one.email);
    await confirmLog(there);
    const settle = async (): Promise<(readonly number[])[]> => {
      const { seq } = await here.store.log.head();
      while ((await there.auth.status()).position < seq) await new Promise(setImmediate);
      const ask = (world: World): Promise<number[]> =>
        Promise.all([one.visit.cookie, second.cookie].map((cookie) => statusOf(world, cookie)));
      return [await ask(here), await ask(there)];
    };
    assert.equal((await admin.visit.delete(`/auth/admin/sessions/${one.session}`)).status, 200);
    assert.deepEqual(await settle(), [
      [401, 200],
      [401, 200],
    ]);
    assert.equal((await admin.visit.post('/auth/admin/revoke', { user: one.id })).status, 200);
    assert.deepEqual(await settle(), [
      [401, 401],
      [401, 401],
    ]);
  });
});

describe('a user who is disabled or gone', () => {
  let world: World;
  before(async () => {
    world = await openWorld(OPTIONS);
  });
  after(() => world.auth.close());

  test('is shown as signed out, and never as somebody who typed a wrong password', async () => {
    const { id, visit } = await somebody(world);
    // By hand, with nothing in the log: the row alone says it.
    await world.store.users.setDisabledAt(idIn<'user'>(id), world.clock.now());
    const response = await visit.get('/auth/me');
    assert.equal(response.status, 401);
    assert.equal(await codeOf(response), 'LK_UNAUTHENTICATED');
    const head = new Headers({ cookie: visit.cookie ?? '' });
    await assert.rejects(world.auth.require(head), { code: 'LK_SESSION_USER_DISABLED', status: 401 });
  });

  test('is so in the log, for those who have nothing else to ask (@rule R7)', async () => {
    const { users: managed } = world.auth;
    const cases: readonly (readonly [(id: string) => Promise<unknown>, string])[] = [
      [(id) => managed.disable(id), 'revoke'],
      [(id) => managed.delete(id), 'revoke'],
      [(id) => managed.disable(id).then(() => managed.enable(id)), 'changed'],
      [(id) => managed.changeRoles(id, { add: ['administrator'] }), 'changed'],
    ];
    for (const [end, kind] of cases) {
      const id = idIn<'user'>((await somebody(world)).id);
      await end(id);
      const { entries } = await world.store.log.pull(null, world.clock.now());
      const last = entries.findLast(({ subject }) => subject === id);
      assert.deepEqual([last?.kind, last?.scope], [kind, 'user']);
      if (kind === 'revoke') assert.equal(await world.store.log.floor('user', id), last?.seq);
    }
  });

  test('stays disabled since the first time, and enabling who is enabled writes nothing', async () => {
    const { id } = await somebody(world);
    await world.auth.users.disable(id);
    const since = (await world.auth.users.find(id))?.disabledAt;
    world.clock.advance(1_000);
    await world.auth.users.disable(id);
    assert.equal((await world.auth.users.find(id))?.disabledAt, since);
    await world.auth.users.enable(id);
    assert.equal((await world.auth.users.find(id))?.disabledAt, null);
    const { seq } = await world.store.log.head();
    await world.auth.users.enable(id);
    assert.equal((await world.store.log.head()).seq, seq);
  });

  test('leaves nothing to who signs up with the address afterwards', async () => {
    const old = await somebody(world, ['administrator']);
    await administrator(world);
    await world.auth.users.delete(old.id);
    const visit = world.browser();
    const { user } = await bodyOf(await visit.signUp(old.email));
    assert.notEqual(inside(user, 'id'), old.id);
    assert.deepEqual(inside(user, 'roles'), []);
    assert.equal(await statusOf(world, old.visit.cookie), 401);
    assert.equal((await visit.get(users)).status, 403);
  });

  test('is not in the way of a receipt that an administrator was given before they were deleted', async () => {
    const former = await administrator(world);
    const about = await somebody(world);
    const { receipt } = await bodyOf(await former.visit.post(`${users}/${about.id}/disable`));
    const other = await administrator(world);
    const path = `/auth/receipts/${String(inside(receipt, 'id'))}`;
    assert.equal((await other.visit.get(path)).status, 200);
    await world.auth.users.delete(former.id);
    assert.equal((await other.visit.get(path)).status, 404, 'it went with its owner');
  });
});
