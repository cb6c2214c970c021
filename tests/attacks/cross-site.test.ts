import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sqlite } from 'latchkey';
import { codeOf, ORIGIN, openWorld, PASSWORD, type World } from '../http/world.ts';
import { BUTTONS, folder, type Operation, operationsOf, rowsOf, send, statusOf } from './scene.ts';

const LISTED = 'https://shop.example';
const FORM = 'application/x-www-form-urlencoded';

/** What a page of another site can make a browser send, and what one without such headers may not. */
const CROSS: readonly Record<string, string>[] = [
  { 'Sec-Fetch-Site': 'cross-site' },
  { 'Sec-Fetch-Site': 'same-site' },
  { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' },
  { 'Sec-Fetch-Site': 'cross-site', Origin: ORIGIN },
  { 'Sec-Fetch-Site': 'same-site', Origin: 'http://localhost:3001' },
  { 'Sec-Fetch-Site': 'cross-site', Origin: 'null' },
  { 'Sec-Fetch-Site': '' },
  { 'Sec-Fetch-Site': 'Same-Origin' },
  { 'Sec-Fetch-Site': 'same-origin, same-origin' },
  { Origin: 'https://evil.example' },
  { Origin: 'null' },
  { Origin: '' },
  { Origin: 'http://localhost' },
  { Origin: 'https://localhost:3000' },
  { Origin: 'http://localhost:3000.evil.example' },
  { Origin: 'http://evil.localhost:3000' },
  { Origin: `${LISTED}.evil.example` },
  { Origin: 'http://shop.example' },
  { Origin: `${LISTED}, ${LISTED}` },
];

const BODIES: readonly (readonly [string, string])[] = [
  ['application/json', '{}'],
  ['text/plain', '{}'],
  [FORM, 'email=cross@example.com&password=x'],
  ['multipart/form-data; boundary=x', '--x--'],
];

/** The one grant whose proof is the cookie, in the two spellings that its endpoint reads. */
const SESSION_GRANT: readonly (readonly [string, string])[] = [
  ['application/json', '{"grant_type":"urn:latchkey:grant:session"}'],
  [FORM, 'grant_type=urn%3Alatchkey%3Agrant%3Asession'],
];

const OAUTH_FORM: readonly [string, string] = [FORM, 'token=x&grant_type=refresh_token&refresh_token=x'];

describe('requests that a page of another site makes', () => {
  let world: World;
  let place: Awaited<ReturnType<typeof folder>>;
  let cookie: string;
  before(async () => {
    place = await folder();
    world = await openWorld({ origins: [LISTED], clients: { web: 'hybrid' } }, sqlite(place.file));
    const visit = world.browser();
    await visit.signUp('cross@example.com');
    cookie = visit.cookie ?? '';
  });
  after(async () => {
    await world.auth.close();
    await place.remove();
  });

  const unsafe = (): Pick<Operation, 'method' | 'path' | 'oauth' | 'service'>[] =>
    [...operationsOf(world.auth), ...BUTTONS].filter(({ method }) => method !== 'GET');
  /** Those that read the cookie or may set it; of the others only the session grant does. */
  const guarded = (): { method: string; path: string }[] =>
    unsafe().filter(({ oauth, service }) => !oauth && !service);
  const refused = async (response: Response, what: string): Promise<void> => {
    assert.equal(response.status, 403, what);
    assert.deepEqual(response.headers.getSetCookie(), [], what);
    assert.equal(response.headers.get('access-control-allow-origin'), null, what);
    if (!(response.headers.get('content-type') ?? '').startsWith('text/html')) {
      assert.equal(await codeOf(response), 'LK_ORIGIN_REFUSED', what);
    }
  };

  const refusedEverywhere = async (headers: Record<string, string>): Promise<void> => {
    const rows = rowsOf(place.file);
    const asked = [
      ...guarded().flatMap((route) => BODIES.map((body) => ({ ...route, body }))),
      ...SESSION_GRANT.map((body) => ({ method: 'POST', path: '/auth/token', body })),
    ];
    for (const {
      method,
      path,
      body: [type, body],
    } of asked) {
      for (const held of [cookie, '']) {
        const sent = { ...headers, 'Content-Type': type, ...(held === '' ? {} : { Cookie: held }) };
        const response = await send(world.auth, path, { method, headers: sent, body });
        await refused(response, `${method} ${path} ${type}`);
      }
    }
    assert.equal(rowsOf(place.file), rows);
    assert.equal(await statusOf(world, cookie), 200);
  };
  for (const headers of CROSS) {
    test(`are refused on every unsafe route: ${JSON.stringify(headers)} (@incident C1, @asvs 3.5.1)`, () =>
      refusedEverywhere(headers));
  }

  /** Status and body, which say the same whether a cookie is there or not. */
  const told = async (path: string, headers: Record<string, string>, body: string): Promise<unknown[]> => {
    const response = await send(world.auth, path, { method: 'POST', headers, body });
    assert.deepEqual(response.headers.getSetCookie(), [], path);
    return [response.status, await response.text()];
  };

  test('gain nothing from the cookie where a token in the body is what counts (@incident C1, @asvs 3.5.1)', async () => {
    const rows = rowsOf(place.file);
    const routes = unsafe().filter(({ oauth }) => oauth);
    assert.deepEqual(
      routes.map(({ path }) => path),
      ['/auth/token', '/auth/introspect', '/auth/revoke'],
    );
    for (const headers of CROSS) {
      for (const { path } of routes) {
        for (const [type, body] of [...BODIES, OAUTH_FORM]) {
          const sent = { ...headers, 'Content-Type': type };
          const without = await told(path, sent, body);
          assert.deepEqual(await told(path, { ...sent, Cookie: cookie }, body), without, path);
        }
      }
    }
    assert.equal(rowsOf(place.file), rows);
    assert.equal(await statusOf(world, cookie), 200);
  });

  test('for a token from the session are answered to our own pages, and to programs as JSON alone (@incident C1)', async () => {
    for (const [type, body] of SESSION_GRANT) {
      const own = { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': type, Cookie: cookie };
      const [status, text] = await told('/auth/token', own, body);
      assert.equal(status, 200, String(text));
      const [bare] = await told('/auth/token', { 'Content-Type': type, Cookie: cookie }, body);
      assert.equal(bare, type === FORM ? 403 : 200, type);
    }
  });

  test('as forms and plain text are refused without any header that says where from (@incident C1, @asvs 3.5.1)', async () => {
    for (const { method, path } of guarded()) {
      for (const type of [
        FORM,
        'text/plain',
        'TEXT/PLAIN;charset=utf-8',
        ` ${FORM}`,
        'multipart/form-data; boundary=x',
      ]) {
        const response = await send(world.auth, path, {
          method,
          headers: { Cookie: cookie, 'Content-Type': type },
          body: '{"password":"x"}',
        });
        await refused(response, `${method} ${path} ${type}`);
      }
    }
  });

  test('as JSON in another type are not read even from our own pages (@incident C1, @asvs 3.5.2)', async () => {
    const body = JSON.stringify({ email: 'cross@example.com', password: PASSWORD });
    for (const type of [
      'text/plain',
      'application/jsonp',
      'application/json-patch+json',
      'text/json',
      'multipart/form-data; boundary=x',
      'application/json; charset=utf-16',
      'x',
    ]) {
      const headers = { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': type };
      const response = await send(world.auth, '/auth/sign-in', { method: 'POST', headers, body });
      assert.equal(response.status, 415, type);
      assert.equal(await codeOf(response), 'LK_MEDIA_TYPE_UNSUPPORTED');
    }
    const headers = { 'Sec-Fetch-Site': 'same-origin' };
    const bytes = new Uint8Array(Buffer.from(body));
    const response = await send(world.auth, '/auth/sign-in', { method: 'POST', headers, body: bytes });
    assert.equal(response.status, 415, 'no type at all');
  });

  test('cannot say by header, query or field that they are of another method (@incident C1)', async () => {
    const rows = rowsOf(place.file);
    const names = ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', '_method'];
    for (const { method, path } of unsafe()) {
      const headers = Object.fromEntries(names.slice(0, 3).map((name) => [name, method]));
      const query = names.map((name) => `${name}=${method}`).join('&');
      const response = await send(world.auth, `${path}?${query}`, {
        headers: { ...headers, Cookie: cookie, 'Sec-Fetch-Site': 'cross-site' },
      });
      assert.notEqual(response.status, 500);
      assert.deepEqual(response.headers.getSetCookie(), []);
    }
    for (const path of ['/auth/sessions', '/auth/account']) {
      const response = await send(world.auth, path, {
        method: 'POST',
        headers: {
          'Sec-Fetch-Site': 'same-origin',
          'Content-Type': FORM,
          Cookie: cookie,
          'X-HTTP-Method-Override': 'DELETE',
        },
        body: '_method=DELETE',
      });
      assert.equal(response.status, 405);
    }
    assert.equal(rowsOf(place.file), rows);
    assert.equal(await statusOf(world, cookie), 200);
  });

  test('by GET, HEAD or OPTIONS change nothing (@incident C1)', async () => {
    const rows = rowsOf(place.file);
    const pages = [
      'sign-in',
      'sign-up',
      'sign-out',
      'account',
      'password',
      'reauthenticate',
      'setup',
      'style.css',
    ];
    const paths = new Set([
      ...unsafe().map(({ path }) => path),
      ...operationsOf(world.auth).map(({ path }) => path),
      ...pages.map((page) => `/auth/${page}`),
    ]);
    for (const path of paths) {
      for (const method of ['GET', 'HEAD', 'OPTIONS']) {
        const query = 'email=cross%40example.com&password=x&session=x&token=x&done=x';
        const response = await send(world.auth, `${path}?${query}`, {
          method,
          headers: { Cookie: cookie, 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' },
        });
        assert.ok(response.status < 500, `${method} ${path}`);
        assert.deepEqual(response.headers.getSetCookie(), [], `${method} ${path}`);
      }
    }
    assert.equal(rowsOf(place.file), rows);
    assert.equal(await statusOf(world, cookie), 200);
  });

  test('may come from a listed origin, which alone may read the answers (@incident C1, @asvs 3.4.2)', async () => {
    const json = { 'Content-Type': 'application/json', 'Sec-Fetch-Site': 'cross-site' };
    const body = JSON.stringify({ email: 'cross@example.com', password: PASSWORD });
    const good = await send(world.auth, '/auth/sign-in', {
      method: 'POST',
      headers: { ...json, Origin: LISTED },
      body,
    });
    assert.equal(good.status, 200);
    for (const origin of [LISTED, 'https://evil.example', 'null', `${LISTED}.evil.example`, ORIGIN]) {
      const listed = origin === LISTED;
      const read = await send(world.auth, '/auth/me', { headers: { Origin: origin, Cookie: cookie } });
      assert.equal(read.headers.get('access-control-allow-origin'), listed ? LISTED : null);
      assert.equal(read.headers.get('access-control-allow-credentials'), listed ? 'true' : null);
      assert.match(read.headers.get('vary') ?? '', /Origin/);
      const preflight = await send(world.auth, '/auth/sign-in', {
        method: 'OPTIONS',
        headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' },
      });
      assert.equal(preflight.headers.get('access-control-allow-origin'), listed ? LISTED : null);
      assert.notEqual(preflight.headers.get('access-control-allow-origin'), '*');
      const failed = await send(world.auth, '/auth/nothing', { headers: { Origin: origin } });
      assert.equal(failed.headers.get('access-control-allow-origin'), listed ? LISTED : null);
    }
  });

  test("are refused by the application's own check as well (@incident C1)", async () => {
    const headers = { Cookie: cookie, 'Sec-Fetch-Site': 'cross-site' };
    const request = (method: string): Request => new Request(`${ORIGIN}/x`, { method, headers });
    await assert.rejects(world.auth.require(request('POST')), { code: 'LK_ORIGIN_REFUSED' });
    await assert.rejects(
      world.auth.session(request('POST'), () => assert.fail('a cookie was set')),
      {
        code: 'LK_ORIGIN_REFUSED',
      },
    );
    assert.notEqual(await world.auth.authenticate(request('GET')), null);
  });
});
