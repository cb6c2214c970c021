import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bearerFor, QUESTION, start } from './nginx.ts';
import { saidIn, sharedScene, verified } from './scene.ts';

/** Headers of the question, whatever the request had; those of the request itself that Latchkey judges by. */
const ASKED_WITH = ['host', 'x-forwarded-for', 'x-forwarded-method', 'x-forwarded-uri', 'x-latchkey-gateway'];
const JUDGED_BY = [
  'authorization',
  'content-type',
  'cookie',
  'origin',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-websocket-key',
  'user-agent',
];

const EVIL = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };

describe('nginx with the configuration that we ship', () => {
  const shared = sharedScene(start);

  test('hands the application a token that it can verify, and who asks, instead of the cookie', async () => {
    const answered = await shared.scene.ask('/orders?a=1&b=%2F', {
      headers: { Cookie: `theme=dark; ${shared.cookie}; x=y` },
    });
    assert.deepEqual([answered.status, answered.body], [200, 'application saw GET /orders?a=1&b=%2F']);
    const [seen] = shared.scene.seen;
    const principal = await verified(shared.scene, seen);
    const { aud, iat = 0, exp = 0 } = saidIn(seen);
    assert.deepEqual([aud, exp - iat], ['orders', 60]);
    assert.equal(seen?.headers['x-latchkey-user'], principal.id);
    assert.equal(seen.headers.cookie, 'theme=dark; x=y');
    assert.equal(answered.headers.authorization, undefined, 'and nobody else');
  });

  const cookies: readonly (readonly [string, string | undefined])[] = [
    ['', undefined],
    ['a=1', 'a=1'],
    ['SESSION', undefined],
    ['SESSION; a=1', 'a=1'],
    ['a=1; SESSION', 'a=1; '],
    ['a=1;SESSION;b=2', 'a=1;b=2'],
    ['xlatchkey-1=1; SESSION', 'xlatchkey-1=1; '],
    ['a=latchkey-1=2; SESSION', 'a=latchkey-1=2; '],
    ['__Host-latchkey=x; SESSION', undefined],
    ['latchkey-1=x; SESSION; a=1', undefined],
  ];
  for (const [sent, expected] of cookies) {
    test(`passes on of the cookies "${sent}" ${expected === undefined ? 'none' : `"${expected}"`}`, async () => {
      // With a token, so that it does not matter what the cookies are worth.
      const Authorization = `Bearer ${await bearerFor(shared.scene, 'orders')}`;
      const Cookie = sent.replace('SESSION', shared.cookie);
      const headers = Cookie === '' ? { Authorization } : { Authorization, Cookie };
      assert.equal((await shared.scene.ask('/', { headers })).status, 200);
      assert.equal(shared.scene.seen[0]?.headers.cookie?.trim() ?? undefined, expected?.trim());
    });
  }

  test('believes nothing that came with the request', async () => {
    const forged = {
      'X-Latchkey-User': 'victim',
      'X-Latchkey-Session': 'victim',
      'X-Latchkey-Client': 'victim',
      'X-Latchkey-Acr': 'aal3',
      'X-Latchkey-Gateway': 'lks_x',
      X_Latchkey_User: 'victim',
      'X-Latchkey_User': 'victim',
      'X-Forwarded_For': '198.51.100.66',
      'X-Real_IP': '198.51.100.66',
      'X-HTTP-Method_Override': 'DELETE',
      'X-Forwarded-For': '198.51.100.66',
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-Proto': 'gopher',
      'X-Forwarded-Method': 'GET',
      'X-Forwarded-Uri': '/victim',
      'X-Original-Method': 'GET',
      'X-Original-URI': '/victim',
      'X-HTTP-Method-Override': 'DELETE',
      'X-Real-IP': '198.51.100.66',
      Forwarded: 'for=198.51.100.66',
    };
    const answered = await shared.scene.ask('/orders', { headers: { ...forged, Cookie: shared.cookie } });
    assert.equal(answered.status, 200);
    const principal = await verified(shared.scene, shared.scene.seen[0]);
    const { headers = {} } = shared.scene.seen[0] ?? {};
    const left = Object.entries(headers).filter(([name]) =>
      /latchkey|forwarded|original|override|real.ip/i.test(name),
    );
    assert.equal(headers.host, 'localhost');
    assert.deepEqual(Object.fromEntries(left), {
      'x-latchkey-user': principal.id,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'localhost',
      'x-forwarded-proto': 'http',
    });
    // Nor is it what makes a request one that may pass.
    const unsafe = await shared.scene.ask('/orders', {
      method: 'POST',
      headers: { ...forged, ...EVIL, Cookie: shared.cookie },
    });
    assert.equal(unsafe.status, 403);
    const nobody = await shared.scene.ask('/orders', { headers: forged });
    assert.equal(nobody.status, 401);
    assert.equal(shared.scene.seen.length, 1);
  });

  test('hands on a token of its audience as one of a minute, and refuses any other beside a good cookie', async () => {
    const own = `Bearer ${await bearerFor(shared.scene, 'orders')}`;
    assert.equal((await shared.scene.ask('/orders', { headers: { Authorization: own } })).status, 200);
    assert.notEqual(shared.scene.seen[0]?.headers.authorization, own);
    await verified(shared.scene, shared.scene.seen[0]);
    for (const Authorization of [`Bearer ${await bearerFor(shared.scene)}`, 'Bearer x', 'Basic eDp4', '']) {
      const answered = await shared.scene.ask('/orders', {
        headers: { Authorization, Cookie: shared.cookie },
      });
      // An empty one nginx does not pass on: there the cookie alone is what the request has.
      assert.equal(answered.status, Authorization === '' ? 200 : 401, Authorization);
      if (Authorization === '') await verified(shared.scene, shared.scene.seen[1]);
      else assert.equal(answered.headers['www-authenticate'], 'Bearer error="invalid_token"');
    }
    assert.equal(shared.scene.seen.length, 2);
  });

  test('leads a person to where they sign in, and back to the whole address; tells a program 401', async () => {
    const page = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
    const led = await shared.scene.ask('/orders?a=1&b=2%263', { headers: page });
    assert.equal(led.status, 302);
    assert.equal(led.headers.location, '/auth/sign-in?return_to=%2Forders%3Fa%3D1%26b%3D2%25263');
    const shown = await shared.scene.ask(led.headers.location ?? '', { headers: page });
    assert.equal(shown.status, 200);
    assert.match(shown.body, /name="return_to" value="\/orders\?a=1&amp;b=2%263"/);
    assert.equal(
      (await shared.scene.ask('//evil.example/x', { headers: page })).headers.location,
      '/auth/sign-in',
    );
    const program = await shared.scene.ask('/orders');
    assert.deepEqual([program.status, program.headers['www-authenticate']], [401, 'Bearer']);
    const form = await shared.scene.ask('/orders', { method: 'POST', headers: page, body: 'a=b' });
    assert.equal(form.status, 401, 'what was sent cannot be sent again');
    assert.equal(shared.scene.seen.length, 0);
  });

  test('leaves what the application answers to it, 401 too', async () => {
    const answered = await shared.scene.ask('/says-no', {
      headers: { Cookie: shared.cookie, Accept: 'text/html' },
    });
    assert.deepEqual([answered.status, answered.headers['www-authenticate']], [401, 'Own']);
  });

  const pages: readonly (readonly [string, Record<string, string>, string, number])[] = [
    ['another site that writes', EVIL, 'POST', 403],
    ['another site that deletes', EVIL, 'DELETE', 403],
    ['an older browser on another site', { Origin: 'https://evil.example' }, 'POST', 403],
    ['a frame of nobody', { Origin: 'null', 'Sec-Fetch-Site': 'cross-site' }, 'POST', 403],
    ['another host of the same site', { 'Sec-Fetch-Site': 'same-site' }, 'POST', 403],
    ['a form with neither header', { 'Content-Type': 'application/x-www-form-urlencoded' }, 'POST', 403],
    ['another site that reads', EVIL, 'GET', 200],
    ['the application itself', { 'Sec-Fetch-Site': 'same-origin' }, 'POST', 200],
  ];
  for (const [title, headers, method, status] of pages) {
    test(`answers ${title} with ${status} where the cookie is what counts (@incident C1)`, async () => {
      const answered = await shared.scene.ask('/orders', {
        method,
        headers: { ...headers, Cookie: shared.cookie },
        body: 'a=b',
      });
      assert.equal(answered.status, status);
      assert.equal(shared.scene.seen.length, status === 200 ? 1 : 0);
      if (status === 200 && method === 'POST') assert.equal(shared.scene.seen[0]?.body, 'a=b');
    });
  }

  test('refuses the very next request once the session has ended, whatever was remembered', async () => {
    const mine = await shared.scene.signUp('bob@example.com');
    const headers = { Cookie: mine };
    for (let turn = 0; turn < 3; turn += 1)
      assert.equal((await shared.scene.ask('/orders', { headers })).status, 200);
    const { id } = await verified(shared.scene, shared.scene.seen[0]);
    const receipt = await shared.scene.auth.revoke({ user: id });
    assert.equal((await shared.scene.ask('/orders', { headers })).status, 401);
    // Nor is what was handed on before good for anything, once the receipt is settled.
    assert.equal((await receipt.settledWithin({ timeout: '20s' })).settled, true);
    await assert.rejects(verified(shared.scene, shared.scene.seen[0]), { code: 'LK_TOKEN_REVOKED' });
    assert.equal(shared.scene.seen.length, 3);
  });

  test('is closed while Latchkey is away, and open again by itself', async () => {
    const headers = { Cookie: shared.cookie, Accept: 'text/html' };
    await shared.scene.listen(false);
    for (let turn = 0; turn < 3; turn += 1) {
      const { status } = await shared.scene.ask('/orders', { headers });
      assert.equal(status, 500);
    }
    assert.equal(shared.scene.seen.length, 0);
    await shared.scene.listen(true);
    let status = 0;
    // nginx leaves a server alone for a while that did not answer.
    while (status !== 200) ({ status } = await shared.scene.ask('/orders', { headers }));
    assert.equal(shared.scene.seen.length, 1);
  });

  test('tells Latchkey of a request what that judges by, and nothing else', async () => {
    const body = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
    const judged = Object.fromEntries(JUDGED_BY.map((name) => [name, 'x']));
    const more = {
      'x-original-method': 'GET',
      'x-latchkey-gateway': 'lks_x',
      accept: 'text/html',
      te: 'trailers',
    };
    await shared.scene.ask('/orders?x=%20', { method: 'PUT', headers: { ...judged, ...more }, body });
    await shared.scene.ask('/orders', { headers: { Cookie: shared.cookie } });
    const [first, second] = shared.scene.asked.requests;
    assert.deepEqual(
      shared.scene.asked.requests.map(({ line }) => line),
      [QUESTION, QUESTION],
      'the body is nowhere',
    );
    assert.deepEqual(Object.keys(first?.headers ?? {}).toSorted(), [...ASKED_WITH, ...JUDGED_BY].toSorted());
    assert.deepEqual(Object.keys(second?.headers ?? {}).toSorted(), [...ASKED_WITH, 'cookie'].toSorted());
    for (const name of JUDGED_BY) assert.equal(first?.headers[name], 'x', name);
    const {
      'x-forwarded-method': method,
      'x-forwarded-uri': address,
      'x-forwarded-for': peer,
    } = first?.headers ?? {};
    assert.deepEqual([method, address, peer], ['PUT', '/orders?x=%20', '127.0.0.1']);
    assert.match(String(first?.headers['x-latchkey-gateway']), /^lks_[\w-]{22}\./);
  });

  test('tells Latchkey’s own pages where a request comes from, and proves nothing for others', async () => {
    const before = shared.scene.asked.connections;
    for (let turn = 0; turn < 10; turn += 1) {
      const headers = {
        'X-Forwarded-For': '198.51.100.66',
        'X-Latchkey-Gateway': 'lks_x',
        Cookie: shared.cookie,
      };
      assert.equal((await shared.scene.ask('/auth/me', { headers })).status, 200);
    }
    assert.ok(shared.scene.asked.connections - before <= 1);
    const { 'x-forwarded-for': peer, 'x-latchkey-gateway': key } =
      shared.scene.asked.requests[0]?.headers ?? {};
    assert.deepEqual([peer, key], ['127.0.0.1', undefined]);
  });

  test('keeps its connections to Latchkey', async () => {
    const before = shared.scene.asked.connections;
    for (let turn = 0; turn < 40; turn += 1)
      assert.equal((await shared.scene.ask('/orders', { headers: { Cookie: shared.cookie } })).status, 200);
    assert.equal(shared.scene.asked.requests.length, 40);
    assert.ok(
      shared.scene.asked.connections - before <= 2,
      `${shared.scene.asked.connections - before} connections`,
    );
  });

  test('refuses more headers than Latchkey takes itself, and asks about the most it takes', async () => {
    const padded = (length: number): Promise<{ status: number }> =>
      shared.scene.ask('/orders', { headers: { Cookie: `${shared.cookie}; pad=${'x'.repeat(length)}` } });
    assert.equal((await padded(6_500)).status, 200);
    assert.equal((await padded(7_500)).status, 400);
    const many = Object.fromEntries(
      Array.from({ length: 2 }, (_, index) => [`x-pad-${index}`, 'x'.repeat(6_500)]),
    );
    const full = await shared.scene.ask('/orders', { headers: { ...many, Cookie: shared.cookie } });
    assert.equal(full.status, 200);
    const more = { ...many, 'x-pad-3': 'x'.repeat(6_500), Cookie: shared.cookie };
    assert.equal((await shared.scene.ask('/orders', { headers: more })).status, 400);
  });

  test('opens a WebSocket of the application itself, and of no other site', async () => {
    const handshake = (origin: string): string =>
      [
        'GET /socket HTTP/1.1',
        `Host: localhost:${shared.scene.ports.gateway}`,
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        `Origin: ${origin}`,
        `Cookie: ${shared.cookie}`,
        '',
        '',
      ].join('\r\n');
    const own = await shared.scene.sendRaw(handshake(shared.scene.auth.config.origin), 'hello');
    assert.match(own, /^HTTP\/1\.1 101 [^]*echo hello$/);
    await verified(shared.scene, shared.scene.seen[0]);
    const other = await shared.scene.sendRaw(
      handshake('https://evil.example').replace('Upgrade\r\nSec', 'Upgrade, close\r\nSec'),
    );
    assert.match(other, /^HTTP\/1\.1 403 /);
    assert.equal(shared.scene.seen.length, 1);
  });
});
