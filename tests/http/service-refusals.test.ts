import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inside } from '../attacks/scene.ts';
import { Program } from './program.ts';
import { bodyOf, openWorld, type World } from './world.ts';

const SAID = 'No good key of a client was presented';

/*
 * A service that is refused is told that it is its key, and nobody is told why it is not good.
 */
describe('what a service without a good key is answered', () => {
  let world: World;
  let program: Program;
  const credentials = new Map<string, Readonly<Record<string, string>>>();
  before(async () => {
    world = await openWorld();
    program = new Program(world.auth);
    const create = async (name: string): Promise<string> =>
      (await world.auth.clients.create({ name, audiences: [name] })).key.reveal();
    const [good, other, off] = [await create('orders'), await create('other'), await create('off')];
    await world.auth.clients.disable('off');
    const secretOf = (key: string): string => key.slice(key.indexOf('.'));
    const wrong = good.replace(secretOf(good), secretOf(other));
    const { key: lost } = await world.auth.clients.create({ name: 'rotated', audiences: ['rotated'] });
    await world.auth.clients.rotate('rotated');
    const basic = (name: string, key: string): Readonly<Record<string, string>> => ({
      Authorization: `Basic ${Buffer.from(`${name}:${key}`).toString('base64')}`,
    });
    for (const [why, headers] of [
      ['an unknown client', basic('nobody', wrong)],
      ['a wrong key', basic('orders', wrong)],
      ['a key that was rotated out', basic('rotated', lost.reveal())],
      ['a disabled client', basic('off', off)],
      ['what is no key', basic('orders', 'x')],
    ] as const)
      credentials.set(why, headers);
  });
  after(() => world.auth.close());

  const pull = { epoch: '', tag: 0, after: 0, follower: 'q83vEjRWeJq83vEjRWeJqw' };
  const asked: readonly (readonly [string, string, Parameters<Program['send']>[2]])[] = [
    ['POST', '/auth/token', { form: { grant_type: 'client_credentials' } }],
    ['POST', '/auth/introspect', { form: { token: 'x' } }],
    ['POST', '/auth/revoke', { form: { token: 'x' } }],
    ['POST', '/auth/feed/pull', { json: pull }],
    ['GET', '/auth/feed/snapshot', {}],
    ['GET', '/auth/feed', {}],
    ['GET', '/auth/receipts/AZr4k2mXcQqk3yT0v8FhXw', {}],
  ];
  const isAlike = async (...[method, path, sent]: (typeof asked)[number]): Promise<void> => {
    const answers = new Set<string>();
    for (const [why, headers] of credentials) {
      const response = await program.send(method, path, { ...sent, headers });
      assert.equal(response.status, 401, why);
      const { request_id: _request, ...body } = await bodyOf(response);
      assert.equal(body['code'], 'LK_UNAUTHENTICATED', why);
      assert.equal(body['detail'] ?? body['error_description'], SAID, why);
      const told = [...response.headers].filter(([name]) => name !== 'x-request-id');
      answers.add(JSON.stringify([body, told]));
    }
    assert.equal(credentials.size, 5);
    assert.equal(answers.size, 1);
  };
  for (const one of asked) {
    test(`at ${one[0]} ${one[1]} speaks of the key, and is the same whatever is wrong with it`, () =>
      isAlike(...one));
  }

  test('is not said to people, nor to a gateway', async () => {
    const me = await bodyOf(await program.send('GET', '/auth/me', {}));
    assert.deepEqual([me['code'], me['detail']], ['LK_UNAUTHENTICATED', undefined]);
    const headers = { 'X-Latchkey-Gateway': 'lks_x' };
    const forward = await bodyOf(await program.send('GET', '/auth/forward?audience=orders', { headers }));
    assert.deepEqual([forward['code'], forward['detail']], ['LK_GATEWAY_REFUSED', undefined]);
  });

  test('is what the OpenAPI document says of 401 where services alone may ask', () => {
    const { paths } = world.auth.openApi();
    const said = (path: string, method: string): string =>
      String(inside(paths[path]?.[method], 'responses', '401', 'description'));
    assert.equal(said('/auth/introspect', 'post'), `\`LK_UNAUTHENTICATED\`: ${SAID}`);
    assert.equal(said('/auth/feed/snapshot', 'get'), `\`LK_UNAUTHENTICATED\`: ${SAID}`);
    assert.equal(said('/auth/me', 'get'), '`LK_UNAUTHENTICATED`: Sign in first');
    assert.equal(said('/auth/sign-in', 'post').includes(SAID), false);
  });
});

describe('the credentials that the OpenAPI document names', () => {
  const service = [{ clientBasic: [] }, { clientKey: [] }];
  const wanted: readonly (readonly [string, string, readonly object[]])[] = [
    ['post', '/auth/sign-in', []],
    ['post', '/auth/sign-out', [{}, { session: [] }, { token: [] }]],
    ['get', '/auth/me', [{ session: [] }, { token: [] }]],
    ['post', '/auth/token', [{}, { session: [] }, ...service]],
    ['post', '/auth/revoke', [{}, ...service]],
    ['post', '/auth/introspect', service],
    ['post', '/auth/feed/pull', service],
    ['get', '/auth/admin/users', [{ session: ['latchkey:admin'] }, { token: ['latchkey:admin'] }]],
  ];
  for (const [method, path, security] of wanted) {
    test(`are those that ${method.toUpperCase()} ${path} takes`, async () => {
      const world = await openWorld();
      assert.deepEqual(inside(world.auth.openApi().paths[path]?.[method], 'security'), security);
      await world.auth.close();
    });
  }
});
