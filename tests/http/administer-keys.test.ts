import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findId } from '../../packages/latchkey/src/foundation/ids.ts';
import { keyOf, openPair, withoutHints } from '../attacks/node-pair.ts';
import { inside } from '../attacks/scene.ts';
import { bodyOf, codeOf, PASSWORD } from './world.ts';

const EMAIL = 'ada@example.com';

describe('administration of keys over HTTP', () => {
  const KEYS: readonly (readonly [method: string, path: string])[] = [
    ['GET', '/auth/admin/keys'],
    ['POST', '/auth/admin/keys/rotate'],
    ['POST', `/auth/admin/keys/${'x'.repeat(43)}/revoke`],
  ];

  test('is for administrators: 401 for nobody, 403 for anybody else, and nothing changes (@asvs 8.2.1, @asvs 8.3.1)', async () => {
    const pair = await openPair();
    const [here] = pair.nodes;
    const { access } = await here.program.signUp(EMAIL);
    const visit = here.browser();
    await visit.signIn(EMAIL);
    const before = JSON.stringify(await here.keys.list());
    const current = await keyOf(here, 'current');
    for (const [method, path] of [...KEYS, ['POST', `/auth/admin/keys/${current}/revoke`] as const]) {
      const anonymous = await here.program.send(method, path);
      assert.deepEqual([anonymous.status, await codeOf(anonymous)], [401, 'LK_UNAUTHENTICATED']);
      for (const response of [
        await here.program.send(method, path, { bearer: access }),
        await visit.send(method, path),
      ])
        assert.deepEqual([response.status, await codeOf(response)], [403, 'LK_FORBIDDEN']);
    }
    assert.equal(JSON.stringify(await here.keys.list()), before);
    await pair.close();
  });

  test('lists, rotates and revokes; of two who revoke one key at once, one does (@fault F14)', async () => {
    const pair = await openPair();
    const [here, there] = pair.nodes;
    const held = await here.program.signUp(EMAIL);
    const id = findId<'user'>(held.user) ?? assert.fail('it is no id');
    await here.system.rooms.store.users.assignRole(id, 'administrator');
    const root = here.browser();
    await root.signIn(EMAIL);
    const elsewhere = there.browser();
    elsewhere.cookie = root.cookie;

    const { items, next_cursor: nextCursor } = await bodyOf(await root.get('/auth/admin/keys'));
    assert.ok(Array.isArray(items) && nextCursor === null);
    assert.deepEqual(
      items.map((item) => [inside(item, 'state'), inside(item, 'algorithm')]),
      [
        ['current', 'EdDSA'],
        ['next', 'EdDSA'],
      ],
    );
    assert.equal(inside(items, 1, 'activates_at'), null);
    assert.ok(!/sealed|public_?key|"[dx]"/i.test(JSON.stringify(items)));
    const [current, next] = items.map((item) => String(inside(item, 'kid')));
    const rotation = await bodyOf(await root.post('/auth/admin/keys/rotate'));
    assert.deepEqual([rotation['kid'], rotation['algorithm']], [next, 'EdDSA']);
    assert.deepEqual(Object.keys(rotation).toSorted(), ['activates_at', 'algorithm', 'kid']);
    assert.ok(Date.parse(String(rotation['activates_at'])) > pair.clock.now());

    const answers = await Promise.all(
      [root, elsewhere].map((visit) => visit.post(`/auth/admin/keys/${current}/revoke`)),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200, 404]));
    const done = answers.find(({ status }) => status === 200) ?? assert.fail();
    const receipt = inside(await bodyOf(done), 'receipt');
    assert.equal(typeof inside(receipt, 'seq'), 'number', 'as administrators see it');
    const state = await root.get(`/auth/receipts/${String(inside(receipt, 'id'))}`);
    assert.equal(state.status, 200, 'whoever revoked may ask how far it has come');
    assert.equal(await keyOf(here, 'current'), next);
    for (const visit of [root, elsewhere]) assert.equal((await visit.get('/auth/me')).status, 200);
    await pair.close();
  });

  test('asks again when it acts: who lost the right meanwhile does nothing with it (@asvs 8.3.2)', async () => {
    const pair = await openPair({ second: withoutHints });
    const [here, there] = pair.nodes;
    const held = await here.program.signUp(EMAIL);
    const id = findId<'user'>(held.user) ?? assert.fail('it is no id');
    await here.system.rooms.store.users.assignRole(id, 'administrator');
    const root = there.browser();
    assert.equal(
      (await root.post('/auth/sign-in', { email: EMAIL, password: PASSWORD, client: 'web' })).status,
      200,
    );
    assert.equal((await root.get('/auth/admin/keys')).status, 200);
    const current = await keyOf(here, 'current');
    // Written by somebody of whom the other node has not heard, so that it still believes.
    await here.system.rooms.store.users.removeRole(id, 'administrator');
    for (const path of [`/auth/admin/keys/${current}/revoke`, '/auth/admin/keys/rotate'])
      assert.equal(await codeOf(await root.post(path)), 'LK_FORBIDDEN');
    assert.equal(await keyOf(here, 'current'), current);
    await pair.close();
  });
});
