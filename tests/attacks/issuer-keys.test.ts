import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { publicJwk, verifier } from '@latchkey/verify';
import { KEY, sendJson, TestIssuer } from '../verifier/issuer.ts';
import { bearing, openScene, refusalCode, until } from '../verifier/scene.ts';
import { edwards } from './minting.ts';

const JWKS = '/.well-known/jwks.json';
const METADATA = '/.well-known/oauth-authorization-server';

describe('keys of an issuer', () => {
  test('are fetched at most once in ten seconds, however many unknown ones are named (@incident D4)', async (t) => {
    const { issuer, clock, orders } = await openScene(t);
    await orders.ready();
    const good = issuer.token();
    const [, payload = '', signature = ''] = good.split('.');
    const named = (kid: string): string =>
      `${Buffer.from(JSON.stringify({ alg: 'EdDSA', typ: 'at+jwt', kid })).toString('base64url')}.${payload}.${signature}`;
    for (const [round, ahead] of [
      [1, 0],
      [2, 10_001],
      [3, 20_002],
    ] as const) {
      clock.ahead = ahead;
      const codes = await Promise.all(
        Array.from({ length: 10_000 }, (_, index) =>
          refusalCode(orders.require(bearing(named(`${round}-${index}`)))),
        ),
      );
      assert.deepEqual([...new Set(codes)], ['LK_TOKEN_REFUSED']);
      assert.ok(issuer.asked(JWKS) <= round, `${issuer.asked(JWKS)} fetches`);
    }
    assert.equal(await refusalCode(orders.require(bearing(good))), null);
  });

  test('are fetched for a key that is new, and a token of it is good at once', async (t) => {
    const { issuer, clock, orders } = await openScene(t);
    await orders.ready();
    const next = edwards();
    issuer.signers.push(next);
    clock.ahead = 10_001;
    assert.equal(await refusalCode(orders.require(bearing(issuer.token({}, next)))), null);
    assert.equal(issuer.asked(JWKS), 2);
    assert.equal(issuer.asked(METADATA), 1);
  });

  test('serve no more on a machine that has slept longer than the log speaks of a key (@fault F10, @rule R2)', async (t) => {
    const { issuer, clock, orders } = await openScene(t, { onUnknown: 'deny' });
    issuer.now = () => Math.floor(clock.now() / 1_000);
    await orders.ready();
    // Revoked while it sleeps; when it wakes, the log has forgotten that.
    const [stolen] = issuer.signers.splice(0, 1, edwards());
    clock.slept = 3 * 86_400_000;
    for (const path of [JWKS, METADATA]) issuer.lies.set(path, (_, res) => sendJson(res, {}, 500));
    await until(() => orders.status().fresh);
    assert.deepEqual(orders.status().keys, []);
    assert.notEqual(await refusalCode(orders.require(bearing(issuer.token({}, stolen)))), null);
    issuer.lies.clear();
    clock.ahead = 10_001;
    await until(() => orders.status().fresh);
    assert.equal(await refusalCode(orders.require(bearing(issuer.token({}, stolen)))), 'LK_TOKEN_REFUSED');
    assert.equal(await refusalCode(orders.require(bearing(issuer.token()))), null);
  });

  test('go on for a day where they cannot be fetched, and no longer (@fault F4)', async (t) => {
    const { issuer, clock, orders } = await openScene(t);
    issuer.now = () => Math.floor(clock.now() / 1_000);
    await orders.ready();
    for (const path of [JWKS, METADATA]) issuer.lies.set(path, (_, res) => sendJson(res, {}, 500));
    for (const [ahead, code] of [
      [300_001, null],
      [86_000_000, null],
      [86_500_000, 'LK_ISSUER_UNAVAILABLE'],
    ] as const) {
      clock.ahead = ahead;
      assert.equal(await refusalCode(orders.require(bearing(issuer.token()))), code);
    }
    issuer.lies.clear();
    clock.ahead += 10_001;
    assert.equal(await refusalCode(orders.require(bearing(issuer.token()))), null);
  });

  test('are fetched for a token of an unknown key alone, whatever else is wrong with one (@incident D4)', async (t) => {
    const { issuer, clock, orders } = await openScene(t);
    issuer.now = () => Math.floor(clock.now() / 1_000);
    await orders.ready();
    const forged = issuer.token().replace(/[^.]+$/, issuer.token().split('.')[2] ?? '');
    const wrong = ['x', forged, issuer.token({ aud: 'billing' }), issuer.token({ exp: 1 })];
    for (const [tokens, asked] of [
      [wrong, 1],
      [[issuer.token({}, edwards())], 2],
    ] as const) {
      for (const token of tokens) {
        clock.ahead += 10_001;
        assert.notEqual(await refusalCode(orders.require(bearing(token))), null);
      }
      assert.equal(issuer.asked(JWKS), asked);
    }
  });

  test('are looked for anew in the metadata where they are no longer where they were (@rfc 8414 §3.3)', async (t) => {
    const { issuer, clock, orders } = await openScene(t);
    issuer.now = () => Math.floor(clock.now() / 1_000);
    await orders.ready();
    issuer.signers = [edwards()];
    const moved = { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` };
    const keys = issuer.signers.map(({ publicKey }) => publicJwk(publicKey));
    issuer.lies.set(JWKS, (_, res) => sendJson(res, {}, 404));
    issuer.lies.set(METADATA, (_, res) => sendJson(res, moved));
    issuer.lies.set('/keys', (_, res) => sendJson(res, { keys }));
    for (const code of ['LK_TOKEN_REFUSED', null]) {
      clock.ahead += 10_001;
      assert.equal(await refusalCode(orders.require(bearing(issuer.token()))), code);
    }
  });

  for (const [title, keys] of [
    ['nothing', {}],
    ['no list', { keys: 'x' }],
    ['an empty list', { keys: [] }],
    ['a key that cannot be used', { keys: [{ kty: 'RSA', n: 'x', e: 'AQAB' }] }],
    [
      'more keys than anybody has',
      { keys: Array.from({ length: 65 }, () => publicJwk(edwards().publicKey)) },
    ],
    ['more than can be read', { keys: [], pad: 'x'.repeat(70_000) }],
  ] as const) {
    test(`are those of before where the issuer answers ${title}`, async (t) => {
      const { issuer, clock, orders } = await openScene(t);
      await orders.ready();
      issuer.lies.set(JWKS, (_, res) => sendJson(res, keys));
      clock.ahead = 300_001;
      issuer.now = () => Math.floor(clock.now() / 1_000);
      const token = issuer.token();
      assert.equal(await refusalCode(orders.require(bearing(token))), null);
      await until(() => issuer.asked(JWKS) === 2);
      assert.equal(await refusalCode(orders.require(bearing(token))), null);
      assert.equal(orders.status().keys.length, 1);
    });
  }
});

describe('a verifier asks its issuer and nobody else', () => {
  /** An issuer that must not be asked for anything. */
  const openTrap = async (t: { after: (end: () => Promise<void>) => void }): Promise<TestIssuer> => {
    const trap = await TestIssuer.open();
    t.after(() => trap.close());
    return trap;
  };

  test('where its metadata lead elsewhere (@incident S1, @asvs 9.1.3)', async (t) => {
    const { issuer, orders } = await openScene(t);
    const trap = await openTrap(t);
    for (const jwks_uri of [
      `${trap.url}/.well-known/jwks.json`,
      'http://169.254.169.254/latest/meta-data',
      'http://[::1]/jwks.json',
      'file:///etc/passwd',
      `${issuer.url}.example.com/jwks.json`,
      '//127.0.0.1/jwks.json',
    ]) {
      issuer.lies.set(METADATA, (_, res) => sendJson(res, { issuer: issuer.url, jwks_uri }));
      const each = verifier(issuer.options());
      t.after(() => each.close());
      assert.equal(await refusalCode(each.ready()), 'LK_ISSUER_UNAVAILABLE', jwks_uri);
      assert.equal(issuer.asked(JWKS), 0);
    }
    assert.equal(trap.requests.length, 0);
    orders.close();
  });

  test('where its metadata are of another issuer (@incident S1, @rfc 8414 §3.3)', async (t) => {
    const { issuer, orders } = await openScene(t);
    for (const claimed of ['https://other.example.com', `${issuer.url}/`, undefined]) {
      issuer.lies.set(METADATA, (_, res) =>
        sendJson(res, { issuer: claimed, jwks_uri: `${issuer.url}${JWKS}` }),
      );
      const each = verifier(issuer.options());
      t.after(() => each.close());
      assert.equal(await refusalCode(each.ready()), 'LK_ISSUER_UNAVAILABLE');
    }
    assert.equal(issuer.asked(JWKS), 0);
    orders.close();
  });

  for (const path of [
    METADATA,
    JWKS,
    '/auth/feed/pull',
    '/auth/feed/snapshot',
    '/auth/feed',
    '/auth/introspect',
  ]) {
    test(`where ${path} is redirected (@incident S1)`, async (t) => {
      const trap = await openTrap(t);
      const { issuer, orders } = await openScene(t, {}, ({ lies }) => {
        lies.set(path, (_, res) => res.writeHead(302, { Location: `${trap.url}${path}` }).end());
        // So that the issuer is asked about a token.
        if (path === '/auth/introspect') lies.set('/auth/feed/pull', (_, res) => sendJson(res, {}, 503));
      });
      const code = await refusalCode(orders.require(bearing(issuer.token())));
      const needed = [METADATA, JWKS, '/auth/introspect'].includes(path);
      assert.equal(code, needed ? 'LK_ISSUER_UNAVAILABLE' : null);
      await until(() => issuer.asked(path) > 0);
      assert.equal(trap.requests.length, 0);
    });
  }

  test('where a token names other keys (@incident S1, @asvs 9.1.3)', async (t) => {
    const { issuer, orders } = await openScene(t);
    const trap = await openTrap(t);
    const [, payload = '', signature = ''] = issuer.token().split('.');
    for (const header of [{ jku: `${trap.url}/jwks` }, { x5u: `${trap.url}/x5u` }, { jwk: { kty: 'OKP' } }]) {
      const head = { alg: 'EdDSA', typ: 'at+jwt', kid: 'x', ...header };
      const text = `${Buffer.from(JSON.stringify(head)).toString('base64url')}.${payload}.${signature}`;
      assert.equal(await refusalCode(orders.require(bearing(text))), 'LK_TOKEN_REFUSED');
    }
    assert.equal(trap.requests.length, 0);
  });

  test('and by its address inside, where it has one, with the name of the issuer in tokens', async (t) => {
    const inside = await TestIssuer.open();
    t.after(() => inside.close());
    const via = inside.url;
    inside.url = 'https://auth.example.com';
    const orders = verifier({ issuer: inside.url, via, audience: 'orders', key: KEY });
    t.after(() => orders.close());
    assert.equal(await refusalCode(orders.require(bearing(inside.token()))), null);
    assert.equal(orders.status().mode, 'following');
  });

  test('over https, but for loopback and hosts that are allowed by name (@asvs 12.2.1)', () => {
    const service = { audience: 'orders', key: `lks_${'A'.repeat(43)}` };
    const refused = [
      { issuer: 'http://auth.example.com' },
      { issuer: 'http://10.0.0.1' },
      { issuer: 'http://localhost.example.com' },
      { issuer: 'https://auth.example.com/' },
      { issuer: 'https://auth.example.com/tenant' },
      { issuer: 'https://user@auth.example.com' },
      { issuer: 'HTTPS://auth.example.com' },
      { issuer: 'ftp://auth.example.com' },
      { issuer: 'auth.example.com' },
      { issuer: 'https://auth.example.com', via: 'http://latchkey:3000' },
      {
        issuer: 'https://auth.example.com',
        via: 'http://latchkey:3000',
        unsafe: { insecureHosts: ['other'] },
      },
    ];
    for (const options of refused)
      assert.throws(() => verifier({ ...service, ...options }), {
        name: 'TypeError',
        message: /^(?:issuer|via)/,
      });
    for (const options of [
      { issuer: 'https://auth.example.com' },
      { issuer: 'http://localhost:3000' },
      { issuer: 'http://127.0.0.1:3000' },
      { issuer: 'http://[::1]:3000' },
      {
        issuer: 'https://auth.example.com',
        via: 'http://latchkey:3000',
        unsafe: { insecureHosts: ['latchkey'] },
      },
    ]) {
      verifier({ ...service, ...options }).close();
    }
  });
});
