import assert from 'node:assert/strict';
import { bodyOf } from '../world.ts';
import { type Case, caller } from './case.ts';

/** A session's data, through the adapter. */
export const SESSION_CASES: readonly Case[] = [
  {
    title: 'what a visitor keeps before signing in is there afterwards, under another cookie (@asvs 7.2.4)',
    run: async (scene) => {
      const visitor = caller(scene);
      assert.deepEqual(await bodyOf(await visitor.call('GET', '/cart')), { cart: [] });
      assert.equal(visitor.cookie, '', 'reading begins no session');
      await visitor.call('POST', '/cart?sku=tea');
      const before = visitor.cookie;
      assert.notEqual(before, '');
      await visitor.call('POST', '/cart?sku=rice');
      assert.equal(visitor.cookie, before);
      await visitor.signUp();
      assert.notEqual(visitor.cookie, before);
      assert.deepEqual(await bodyOf(await visitor.call('GET', '/cart')), { cart: ['tea', 'rice'] });
    },
  },
  {
    title: 'the cookie of a session stands beside the application’s own',
    run: async (scene) => {
      const response = await caller(scene).call('POST', '/cart?sku=tea');
      const cookies = response.headers.getSetCookie();
      assert.equal(cookies.length, 2);
      assert.ok(cookies.includes('theme=dark'));
      assert.ok(cookies.some((cookie) => cookie.startsWith('latchkey-')));
    },
  },
];
