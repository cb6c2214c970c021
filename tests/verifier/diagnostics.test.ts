import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { verifier } from '@latchkey/verify';
import { acceptUntilExpiry } from '@latchkey/verify/unsafe';
import { sendJson, TestIssuer } from './issuer.ts';
import { bearing, openScene, refusalCode } from './scene.ts';

describe('a verifier that is set up wrong, or whose issuer is', () => {
  test('is not ready with a key that the issuer refuses, and says what to do', async (t) => {
    const { another, errors } = await openScene(t, {}, ({ lies }) => {
      for (const path of ['/auth/feed', '/auth/feed/pull', '/auth/feed/snapshot', '/auth/introspect']) {
        lies.set(path, (_, res) => sendJson(res, {}, 401));
      }
    });
    for (const onUnknown of ['introspect', 'deny'] as const) {
      await assert.rejects(another({ onUnknown }).ready(), {
        code: 'LK_ISSUER_UNAVAILABLE',
        message: /refuses this service's key.*rotated.*disabled.*latchkey clients list/,
      });
    }
    await another({ onUnknown: acceptUntilExpiry }).ready();
    assert.match(String(errors[0]), /refuses this service's key/);
  });

  test('needs a key, but for who accepts by name what nobody can tell', async (t) => {
    const { issuer, another } = await openScene(t);
    const { key: _, ...bare } = issuer.options();
    for (const onUnknown of [undefined, 'deny', 'introspect'] as const) {
      assert.throws(() => verifier({ ...bare, ...(onUnknown === undefined ? {} : { onUnknown }) }), {
        name: 'TypeError',
        message: /^key: .*latchkey clients create.*acceptUntilExpiry/,
      });
    }
    const accepting = verifier({ ...bare, key: undefined, onUnknown: acceptUntilExpiry });
    t.after(() => accepting.close());
    assert.equal(await refusalCode(accepting.require(bearing(issuer.token()))), null);
    assert.match(accepting.status().feedError ?? '', /no key/);
    assert.equal(issuer.asked('/auth/feed/pull'), 0);
    for (const [wrong, message] of [
      [{ audience: '' }, /^audience: /],
      [{ key: 'lka_not-a-key-of-a-service' }, /^key: /],
      [{ key: 'lks_a-key-of-the-orders-service\r\nHost: x' }, /^key: /],
      [{ key: 'lks_short' }, /^key: /],
      [{ onUnknown: 'toString' as 'deny' }, /^onUnknown: /],
      [{ cacheEntries: 0 }, /^cacheEntries: /],
      [{ cacheEntries: 1.5 }, /^cacheEntries: /],
    ] as const) {
      assert.throws(() => another(wrong), { name: 'TypeError', message });
    }
  });

  test('names the address that cannot be reached, and the issuer that is another', async (t) => {
    const { issuer, another } = await openScene(t);
    const elsewhere = another({ issuer: 'http://localhost:9', via: issuer.options().issuer });
    await assert.rejects(elsewhere.ready(), {
      code: 'LK_ISSUER_UNAVAILABLE',
      message: new RegExp(`calls itself ${issuer.options().issuer}, and not http://localhost:9$`),
    });
    const nowhere = another({ via: 'http://127.0.0.1:9' });
    await assert.rejects(nowhere.ready(), {
      code: 'LK_ISSUER_UNAVAILABLE',
      message: /cannot be reached at http:\/\/127\.0\.0\.1:9: ECONNREFUSED$/,
    });
  });

  test('shows of another issuer what it calls itself in one line, which no terminal obeys', async (t) => {
    const path = '/.well-known/oauth-authorization-server';
    for (const [said, message] of [
      ['\u001b[2J\nall is well\u009b', /it calls itself \?\[2J\?all is well\?, and not http/],
      ['x'.repeat(60_000), /it calls itself x{200}, and not http/],
    ] as const) {
      const { another } = await openScene(t, {}, ({ lies }) => {
        lies.set(path, (_, res) => sendJson(res, { issuer: said }));
      });
      await assert.rejects(another({}).ready(), { code: 'LK_ISSUER_UNAVAILABLE', message });
    }
    const { issuer, another, errors } = await openScene(t);
    const { issuer: url } = issuer.options();
    issuer.lies.set(path, (_, res) =>
      sendJson(res, { issuer: url, jwks_uri: `${url}/${'x'.repeat(60_000)}` }),
    );
    await assert.rejects(another({}).ready(), { code: 'LK_ISSUER_UNAVAILABLE' });
    for (const error of errors) assert.ok(String(error).length < 1_000);
  });

  for (const [status, retryAfter, pauses] of [
    [429, '20', [19, 2]],
    [429, '86400', [29, 2]],
    [429, null, [4, 2]],
    [401, null, [4, 2]],
    [403, null, [4, 2]],
    [503, '20', [0.001]],
  ] as const) {
    const said = retryAfter === null ? '' : ` and Retry-After: ${retryAfter}`;
    test(`asks a feed that answers ${status}${said} no sooner than it should, and then`, async (t) => {
      const { issuer, orders, clock } = await openScene(t);
      const who = await orders.require(bearing(issuer.token()));
      issuer.lies.set('/auth/feed/pull', (_, res) => {
        if (retryAfter !== null) res.setHeader('Retry-After', retryAfter);
        sendJson(res, {}, status);
      });
      await who.recheck().catch(() => undefined);
      const asked = issuer.asked('/auth/feed/pull');
      for (const [index, seconds] of pauses.entries()) {
        clock.ahead += seconds * 1_000;
        await who.recheck().catch(() => undefined);
        const isDue = index === pauses.length - 1;
        assert.equal(issuer.asked('/auth/feed/pull') > asked, isDue, `after ${seconds} s more`);
      }
    });
  }

  test('tells of whom it does not let in, with the reason that it tells nobody else', async (t) => {
    const told: string[] = [];
    const thrown: unknown[] = [];
    const { issuer, another } = await openScene(t);
    const orders = another({
      onRefused: ({ code, message }) => {
        told.push(`${code} ${message}`);
        throw new Error('of a logger');
      },
      onError: (error) => thrown.push(error),
    });
    await orders.require(bearing(issuer.token()));
    assert.equal(
      await refusalCode(orders.require(bearing(issuer.token({ aud: 'billing' })))),
      'LK_TOKEN_REFUSED',
    );
    assert.equal(await refusalCode(orders.require(new Headers())), 'LK_UNAUTHENTICATED');
    assert.equal(await orders.authenticate(new Headers()), null, 'nobody was refused');
    assert.equal(await refusalCode(orders.authenticate(bearing('x'))), 'LK_TOKEN_REFUSED');
    assert.equal(told.length, 3);
    assert.match(told[0] ?? '', /^LK_TOKEN_REFUSED The token is not good: .*audience/);
    assert.equal(String(thrown.at(-1)), 'Error: of a logger');
  });

  test('goes on where who is told of a refusal, or of an end, fails later', async (t) => {
    const { issuer, another, errors } = await openScene(t);
    const fail = async (why: string): Promise<never> => {
      await new Promise(setImmediate);
      throw new Error(why);
    };
    // As a caller in JavaScript may write it: its promise is nobody's.
    const later =
      (why: string): (() => unknown) =>
      () =>
        fail(why);
    const orders = another({ onRefused: later('of a logger') });
    const who = await orders.require(bearing(issuer.token()));
    assert.equal(await refusalCode(orders.require(new Headers())), 'LK_UNAUTHENTICATED');
    orders.onRevoked(who, later('of a socket'));
    issuer.append('session', who.session?.id ?? '');
    await who.recheck().catch(() => undefined);
    for (let passed = 0; passed < 10; passed += 1) await new Promise(setImmediate);
    assert.deepEqual(errors.map(String), ['Error: of a logger', 'Error: of a socket']);
  });

  test('warns once of what fails, where nobody listens', async (t) => {
    const issuer = await TestIssuer.open();
    issuer.lies.set('/auth/feed/snapshot', (_, res) => sendJson(res, {}, 401));
    const warnings: string[] = [];
    const listen = ({ name, message }: Error): void => {
      if (name === 'LatchkeyWarning') warnings.push(message);
    };
    process.on('warning', listen);
    const orders = verifier(issuer.options());
    t.after(async () => {
      process.off('warning', listen);
      orders.close();
      await issuer.close();
    });
    for (let tries = 0; tries < 3; tries += 1) await orders.ready().catch(() => undefined);
    await new Promise(setImmediate);
    assert.equal(warnings.filter((message) => message.includes("this service's key")).length, 1);
  });
});
