import assert from 'node:assert/strict';
import { bodyOf } from '../world.ts';
import { wire } from './caller.ts';
import { type Case, caller, owner, refused } from './case.ts';

/** Which credential counts. */
export const CREDENTIAL_CASES: readonly Case[] = [
  {
    title: 'a cookie is who signed up with it',
    run: async (scene) => {
      const { person } = await owner(scene);
      assert.match(person.cookie, new RegExp(`^latchkey-${new URL(scene.origin).port}=lkc_`));
      const mine = await bodyOf(await person.call('GET', '/auth/me'));
      const theirs = await bodyOf(await person.call('GET', '/me'));
      assert.equal(theirs['id'], mine['id']);
      assert.deepEqual([theirs['via'], theirs['email']], ['cookie', person.email]);
    },
  },
  {
    title: 'a token is whom it was issued to, and its client has no cookie',
    run: async (scene) => {
      const person = caller(scene);
      const token = await person.signUp('mobile');
      assert.equal(person.cookie, '');
      const response = await person.bearer(token, 'GET', '/me');
      assert.equal((await bodyOf(response))['via'], 'token');
      assert.equal((await person.bearer(token, 'GET', '/auth/me')).status, 200);
    },
  },
  {
    title: 'a hybrid client is known by its cookie and by its tokens',
    run: async (scene) => {
      const person = caller(scene);
      const token = await person.signUp('spa');
      const byCookie = await bodyOf(await person.call('GET', '/me'));
      const byToken = await bodyOf(await person.bearer(token, 'GET', '/me'));
      assert.equal(byCookie['id'], byToken['id']);
      assert.deepEqual([byCookie['via'], byToken['via']], ['cookie', 'token']);
    },
  },
  {
    title: 'who signs out is refused at once',
    run: async (scene) => {
      const person = caller(scene);
      const token = await person.signUp('spa');
      const { cookie } = person;
      assert.equal((await person.call('GET', '/me')).status, 200);
      assert.equal((await person.bearer(token, 'GET', '/me')).status, 200);
      assert.equal((await person.call('POST', '/auth/sign-out')).status, 200);
      await refused(await person.bearer(token, 'GET', '/me'), 401, 'LK_UNAUTHENTICATED');
      person.cookie = cookie;
      await refused(await person.call('GET', '/me'), 401, 'LK_UNAUTHENTICATED');
    },
  },
  {
    title: 'Authorization alone counts, also where it is bad (@asvs 7.2.1)',
    run: async (scene) => {
      const { person } = await owner(scene);
      const other = caller(scene);
      const token = await other.signUp('mobile');
      const headers = { Authorization: `Bearer ${token}`, 'Sec-Fetch-Site': 'cross-site' };
      const response = await person.call('GET', '/me', { headers });
      assert.equal((await bodyOf(response))['via'], 'token');
      for (const bad of ['Bearer x', 'Basic eDp5', 'Bearer']) {
        const answer = await person.call('GET', '/me', { headers: { Authorization: bad } });
        assert.equal(answer.headers.get('www-authenticate'), 'Bearer error="invalid_token"');
        await refused(answer, 401, 'LK_UNAUTHENTICATED');
      }
    },
  },
  {
    title: 'two credentials are none (@incident C2)',
    run: async (scene) => {
      const { person } = await owner(scene);
      const token = await caller(scene).signUp('mobile');
      const twice = await person.call('GET', '/me', {
        headers: { Cookie: `${person.cookie}; ${person.cookie}x` },
      });
      await refused(twice, 400, 'LK_CREDENTIALS_AMBIGUOUS');
      const pairs = [
        ['Cookie', person.cookie, 'Cookie', person.cookie],
        ['Authorization', `Bearer ${token}`, 'Authorization', `Bearer ${token}`],
      ];
      for (const headers of pairs) {
        for (const path of ['/me', '/auth/me']) {
          const { status, body } = await wire(scene.origin, 'GET', path, { headers });
          assert.equal(status, 400);
          assert.match(body, /"LK_CREDENTIALS_AMBIGUOUS"/);
        }
      }
    },
  },
  {
    title: 'an audience of its own is asked of tokens on its routes, and the issuer on ours (@asvs 9.2.3)',
    run: async (scene) => {
      const person = caller(scene);
      const forIssuer = await person.signUp('spa');
      const forNotes = await person.token('notes');
      assert.equal((await person.bearer(forNotes, 'GET', '/notes/me')).status, 200);
      await refused(await person.bearer(forIssuer, 'GET', '/notes/me'), 401, 'LK_UNAUTHENTICATED');
      await refused(await person.bearer(forNotes, 'GET', '/me'), 401, 'LK_UNAUTHENTICATED');
      await refused(await person.bearer(forNotes, 'GET', '/auth/me'), 401, 'LK_UNAUTHENTICATED');
      assert.equal((await person.call('GET', '/notes/me')).status, 200, 'a cookie is for whoever reads it');
    },
  },
];
