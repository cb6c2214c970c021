import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sqlite } from 'latchkey';
import { confirmLog, cuttable, folder, NOBODY, statusOf } from '../attacks/scene.ts';
import {
  administration,
  administrator,
  ask,
  CALLS,
  type Call,
  methodOf,
  OPTIONS,
  somebody,
  users,
} from './administrators.ts';
import { Program } from './program.ts';
import { codeOf, openWorld, PASSWORD, type Visit, type World } from './world.ts';

describe('who may administer', () => {
  let world: World;
  before(async () => {
    world = await openWorld(OPTIONS);
    await world.auth.clients.create({ name: 'kept', audiences: ['kept'] });
    await administrator(world);
  });
  after(() => world.auth.close());

  test('is asked by every operation that there is', () => {
    const named = new Set(CALLS.map(({ operation }) => operation));
    // Signing keys have tests of their own.
    const all = [...administration(world).keys()].filter((name) => !name.includes('/admin/keys'));
    assert.deepEqual(new Set(all), named);
  });

  const answersAdministratorsAlone = async (call: Call): Promise<void> => {
    const about = await somebody(world);
    const codes = administration(world).get(call.operation);
    const refusal = async (visit: Visit): Promise<[number, string]> => {
      const response = await ask(visit, call, about);
      const code = await codeOf(response);
      assert.ok(codes?.has(code), `${code} is documented`);
      assert.deepEqual(response.headers.getSetCookie(), []);
      return [response.status, code];
    };
    assert.deepEqual(await refusal(world.browser()), [401, 'LK_UNAUTHENTICATED']);
    assert.deepEqual(await refusal(about.visit), [403, 'LK_FORBIDDEN']);
    const disabled = await administrator(world);
    const [one] = CALLS;
    assert.ok(one !== undefined);
    assert.equal((await ask(disabled.visit, one, about)).status, 200);
    await world.auth.users.disable(disabled.id);
    assert.deepEqual(await refusal(disabled.visit), [401, 'LK_UNAUTHENTICATED']);
    const former = await administrator(world);
    assert.equal((await ask(former.visit, one, about)).status, 200);
    await world.auth.users.changeRoles(former.id, { remove: ['administrator'] });
    assert.deepEqual(await refusal(former.visit), [403, 'LK_FORBIDDEN']);
    assert.equal(await statusOf(world, about.visit.cookie), 200, 'nothing was done');
    assert.deepEqual((await world.auth.users.find(about.id))?.roles, []);

    const allowed = await administrator(world);
    const response = await ask(allowed.visit, call, about);
    assert.equal(response.status, call.status ?? 200, await response.clone().text());
    assert.equal(response.headers.get('cache-control'), 'no-store');
  };
  for (const call of CALLS) {
    test(`${call.operation} answers administrators and nobody else, at once (@asvs 8.2.1, @asvs 8.3.2)`, () =>
      answersAdministratorsAlone(call));
  }

  test('may with a token of theirs, and never with one for another audience (@asvs 9.2.3)', async () => {
    const { email } = await administrator(world);
    const program = new Program(world.auth);
    const { access, refresh } = await program.signIn(email);
    assert.equal((await program.send('GET', users, { bearer: access })).status, 200);
    const { access: elsewhere } = await program.renewed(refresh, { audience: 'notes' });
    for (const call of CALLS) {
      const about = { id: NOBODY, session: NOBODY, email, visit: world.browser() };
      const response = await program.send(methodOf(call), call.path(about), { bearer: elsewhere });
      assert.equal(response.status, 401, call.operation);
    }
  });

  test('is told before what is wrong with the body (@asvs 15.3.3)', async () => {
    const { visit } = await somebody(world);
    const response = await visit.post('/auth/admin/revoke', { nonsense: true });
    assert.equal(await codeOf(response), 'LK_FORBIDDEN');
    assert.equal(await codeOf(await world.browser().post('/auth/admin/revoke', 'x')), 'LK_UNAUTHENTICATED');
  });

  test('is never a page of another site with an administrator’s cookie (@asvs 3.5.1)', async () => {
    const { visit } = await administrator(world);
    const about = await somebody(world);
    for (const call of CALLS.filter((each) => methodOf(each) !== 'GET')) {
      const response = await visit.send(methodOf(call), call.path(about), {
        json: call.body?.(about) ?? {},
        headers: { 'Sec-Fetch-Site': 'cross-site' },
      });
      assert.equal(await codeOf(response), 'LK_ORIGIN_REFUSED', call.operation);
    }
    assert.equal(await statusOf(world, about.visit.cookie), 200);
  });

  test('is asked again where the change is written: a node that has not heard yet changes nothing (@asvs 8.3.2)', async () => {
    const place = await folder();
    const { store, cut } = cuttable(sqlite(place.file));
    const patient = { ...OPTIONS, log: { maxStaleness: '60s' } } as const;
    const [here, there] = [await openWorld(patient, sqlite(place.file)), await openWorld(patient, store)];
    await administrator(here);
    const about = await somebody(here);
    for (const [lose, code] of [
      [(id: string) => here.auth.users.changeRoles(id, { remove: ['administrator'] }), 'LK_FORBIDDEN'],
      [(id: string) => here.auth.users.disable(id), 'LK_UNAUTHENTICATED'],
      [(id: string) => here.auth.users.delete(id), 'LK_UNAUTHENTICATED'],
      [(id: string) => here.auth.revoke({ user: id }), 'LK_UNAUTHENTICATED'],
    ] as const) {
      const former = await administrator(here);
      await confirmLog(there);
      const visit = there.browser();
      visit.cookie = former.visit.cookie;
      assert.equal((await visit.get(users)).status, 200);
      cut(true);
      await lose(former.id);
      assert.equal((await visit.get(users)).status, 200, 'the node has not heard of it');
      for (const call of CALLS.filter(
        (each) => methodOf(each) !== 'GET' && !each.operation.includes('explain'),
      )) {
        assert.equal(await codeOf(await ask(visit, call, about)), code, call.operation);
      }
      assert.equal(await statusOf(here, about.visit.cookie), 200, 'nothing was done');
      cut(false);
      await confirmLog(there);
      assert.notEqual((await visit.get(users)).status, 200);
    }
    await there.auth.close();
    await here.auth.close();
    await place.remove();
  });
});

describe('nobody administers themselves away', () => {
  test('over HTTP neither themselves nor the client that they came through, whoever is left (LK_LOCKOUT)', async () => {
    const world = await openWorld(OPTIONS);
    const own = await administrator(world);
    await administrator(world);
    for (const [method, path, json] of [
      ['POST', `${users}/${own.id}/disable`],
      ['DELETE', `${users}/${own.id}`],
      ['POST', `${users}/${own.id}/roles`, { remove: ['administrator'] }],
      ['POST', '/auth/admin/clients/web/disable'],
    ] as const) {
      const response = await own.visit.send(method, path, json === undefined ? {} : { json });
      assert.equal(response.status, 409, path);
      assert.equal(await codeOf(response), 'LK_LOCKOUT', path);
    }
    assert.equal((await own.visit.get(users)).status, 200);
    const others = await own.visit.post(`${users}/${own.id}/roles`, { add: ['auditor'], remove: ['gone'] });
    assert.equal(others.status, 200, 'their other roles are theirs to change');
    await world.auth.close();
  });

  test('the last enabled administrator stays, also for the application and the command', async () => {
    const world = await openWorld(OPTIONS);
    const last = await administrator(world);
    const other = await administrator(world);
    await world.auth.users.disable(other.id);
    const { users: managed } = world.auth;
    for (const take of [
      () => managed.disable(last.id),
      () => managed.delete(last.id),
      () => managed.changeRoles(last.id, { remove: ['administrator'] }),
    ])
      await assert.rejects(take(), { code: 'LK_LOCKOUT', status: 409 });
    assert.equal((await last.visit.get(users)).status, 200);
    await managed.delete(other.id);
    await administrator(world);
    await managed.delete(last.id);
    await world.auth.close();
  });

  for (const [how, make] of [
    ['created', (world: World) => administrator(world)],
    [
      'given the role',
      async (world: World) =>
        world.auth.users.changeRoles((await somebody(world)).id, { add: ['administrator'] }),
    ],
  ] as const) {
    test(`the link that makes the first administrator is void once one was ${how}`, async () => {
      const world = await openWorld(OPTIONS);
      const token = /token=(.*)$/.exec((await world.auth.setupLink())?.reveal() ?? '')?.[1];
      await make(world);
      const json = { token, email: 'late@example.com', password: PASSWORD };
      assert.equal(await codeOf(await world.browser().post('/auth/setup', json)), 'LK_CREDENTIALS_REFUSED');
      assert.equal(await world.auth.setupLink(), null);
      await world.auth.close();
    });
  }
});
