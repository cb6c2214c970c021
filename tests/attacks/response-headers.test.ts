import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sqlite } from 'latchkey';
import { ORIGIN, OTHER_PASSWORD, openWorld, PASSWORD } from '../http/world.ts';
import { overriding, PEER } from './scene.ts';

const PAGES = [
  'sign-in',
  'sign-up',
  'sign-out',
  'account',
  'password',
  'reauthenticate',
  'setup',
  'style.css',
];

describe('headers of every answer', () => {
  for (const url of [ORIGIN, 'https://app.example.com']) {
    test(`of ${url}: nothing runs, frames, sniffs or keeps what it should not (@asvs 3.4.1, @asvs 3.4.3, @asvs 3.4.4, @asvs 3.4.5, @asvs 3.4.6, @asvs 14.3.2)`, async () => {
      const inner = sqlite(':memory:');
      let down = false;
      const sessions = overriding(inner.sessions, {
        read: (id) => (down ? Promise.reject(new Error('secret of the inside')) : inner.sessions.read(id)),
      });
      const world = await openWorld({ url, nearCache: { life: '0ms' } }, { ...inner, sessions });
      let cookie = '';
      const statuses = new Set<number>();
      const call = async (
        method: string,
        path: string,
        json?: unknown,
        more: Record<string, string> = {},
      ): Promise<string> => {
        const headers = new Headers({
          'Sec-Fetch-Site': 'same-origin',
          'Content-Type': 'application/json',
          ...more,
        });
        if (cookie !== '') headers.set('Cookie', cookie);
        const body = json === undefined ? null : JSON.stringify(json);
        const response = await world.auth.handler(
          new Request(new URL(path, url), { method, headers, body }),
          { peer: PEER },
        );
        statuses.add(response.status);
        const what = `${method} ${path} ${response.status}`;
        const of = (name: string): string => response.headers.get(name) ?? '';
        assert.match(
          of('content-security-policy'),
          /^default-src 'none';.*base-uri 'none'; frame-ancestors 'none'$/,
          what,
        );
        assert.doesNotMatch(of('content-security-policy'), /unsafe|script-src|\*/, what);
        assert.equal(of('x-content-type-options'), 'nosniff', what);
        assert.equal(of('x-frame-options'), 'DENY', what);
        assert.equal(of('referrer-policy'), 'same-origin', what);
        assert.equal(of('cross-origin-opener-policy'), 'same-origin', what);
        const seconds = Number(
          /^max-age=(\d+); includeSubDomains$/.exec(of('strict-transport-security'))?.[1] ?? 0,
        );
        assert.equal(seconds >= 31_536_000, url.startsWith('https:'), what);
        assert.equal(of('server') + of('x-powered-by'), '', what);
        if (response.body !== null) assert.notEqual(of('content-type'), '', what);
        const secretive = method !== 'OPTIONS' && !path.endsWith('style.css');
        if (secretive) assert.equal(of('cache-control'), 'no-store', what);
        for (const line of response.headers.getSetCookie()) cookie = line.slice(0, line.indexOf(';'));
        return response.text();
      };
      const everything = async (): Promise<void> => {
        for (const page of PAGES) {
          for (const method of ['GET', 'HEAD', 'OPTIONS'])
            await call(method, `/auth/${page}`, undefined, { Accept: 'text/html' });
        }
        for (const path of ['/auth/me', '/auth/sessions', '/auth/nothing', '/auth/receipts/x']) {
          await call('GET', path);
          await call('GET', path, undefined, { Accept: 'text/html' });
        }
        await call('PUT', '/auth/sign-in', {});
        await call('POST', '/auth/sign-in', {});
        await call('POST', '/auth/sign-in', {}, { 'Sec-Fetch-Site': 'cross-site' });
        await call('POST', '/auth/sign-in', {}, { 'Content-Type': 'x' });
        await call('POST', '/auth/sign-in', { email: 'x'.repeat(70_000) });
        await call('POST', '/auth/sign-in', {}, { 'X-Large': 'x'.repeat(17_000) });
        await call('GET', '/auth/me', undefined, { Authorization: 'x' });
      };
      await everything();
      const who = { email: 'headers@example.com', password: PASSWORD };
      await call('POST', '/auth/sign-up', who);
      await call('POST', '/auth/sign-up', who);
      await call('POST', '/auth/sign-in', who);
      await everything();
      await call('POST', '/auth/reauthenticate', { password: PASSWORD });
      await call('POST', '/auth/password', { current_password: PASSWORD, new_password: OTHER_PASSWORD });
      down = true;
      const broken = await call('GET', '/auth/me');
      assert.doesNotMatch(broken, /secret of the inside|at /);
      await call('GET', '/auth/account', undefined, { Accept: 'text/html' });
      down = false;
      await call('DELETE', '/auth/sessions');
      for (const status of [200, 201, 204, 303, 400, 401, 403, 404, 405, 409, 413, 415, 431, 500]) {
        assert.ok(statuses.has(status), `no answer was ${status}`);
      }
      await world.auth.close();
    });
  }
});
