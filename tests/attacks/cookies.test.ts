import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { codeOf, ORIGIN, OTHER_PASSWORD, openWorld, PASSWORD, type World } from '../http/world.ts';
import { cookieOf, operationsOf, PEER, send, statusOf } from './scene.ts';

describe('cookies that somebody else has set', () => {
  let world: World;
  let mine: string;
  let theirs: string;
  before(async () => {
    world = await openWorld();
    const [here, there] = [world.browser(), world.browser()];
    await here.signUp('mine@example.com');
    await there.signUp('theirs@example.com');
    [mine, theirs] = [here.cookie ?? '', there.cookie ?? ''];
  });
  after(() => world.auth.close());

  test('make two of one name, and neither wins, in any order (@incident C2)', async () => {
    const name = 'latchkey-3000';
    const pairs = [
      `${mine}; ${theirs}`,
      `${theirs}; ${mine}`,
      `${mine}; ${mine}`,
      `${mine};${theirs}`,
      `a=b; ${mine}; c=d;\t${theirs}`,
      `${name}=; ${mine}`,
      `${mine}; ${name}=`,
      `${mine}; ${name}="x"`,
    ];
    for (const cookie of pairs) {
      for (const { method, path, signedIn, fields } of operationsOf(world.auth)) {
        if (!signedIn && !path.endsWith('sign-out')) continue;
        const headers = {
          Cookie: cookie,
          'Sec-Fetch-Site': 'same-origin',
          'Content-Type': 'application/json',
        };
        const body = method === 'GET' || fields.length === 0 ? null : '{}';
        const response = await send(world.auth, path, { method, headers, body });
        assert.equal(response.status, 400, `${method} ${path}`);
        assert.equal(await codeOf(response), 'LK_CREDENTIALS_AMBIGUOUS');
        assert.deepEqual(response.headers.getSetCookie(), []);
      }
    }
    const headers = new Headers({ Cookie: mine });
    headers.append('Cookie', theirs);
    assert.equal((await send(world.auth, '/auth/me', { headers })).status, 400, 'in two headers');
    assert.equal(await statusOf(world, mine), 200);
  });

  test('of another name are not ours, however close (@incident C2)', async () => {
    const value = theirs.split('=')[1] ?? '';
    const twins = [
      'latchkey',
      '__Host-latchkey',
      '__Secure-latchkey',
      'Latchkey-3000',
      'latchkey-3000 ',
      'latchkey-30000',
      'xlatchkey-3000',
      'latchkey-300',
      ' latchkey-3001',
    ];
    for (const twin of twins) {
      assert.equal(await statusOf(world, `${twin}=${value}`), 401, `${twin} alone signs nobody in`);
      const response = await send(world.auth, '/auth/me', {
        headers: { Cookie: `${twin}=${value}; ${mine}` },
      });
      assert.equal(response.status, 200, twin);
      assert.match(await response.text(), /mine@example\.com/, twin);
    }
    const quoted = await send(world.auth, '/auth/me', { headers: { Cookie: `x="; ${theirs}; y="; z=1` } });
    assert.match(
      await quoted.text(),
      /theirs@example\.com/,
      'quotes hide nothing: a browser ends a value at the semicolon',
    );
  });

  test('of a hundred times 4 kB are answered with 431, on every route (@incident C3)', async () => {
    const bomb = Array.from({ length: 100 }, (_, index) => `c${index}=${'x'.repeat(4_000)}`).join('; ');
    for (const { method, path } of operationsOf(world.auth)) {
      const headers = { Cookie: `${mine}; ${bomb}`, 'Sec-Fetch-Site': 'same-origin' };
      const response = await send(world.auth, path, { method, headers });
      assert.equal(response.status, 431, path);
      assert.equal(await codeOf(response), 'LK_HEADERS_TOO_LARGE');
    }
    assert.equal(await statusOf(world, mine), 200);
  });

  test('are refused from 16 kB of headers on, and not before (@incident C3)', async () => {
    const withCookie = (length: number): Promise<Response> =>
      send(world.auth, '/auth/me', { headers: { Cookie: `${mine}; c=${'x'.repeat(length)}` } });
    assert.equal((await withCookie(15_000)).status, 200);
    assert.equal((await withCookie(16_384)).status, 431);
  });
});

describe('the cookie that we set', () => {
  const attributesOf = (line: string): string[] => line.split('; ').slice(1).toSorted();

  for (const [url, name, secure] of [
    ['https://app.example.com', '__Host-latchkey', ['Secure']],
    ['https://app.example.com:8443', '__Host-latchkey', ['Secure']],
    [ORIGIN, 'latchkey-3000', []],
  ] as const) {
    test(`of ${url} is named and fenced in as a browser can enforce (@incident C2, @asvs 3.3.1, @asvs 3.3.2, @asvs 3.3.3, @asvs 3.3.4, @asvs 3.3.5)`, async () => {
      const world = await openWorld({ url });
      let cookie = '';
      const seen: string[] = [];
      const call = async (method: string, path: string, json?: unknown): Promise<Response> => {
        const headers = new Headers({ 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/json' });
        if (cookie !== '') headers.set('Cookie', cookie);
        const body = json === undefined ? null : JSON.stringify(json);
        const response = await world.auth.handler(
          new Request(new URL(path, url), { method, headers, body }),
          { peer: PEER },
        );
        seen.push(...response.headers.getSetCookie());
        for (const line of response.headers.getSetCookie()) cookie = line.slice(0, line.indexOf(';'));
        const secret = /\.([A-Za-z0-9_-]{43})$/.exec(cookie)?.[1];
        if (secret !== undefined) {
          const told = `${await response.text()}${[...response.headers].filter(([header]) => header !== 'set-cookie').join()}`;
          assert.ok(!told.includes(secret), `${path} shows the secret elsewhere than in the cookie`);
        }
        return response;
      };
      const who = { email: 'set@example.com', password: PASSWORD };
      assert.equal((await call('POST', '/auth/sign-up', who)).status, 201);
      cookieOf(await call('POST', '/auth/sign-in', who));
      await call('POST', '/auth/reauthenticate', { password: PASSWORD });
      await call('POST', '/auth/password', { current_password: PASSWORD, new_password: OTHER_PASSWORD });
      assert.equal((await call('GET', '/auth/me')).status, 200);
      await call('GET', '/auth/sessions');
      await call('POST', '/auth/sign-out');
      const request = new Request(new URL('/cart', url), {
        method: 'POST',
        headers: { 'Sec-Fetch-Site': 'same-origin' },
      });
      await (await world.auth.session(request, (line) => seen.push(line))).set('cart', 'tea');
      assert.equal(seen.length, 6);
      for (const line of seen) {
        assert.ok(line.startsWith(`${name}=`), name);
        const cleared = line.startsWith(`${name}=;`);
        const age = cleared ? 'Max-Age=0' : 'Max-Age=2592000';
        assert.deepEqual(
          attributesOf(line),
          ['HttpOnly', 'Path=/', 'SameSite=Lax', age, ...secure].toSorted(),
        );
        assert.ok(Buffer.byteLength(line.slice(0, line.indexOf(';'))) <= 4_096);
      }
      await world.auth.close();
    });
  }
});
