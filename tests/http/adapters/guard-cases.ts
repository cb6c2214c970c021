import assert from 'node:assert/strict';
import { bodyOf, PASSWORD } from '../world.ts';
import { type Case, caller, owner, refused } from './case.ts';

/** Whom guards let in, and how they refuse. */
export const GUARD_CASES: readonly Case[] = [
  {
    title: 'a program that nobody has signed in gets a challenge, a person the way to sign in and back',
    run: async (scene) => {
      const program = await caller(scene).call('GET', '/me?a=1&b=2');
      assert.equal(program.headers.get('www-authenticate'), 'Bearer');
      await refused(program, 401, 'LK_UNAUTHENTICATED');
      const person = await caller(scene).visit('/me?a=1&b=2');
      assert.equal(person.status, 303);
      assert.equal(person.headers.get('location'), '/auth/sign-in?return_to=%2Fme%3Fa%3D1%26b%3D2');
      assert.equal(person.headers.get('cache-control'), 'no-store');
      const below = await caller(scene).visit('/notes/me?a=1');
      assert.equal(below.headers.get('location'), '/auth/sign-in?return_to=%2Fnotes%2Fme%3Fa%3D1');
      const holder = await caller(scene).call('GET', '/me', {
        headers: { Accept: 'text/html', Authorization: 'Bearer x' },
      });
      assert.equal(holder.status, 401, 'a token in hand is no person on a page');
    },
  },
  {
    title: 'what is not there is 404, also for who is nobody',
    run: async (scene) => {
      const { person } = await owner(scene);
      for (const who of [person, caller(scene)]) {
        await refused(await who.call('GET', '/documents/none'), 404, 'LK_NOT_FOUND');
        await refused(await who.call('PUT', '/documents/none'), 404, 'LK_NOT_FOUND');
      }
    },
  },
  {
    title: 'a resource is handed to whom it belongs, and denied to another and to nobody (@asvs 8.2.2)',
    run: async (scene) => {
      const { person, path } = await owner(scene);
      const { person: other } = await owner(scene);
      const mine = await person.call('PUT', path, { text: 'a body for the handler' });
      assert.equal(mine.status, 200);
      const { id, body } = await bodyOf(mine);
      assert.deepEqual([`/documents/${String(id)}`, body], [path, 'a body for the handler']);
      await refused(await other.call('PUT', path), 403, 'LK_FORBIDDEN');
      await refused(await caller(scene).call('PUT', path), 401, 'LK_UNAUTHENTICATED');
      const page = await caller(scene).visit(path);
      assert.equal(page.headers.get('location'), `/auth/sign-in?return_to=${encodeURIComponent(path)}`);
      const denied = await other.visit(path);
      assert.equal(denied.status, 403);
      assert.match(denied.headers.get('content-type') ?? '', /text\/html/);
    },
  },
  {
    title: 'a rule for everybody lets the anonymous in, without a principal',
    run: async (scene) => {
      const { person, path } = await owner(scene, true);
      const anonymous = await bodyOf(await caller(scene).call('GET', path));
      assert.equal(anonymous['reader'], null);
      const known = await bodyOf(await person.call('GET', path));
      assert.equal(typeof known['reader'], 'string');
      const bad = await caller(scene).call('GET', path, { headers: { Authorization: 'Bearer x' } });
      await refused(bad, 401, 'LK_UNAUTHENTICATED');
    },
  },
  {
    title: 'a permission without a resource follows the role, from one request to the next (@asvs 8.3.2)',
    run: async (scene) => {
      const { person } = await owner(scene);
      const { id } = await bodyOf(await person.call('GET', '/me'));
      await refused(await person.call('GET', '/reports'), 403, 'LK_FORBIDDEN');
      await refused(await caller(scene).call('GET', '/reports'), 401, 'LK_UNAUTHENTICATED');
      await scene.auth.users.changeRoles(String(id), { add: ['auditor'] });
      assert.equal((await person.call('GET', '/reports')).status, 200);
      await scene.auth.users.changeRoles(String(id), { remove: ['auditor'] });
      await refused(await person.call('GET', '/reports'), 403, 'LK_FORBIDDEN');
    },
  },
  {
    title:
      'who must prove again is told what, and a person is led there and back (@asvs 7.5.3, @rfc 9470 §3)',
    run: async (scene) => {
      const { person, path } = await owner(scene);
      assert.equal((await person.visit(`${path}/removal`)).status, 200);
      scene.clock.advance(301_000);
      const program = await person.call('DELETE', path);
      assert.equal(
        program.headers.get('www-authenticate'),
        'Bearer error="insufficient_user_authentication", max_age="300"',
      );
      await refused(program, 401, 'LK_STEP_UP_REQUIRED');
      const page = await person.visit(`${path}/removal`);
      assert.equal(page.status, 303);
      assert.equal(
        page.headers.get('location'),
        `/auth/reauthenticate?return_to=${encodeURIComponent(`${path}/removal`)}`,
      );
      const proved = await person.call('POST', '/auth/reauthenticate', { json: { password: PASSWORD } });
      assert.equal(proved.status, 200);
      assert.equal((await person.call('DELETE', path)).status, 200);
    },
  },
  {
    title: 'a page of another site moves nothing with the cookie (@incident C1)',
    run: async (scene) => {
      const { person, path } = await owner(scene);
      for (const [method, target] of [
        ['POST', '/me'],
        ['PUT', path],
        ['DELETE', path],
        ['POST', '/cart?sku=spam'],
      ] as const) {
        for (const headers of [
          { 'Sec-Fetch-Site': 'cross-site' },
          { 'Sec-Fetch-Site': 'same-site' },
          { 'Sec-Fetch-Site': '', Origin: 'https://attacker.example' },
          { 'Sec-Fetch-Site': '', Origin: 'null' },
        ]) {
          const response = await person.call(method, target, { headers });
          assert.equal(response.status, 403, `${method} ${target}`);
          assert.ok(!response.headers.getSetCookie().some((cookie) => cookie.startsWith('latchkey-')));
        }
      }
      assert.deepEqual((await bodyOf(await person.call('GET', '/cart')))['cart'], []);
      assert.equal((await person.call('POST', '/me')).status, 200);
    },
  },
  {
    title: 'no header says that somebody has been checked elsewhere (@incident N1, @asvs 4.1.3)',
    run: async (scene) => {
      const { path } = await owner(scene);
      const headers = {
        'x-middleware-subrequest': 'middleware:middleware:middleware:middleware:middleware',
        'x-middleware-rewrite': '/',
        'x-original-url': '/',
        'x-forwarded-uri': '/',
        'x-http-method-override': 'GET',
        'x-forwarded-user': 'admin@example.com',
        'x-latchkey-principal': '{"kind":"user"}',
        'x-latchkey-user': 'admin',
      };
      for (const [method, target] of [
        ['GET', '/me'],
        ['PUT', path],
        ['GET', '/reports'],
      ] as const) {
        await refused(await caller(scene).call(method, target, { headers }), 401, 'LK_UNAUTHENTICATED');
      }
    },
  },
  {
    title: 'the address that counts is the connection’s own (@asvs 4.1.3)',
    run: async (scene) => {
      const person = caller(scene);
      await person.signUp();
      const headers = { 'X-Forwarded-For': '198.51.100.66', Forwarded: 'for=198.51.100.66' };
      const json = { email: person.email, password: PASSWORD };
      assert.equal((await person.call('POST', '/auth/sign-in', { json, headers })).status, 200);
      assert.equal(scene.events.findLast(({ type }) => type === 'signed_in')?.ip, '127.0.0.1');
    },
  },
  {
    title: 'a check writes nothing to the answer, and what a guard lets in sets no cookie',
    run: async (scene) => {
      const { person, path } = await owner(scene, true);
      for (const target of ['/me', path, '/notes/me']) {
        assert.deepEqual((await person.call('GET', target)).headers.getSetCookie(), []);
      }
    },
  },
];
