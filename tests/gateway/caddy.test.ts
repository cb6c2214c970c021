import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { startCaddy } from '../../tools/caddy.mjs';
import { Program } from '../http/program.ts';
import { type Ports, type Started, saidIn, sharedScene, verified } from './scene.ts';

/*
 * A real Caddy with the Caddyfile that we ship, but for the three addresses in it.
 */

const SHIPPED = new URL('../../docs/gateway/Caddyfile', import.meta.url);

function caddyfileOf({ gateway, latchkey, application }: Ports): string {
  let text = readFileSync(SHIPPED, 'utf8');
  for (const [address, port] of [
    ['http://localhost:8080', gateway],
    ['127.0.0.1:3000', latchkey],
    ['127.0.0.1:4000', application],
  ] as const) {
    assert.ok(text.includes(address), address);
    text = text.replaceAll(address, address.replace(/\d+$/, String(port)));
  }
  return text;
}

const start = (ports: Ports, key: string): Promise<Started> =>
  startCaddy(caddyfileOf(ports), { LATCHKEY_GATEWAY_KEY: key });

const EVIL = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };
const PAGE = { Accept: 'text/html,*/*;q=0.8' };

describe('Caddy with the Caddyfile that we ship', () => {
  const shared = sharedScene(start);

  test('hands the application a token that it can verify, and who asks, instead of the cookie', async () => {
    const headers = { Cookie: `theme=dark; ${shared.cookie}; x=y` };
    assert.equal((await shared.scene.ask('/orders?a=1&b=%2F', { headers })).status, 200);
    const [seen] = shared.scene.seen;
    const principal = await verified(shared.scene, seen);
    const { iat = 0, exp = 0 } = saidIn(seen);
    assert.equal(exp - iat, 60);
    assert.equal(seen?.url, '/orders?a=1&b=%2F');
    assert.equal(seen.headers['x-latchkey-user'], principal.id);
    assert.equal(seen.headers.cookie, 'theme=dark; ; x=y');
  });

  test('believes nothing that came with the request', async () => {
    const forged = {
      'X-Latchkey-User': 'victim',
      'X-Latchkey-Session': 'victim',
      'X-Latchkey-Gateway': 'lks_x',
      X_Latchkey_User: 'victim',
      'X-Latchkey_User': 'victim',
      'X-Forwarded_For': '198.51.100.66',
      'X-Real_IP': '198.51.100.66',
      'X-HTTP-Method_Override': 'DELETE',
      'X-Forwarded-For': '198.51.100.66',
      'X-Forwarded-Method': 'GET',
      'X-Forwarded-Uri': '/victim',
      'X-Original-Method': 'GET',
      'X-Original-URI': '/victim',
      'X-HTTP-Method-Override': 'DELETE',
      'X-Real-IP': '198.51.100.66',
      Forwarded: 'for=198.51.100.66',
    };
    assert.equal(
      (await shared.scene.ask('/orders', { headers: { ...forged, Cookie: shared.cookie } })).status,
      200,
    );
    const principal = await verified(shared.scene, shared.scene.seen[0]);
    const left = Object.entries(shared.scene.seen[0]?.headers ?? {}).filter(([name]) =>
      /latchkey|forwarded|original|override|real.ip/i.test(name),
    );
    assert.deepEqual(Object.fromEntries(left), {
      'x-latchkey-user': principal.id,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': `localhost:${shared.scene.ports.gateway}`,
      'x-forwarded-proto': 'http',
    });
    const unsafe = { method: 'POST', headers: { ...forged, ...EVIL, Cookie: shared.cookie } };
    assert.equal((await shared.scene.ask('/orders', unsafe)).status, 403);
    assert.equal((await shared.scene.ask('/orders', { headers: forged })).status, 401);
    assert.equal(shared.scene.seen.length, 1);
  });

  test('hands a service no user that came with the request', async () => {
    const { key } = await shared.scene.auth.clients.create({ name: 'worker', audiences: ['worker'] });
    const granted = await new Program(shared.scene.auth).send('POST', '/auth/token', {
      form: { grant_type: 'client_credentials', audience: 'orders' },
      bearer: key.reveal(),
    });
    const { access_token: token } = (await granted.json()) as { access_token: string };
    const headers = { Authorization: `Bearer ${token}`, 'X-Latchkey-User': 'victim' };
    assert.equal((await shared.scene.ask('/orders', { headers })).status, 200);
    assert.equal(shared.scene.seen[0]?.headers['x-latchkey-user'], '');
  });

  test('refuses a token of another audience beside a good cookie', async () => {
    const { access } = await new Program(shared.scene.auth).signIn('ada@example.com');
    const headers = { Authorization: `Bearer ${access}`, Cookie: shared.cookie };
    const answered = await shared.scene.ask('/orders', { headers });
    assert.deepEqual(
      [answered.status, answered.headers['www-authenticate']],
      [401, 'Bearer error="invalid_token"'],
    );
    assert.equal(shared.scene.seen.length, 0);
  });

  test('leads a person to where they sign in, and back to the whole address; tells a program 401', async () => {
    const led = await shared.scene.ask('/orders?a=1&b=2', { headers: PAGE });
    assert.deepEqual(
      [led.status, led.headers.location],
      [302, '/auth/sign-in?return_to=%2Forders%3Fa%3D1%26b%3D2'],
    );
    const program = await shared.scene.ask('/orders');
    assert.deepEqual([program.status, program.headers['www-authenticate']], [401, 'Bearer']);
  });

  test('refuses what a page of another site writes, and its WebSocket (@incident C1)', async () => {
    for (const [method, headers, status] of [
      ['POST', EVIL, 403],
      ['DELETE', { 'Sec-Fetch-Site': 'same-site' }, 403],
      ['GET', EVIL, 200],
      ['POST', { 'Sec-Fetch-Site': 'same-origin' }, 200],
      ['GET', { ...EVIL, 'Sec-WebSocket-Key': 'x' }, 403],
    ] as const) {
      const answered = await shared.scene.ask('/orders', {
        method,
        headers: { ...headers, Cookie: shared.cookie },
        ...(method === 'GET' ? {} : { body: 'a=b' }),
      });
      assert.equal(answered.status, status, `${method} ${JSON.stringify(headers)}`);
    }
    assert.deepEqual(
      shared.scene.seen.map(({ body }) => body),
      ['', 'a=b'],
    );
  });

  test('opens a WebSocket of the application itself, and switches to no other protocol', async () => {
    const handshake = (protocol: string): string =>
      [
        'GET /socket HTTP/1.1',
        `Host: localhost:${shared.scene.ports.gateway}`,
        `Upgrade: ${protocol}`,
        `Connection: Upgrade${protocol === 'websocket' ? '' : ', close'}`,
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        `Origin: ${shared.scene.auth.config.origin}`,
        `Cookie: ${shared.cookie}`,
        '',
        '',
      ].join('\r\n');
    assert.match(
      await shared.scene.sendRaw(handshake('websocket'), 'hello'),
      /^HTTP\/1\.1 101 [^]*echo hello$/,
    );
    await verified(shared.scene, shared.scene.seen[0]);
    await shared.scene.sendRaw(handshake('h2c'));
    assert.equal(shared.scene.seen[1]?.headers.upgrade, undefined);
  });

  test('refuses the next request once the session has ended, and everything while Latchkey is away', async () => {
    const headers = { Cookie: await shared.scene.signUp('bob@example.com') };
    assert.equal((await shared.scene.ask('/orders', { headers })).status, 200);
    await shared.scene.listen(false);
    assert.equal((await shared.scene.ask('/orders', { headers })).status, 502);
    await shared.scene.listen(true);
    assert.equal((await shared.scene.ask('/orders', { headers })).status, 200);
    const { id } = await verified(shared.scene, shared.scene.seen[0]);
    await shared.scene.auth.revoke({ user: id });
    assert.equal((await shared.scene.ask('/orders', { headers })).status, 401);
    assert.equal(shared.scene.seen.length, 2);
  });

  test('lets nobody ask what it asks, in whatever spelling', async () => {
    for (const path of [
      '/auth/forward?audience=orders',
      '/auth/forward/',
      '/auth//forward',
      '/auth/x/../forward',
      '/auth/%66orward',
      '/auth%2Fforward',
      '/AUTH/forward',
    ]) {
      const headers = { Cookie: shared.cookie, 'X-Latchkey-Gateway': 'lks_x', 'X-Forwarded-Method': 'GET' };
      const answered = await shared.scene.ask(path, { headers });
      assert.equal(answered.headers.authorization, undefined, path);
    }
    assert.equal((await shared.scene.ask('/auth/forward?audience=orders')).status, 404);
    const headers = { 'X-Latchkey-Gateway': 'lks_x', Cookie: shared.cookie };
    assert.equal((await shared.scene.ask('/auth/me', { headers })).status, 200);
    const proved = shared.scene.asked.requests.filter(({ headers }) => 'x-latchkey-gateway' in headers);
    for (const { line } of proved) assert.equal(line, 'GET /auth/forward?audience=orders&headers=user');
  });
});
