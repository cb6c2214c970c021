import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Store, sqlite } from 'latchkey';
import { administrator, somebody } from '../http/administrators.ts';
import { CLIENTS, enter, errorOf, Program } from '../http/program.ts';
import { bodyOf, codeOf, openWorld, PASSWORD, type World } from '../http/world.ts';
import { type Door, door, folder, inside, overriding, statusOf } from './scene.ts';

const OPTIONS = { clients: { ...CLIENTS, once: { mode: 'jwt', refresh: false } } } as const;

/** A store in which the next reading of a password waits until the door opens. */
function holdingPasswords(inner: Store): { store: Store; shut(): Door } {
  let next: Door | null = null;
  const passwords = overriding(inner.passwords, {
    find: async (id) => {
      const held = next;
      next = null;
      const found = await inner.passwords.find(id);
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

describe('a client that is disabled', () => {
  let world: World;
  before(async () => {
    world = await openWorld(OPTIONS);
  });
  after(() => world.auth.close());

  test('has all that was given out through it dead at once, and what others gave out alive', async () => {
    const place = await folder();
    const [here, there] = [
      await openWorld(OPTIONS, sqlite(place.file)),
      await openWorld(OPTIONS, sqlite(place.file)),
    ];
    const { email, visit } = await somebody(here);
    const program = new Program(there.auth);
    for (const client of ['spa', 'mobile', 'once'] as const) {
      const browser = there.browser();
      const held =
        client === 'spa' ? await enter(browser, email, client) : await program.signIn(email, client);
      assert.equal(await program.status(held.access), 200);
      const receipt = await here.auth.clients.disable(client);
      const { seq } = await receipt.details();
      while ((await there.auth.status()).position < seq) await new Promise(setImmediate);
      for (const world of [here, there]) {
        assert.equal(await new Program(world.auth).status(held.access), 401, client);
        if (client === 'spa') assert.equal(await statusOf(world, browser.cookie), 401);
        assert.equal(await statusOf(world, visit.cookie), 200);
      }
      await here.auth.clients.enable(client);
      for (const world of [here, there]) {
        assert.equal(await new Program(world.auth).status(held.access), 401, 'nothing comes back');
        if (client === 'spa') assert.equal(await statusOf(world, browser.cookie), 401);
      }
      if (held.refresh !== '')
        assert.equal(
          await errorOf(await program.refresh(held.refresh)),
          '400 invalid_grant LK_GRANT_REFUSED',
        );
      if (client !== 'spa') await program.signIn(email, client);
    }
    await there.auth.close();
    await here.auth.close();
    await place.remove();
  });

  const beginsNothing = async (client: string): Promise<void> => {
    const { email } = await somebody(world);
    const program = new Program(world.auth);
    const call = (path: string, json: unknown): Promise<Response> => program.send('POST', path, { json });
    await world.auth.clients.disable(client);
    const fresh = `new-at-${client}@example.com`;
    const count = await world.store.users.count();
    const signIn = await call('/auth/sign-in', { email, password: PASSWORD, client });
    assert.deepEqual([signIn.status, await codeOf(signIn)], [400, 'LK_CLIENT_REFUSED']);
    assert.deepEqual(signIn.headers.getSetCookie(), []);
    const signUp = await call('/auth/sign-up', { email: fresh, password: PASSWORD, client });
    assert.equal(await codeOf(signUp), 'LK_CLIENT_REFUSED');
    assert.equal(await world.store.users.count(), count);
    const wrong = await call('/auth/sign-in', { email, password: 'wrong', client });
    assert.equal(await codeOf(wrong), 'LK_CREDENTIALS_REFUSED');
    await world.auth.clients.enable(client);
    assert.equal((await call('/auth/sign-in', { email, password: PASSWORD, client })).status, 200);
    assert.equal((await call('/auth/sign-up', { email: fresh, password: PASSWORD, client })).status, 201);
  };
  for (const client of ['web', 'spa', 'mobile', 'once']) {
    test(`begins nothing new at ${client}, writes nothing, and does again when it is enabled`, () =>
      beginsNothing(client));
  }

  test('refuses its refresh tokens as those of a client that may not, for as long as it is', async () => {
    const program = new Program(world.auth);
    const { refresh, session } = await program.signUp('refused@example.com');
    await world.auth.clients.disable('mobile');
    assert.equal(await errorOf(await program.refresh(refresh)), '400 unauthorized_client LK_CLIENT_REFUSED');
    const event = world.events.findLast(({ type }) => type === 'refresh_refused');
    assert.deepEqual([event?.code, event?.session], ['LK_CLIENT_REFUSED', session]);
    await world.auth.clients.enable('mobile');
    assert.equal(await errorOf(await program.refresh(refresh)), '400 invalid_grant LK_GRANT_REFUSED');
  });

  test('makes no administrator, and does not spend the link that would', async () => {
    const fresh = await openWorld(OPTIONS);
    const token = /token=(.*)$/.exec((await fresh.auth.setupLink())?.reveal() ?? '')?.[1];
    const setUp = (): Promise<Response> =>
      fresh.browser().post('/auth/setup', { token, email: 'first@example.com', password: PASSWORD });
    await fresh.auth.clients.disable('web');
    assert.equal(await codeOf(await setUp()), 'LK_CLIENT_REFUSED');
    assert.equal(await fresh.store.users.count(), 0);
    await fresh.auth.clients.enable('web');
    assert.equal((await setUp()).status, 201);
    await fresh.auth.close();
  });

  test('begins no session before login', async () => {
    const cookies: string[] = [];
    const request = new Request('http://localhost:3000/', { headers: { 'Sec-Fetch-Site': 'same-origin' } });
    const session = await world.auth.session(request, (cookie) => cookies.push(cookie));
    await world.auth.clients.disable('web');
    await assert.rejects(session.set('cart', ['tea']), { code: 'LK_CLIENT_REFUSED', status: 400 });
    assert.equal(cookies.length, 0);
    await world.auth.clients.enable('web');
    const next = await world.auth.session(request, (cookie) => cookies.push(cookie));
    await next.set('cart', ['tea']);
    assert.equal(cookies.length, 1);
  });

  for (const [what, until, code] of [
    ['disabled', async () => undefined, 'LK_CLIENT_REFUSED'],
    [
      'disabled and enabled again',
      (auth: World['auth'], client: string) => auth.clients.enable(client),
      'LK_UNAUTHENTICATED',
    ],
  ] as const) {
    for (const client of ['web', 'mobile', 'once']) {
      test(`lets no sign-in through at ${client} that began before it was ${what}`, async () => {
        const held = holdingPasswords(sqlite(':memory:'));
        const late = await openWorld(OPTIONS, held.store);
        const email = 'late@example.com';
        await late.auth.users.create({ email, password: PASSWORD });
        const shut = held.shut();
        const json = { email, password: PASSWORD, client };
        const answer = new Program(late.auth).send('POST', '/auth/sign-in', { json });
        await shut.reached;
        await late.auth.clients.disable(client);
        await until(late.auth, client);
        shut.open();
        assert.equal(await codeOf(await answer), code);
        assert.deepEqual((await late.auth.sessions.list()).items, []);
        await late.auth.close();
      });
    }
  }

  test('is listed so, also where the configuration names it no longer, and can be enabled then', async () => {
    const place = await folder();
    const old = await openWorld({ clients: { web: 'session', kiosk: 'session' } }, sqlite(place.file));
    await old.auth.clients.disable('kiosk');
    await old.auth.close();
    const now = await openWorld({ clients: { web: 'session' } }, sqlite(place.file));
    const listed = async (): Promise<unknown> =>
      (await now.auth.clients.list()).map(({ name, mode, disabledAt }) => [name, mode, disabledAt !== null]);
    assert.deepEqual(await listed(), [
      ['web', 'session', false],
      ['kiosk', null, true],
    ]);
    await assert.rejects(now.auth.clients.disable('kiosk'), { code: 'LK_NOT_FOUND' });
    await now.auth.clients.enable('kiosk');
    assert.deepEqual(await listed(), [['web', 'session', false]]);
    await assert.rejects(now.auth.clients.enable('kiosk'), { code: 'LK_NOT_FOUND' });
    await now.auth.close();
    await place.remove();
  });

  test('is disabled and enabled by an administrator, and the events say by whom', async () => {
    const admin = await administrator(world);
    const path = '/auth/admin/clients/spa';
    const { receipt } = await bodyOf(await admin.visit.post(`${path}/disable`));
    assert.equal(inside(receipt, 'settled'), true);
    const { items } = await bodyOf(await admin.visit.post(`${path}/enable`));
    assert.equal(inside(items, 1, 'disabled_at'), null);
    assert.deepEqual(
      world.events.slice(-2).map(({ type, client, by }) => [type, client, by]),
      [
        ['client_disabled', 'spa', admin.id],
        ['client_enabled', 'spa', admin.id],
      ],
    );
  });
});
