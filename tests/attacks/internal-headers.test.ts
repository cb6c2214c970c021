import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { bodyOf, openWorld, type World } from '../http/world.ts';
import { inside, operationsOf, PEER, send } from './scene.ts';

/** Names by which frameworks and proxies talk to themselves, and which anyone can send. */
const NAMES: Readonly<Record<string, string>> = {
  'x-middleware-subrequest': 'middleware:middleware:middleware:middleware:middleware',
  'x-middleware-next': '1',
  'x-middleware-rewrite': '/auth/sign-out',
  'x-original-url': '/auth/sign-in',
  'x-rewrite-url': '/auth/sign-in',
  'x-forwarded-uri': '/auth/sign-in',
  'x-forwarded-method': 'GET',
  'x-original-method': 'GET',
  'x-http-method': 'DELETE',
  'x-http-method-override': 'DELETE',
  'x-method-override': 'DELETE',
  'x-forwarded-for': '198.51.100.66',
  'x-real-ip': '198.51.100.66',
  'true-client-ip': '198.51.100.66',
  'cf-connecting-ip': '198.51.100.66',
  'x-client-ip': '198.51.100.66',
  forwarded: 'for=198.51.100.66;proto=https',
  'x-forwarded-proto': 'https',
  'x-forwarded-user': 'admin@example.com',
  'x-remote-user': 'admin@example.com',
  'x-auth-request-user': 'admin@example.com',
  'x-user-id': 'admin',
  'x-latchkey-user': 'admin',
  'x-latchkey-principal': '{"kind":"user"}',
  'x-latchkey-session': 'x',
  'x-latchkey-gateway': 'x',
  'x-latchkey-internal': '1',
  'x-internal': '1',
  'x-admin': 'true',
  'x-request-id': 'planted',
  'x-correlation-id': 'planted',
};

describe('headers that only insiders should send', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
    await world.browser().signUp('insider@example.com');
  });
  after(() => world.auth.close());
  const opened = (): World => world;

  for (const [name, value] of Object.entries(NAMES)) {
    test(`${name} opens nothing (@incident N1, @asvs 4.1.3)`, async () => {
      for (const { method, path, signedIn } of operationsOf(opened().auth)) {
        const headers = { 'Sec-Fetch-Site': 'same-origin', [name]: value };
        const plain = await send(opened().auth, path, {
          method,
          headers: { 'Sec-Fetch-Site': 'same-origin' },
        });
        const response = await send(opened().auth, path, { method, headers });
        assert.equal(response.status, plain.status, `${method} ${path}`);
        if (signedIn) assert.equal(response.status, 401, `${method} ${path}`);
        assert.ok(!`${[...response.headers].join()}${await response.text()}`.includes('planted'));
      }
    });
  }

  test('all of them together change nothing about who asks and from where (@incident N1, @asvs 4.1.3)', async () => {
    const visit = world.browser(NAMES);
    await visit.signIn('insider@example.com');
    const { items } = await bodyOf(await visit.get('/auth/sessions'));
    assert.equal(inside(items, 0, 'ip'), PEER);
    const me = await visit.get('/auth/me');
    assert.equal(inside(await bodyOf(me), 'user', 'email'), 'insider@example.com');
    assert.equal(world.events.findLast(({ type }) => type === 'signed_in')?.ip, PEER);
    assert.deepEqual(await visit.get('/auth/account').then(({ status }) => status), 200);
  });

  test('an address is believed only from the proxies that are ours, counted from the right (@asvs 4.1.3)', async () => {
    const behind = await openWorld({ trustedProxies: 1 });
    const headers = { 'X-Forwarded-For': '198.51.100.66, 192.0.2.1' };
    await behind.browser(headers).signUp('proxied@example.com');
    assert.equal(behind.events.at(-1)?.ip, '192.0.2.1');
    await behind.auth.close();
  });
});
