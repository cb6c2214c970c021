import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { subjectOf, type Verifier } from '@latchkey/verify';
import { acceptUntilExpiry } from '@latchkey/verify/unsafe';
import { edwards } from '../attacks/minting.ts';
import { newSubject, sendJson, type TestIssuer } from './issuer.ts';
import { assertFollows, bearing, openScene, refusalCode, until } from './scene.ts';

describe('a verifier', () => {
  test('answers who asks, and asks nobody for each: keys and log are there', async (t) => {
    const { issuer, orders } = await openScene(t);
    await orders.ready();
    assertFollows(orders, issuer);
    const sub = newSubject();
    const token = issuer.token({ sub, plan: 'pro' });
    const before = issuer.requests.filter(({ path }) => path !== '/auth/feed/pull').length;
    for (const presenting of [
      bearing(token),
      new Request('http://orders.example', { headers: bearing(token) }),
      { rawHeaders: ['Host', 'orders', 'AUTHORIZATION', `bearer  ${token}`] },
    ]) {
      const who = await orders.require(presenting);
      assert.equal(who.kind, 'user');
      assert.equal(who.id, sub);
      assert.deepEqual(who.claims, { plan: 'pro' });
      assert.ok(Object.isFrozen(who));
    }
    assert.equal(orders.status().remembered, 1);
    const others = issuer.requests.filter(({ path }) => !path.startsWith('/auth/feed')).length;
    assert.ok(others <= before);
    assert.equal(issuer.asked('/auth/introspect'), 0);
  });

  test('answers null where nothing was presented, and refuses to be asked for somebody then', async (t) => {
    const { orders } = await openScene(t);
    assert.equal(await orders.authenticate(new Headers()), null);
    assert.equal(await refusalCode(orders.require(new Headers())), 'LK_UNAUTHENTICATED');
  });

  test('knows a service that asks for itself', async (t) => {
    const { issuer, orders } = await openScene(t);
    const changes = { sub: 'client_shop', client_id: 'shop' };
    const without = { sid: undefined, acr: undefined, amr: undefined, auth_time: undefined };
    const token = issuer.token({ ...changes, ...without });
    const who = await orders.require(bearing(token));
    assert.deepEqual([who.kind, who.id], ['client', 'client_shop']);
    issuer.append('client', subjectOf('client', 'shop'));
    await who.recheck().then(
      () => assert.fail('the client is revoked'),
      () => undefined,
    );
    assert.equal(await refusalCode(orders.require(bearing(token))), 'LK_TOKEN_REVOKED');
  });

  test('takes no service for somebody who has proved anything', async (t) => {
    const { issuer, orders } = await openScene(t);
    const without = { sid: undefined, acr: undefined, amr: undefined, auth_time: undefined };
    const token = issuer.token({ sub: 'client_shop', client_id: 'shop', ...without });
    for (const demands of [{ acr: 'aal1' }, { maxAge: 1_000_000 }] as const) {
      assert.equal(await refusalCode(orders.require(bearing(token), demands)), 'LK_STEP_UP_REQUIRED');
    }
  });

  test('waits for its copy at its first request, rather than to ask about it', async (t) => {
    const { issuer, orders } = await openScene(t, { onUnknown: 'deny' }, ({ lies }) => {
      lies.set('/auth/feed/snapshot', async (_, __, truth) => {
        // By then keys have long been there.
        await sleep(300);
        await truth();
      });
    });
    assert.equal(await refusalCode(orders.require(bearing(issuer.token()))), null);
  });

  for (const [title, presenting, code] of [
    [
      'two credentials',
      { rawHeaders: ['Authorization', 'Bearer a', 'authorization', 'Bearer b'] },
      'LK_CREDENTIALS_AMBIGUOUS',
    ],
    ['another scheme', new Headers({ authorization: 'Basic YTpi' }), 'LK_CREDENTIAL_UNSUPPORTED'],
    ['no scheme', new Headers({ authorization: 'abc' }), 'LK_CREDENTIAL_UNSUPPORTED'],
    ['no token', new Headers({ authorization: 'Bearer a' }), 'LK_TOKEN_REFUSED'],
  ] as const) {
    test(`refuses ${title}`, async (t) => {
      const { orders } = await openScene(t);
      assert.equal(await refusalCode(orders.authenticate(presenting)), code);
    });
  }

  for (const [title, changes] of [
    ['another audience', { aud: 'billing' }],
    ['no audience', { aud: undefined }],
    ['an audience that begins alike', { aud: 'orders2' }],
    ['the issuer alone as its audience', { aud: 'https://auth.example.com' }],
  ] as const) {
    test(`refuses a token for ${title} (@asvs 10.3.1)`, async (t) => {
      const { issuer, orders } = await openScene(t);
      assert.equal(await refusalCode(orders.require(bearing(issuer.token(changes)))), 'LK_TOKEN_REFUSED');
      assert.equal(await refusalCode(orders.require(bearing(issuer.token({ aud: ['x', 'orders'] })))), null);
    });
  }

  for (const [title, changes] of [
    ['rights that it does not honour', { scope: 'orders:read' }],
    ['details of authorization', { authorization_details: [{ type: 'order' }] }],
    ['somebody who acts for another', { act: { sub: 'x' } }],
    ['an organisation', { org: 'x' }],
  ] as const) {
    test(`refuses a token with ${title}, rather than to give more than was meant (@asvs 10.3.2)`, async (t) => {
      const { issuer, orders } = await openScene(t);
      assert.equal(await refusalCode(orders.require(bearing(issuer.token(changes)))), 'LK_TOKEN_REFUSED');
    });
  }

  for (const cnf of [{ jkt: 'x' }, { 'x5t#S256': 'x' }, { jwk: {} }, null]) {
    test(`refuses a token that is bound to a key, of which it asks no proof: ${JSON.stringify(cnf)} (@asvs 10.3.5)`, async (t) => {
      const { issuer, orders } = await openScene(t);
      assert.equal(await refusalCode(orders.require(bearing(issuer.token({ cnf })))), 'LK_TOKEN_REFUSED');
    });
  }

  test('says who asks by issuer and subject, and takes neither from anywhere else (@asvs 10.3.3)', async (t) => {
    const { issuer, orders } = await openScene(t);
    const sub = newSubject();
    const named = { sub, email: 'ada@example.com', preferred_username: 'ada' };
    assert.equal((await orders.require(bearing(issuer.token(named)))).id, sub);
    const other = issuer.token({ sub, iss: 'https://other.example.com' });
    assert.equal(await refusalCode(orders.require(bearing(other))), 'LK_TOKEN_REFUSED');
    assert.equal(
      await refusalCode(orders.require(bearing(issuer.token({ sub: undefined })))),
      'LK_TOKEN_REFUSED',
    );
  });

  test('demands what must be proved, how well and how lately (@asvs 10.3.4, 7.5.3)', async (t) => {
    const { issuer, clock, orders } = await openScene(t);
    const strong = bearing(issuer.token({ acr: 'aal2' }));
    const weak = bearing(issuer.token());
    assert.equal(await refusalCode(orders.require(weak, { acr: 'aal2' })), 'LK_STEP_UP_REQUIRED');
    assert.equal(await refusalCode(orders.require(strong, { acr: 'aal2' })), null);
    assert.equal(await refusalCode(orders.require(strong, { maxAge: 100 })), null);
    const old = bearing(issuer.token({ auth_time: issuer.now() - 101 }));
    assert.equal(await refusalCode(orders.require(old, { maxAge: 100 })), 'LK_STEP_UP_REQUIRED');
    assert.equal(await refusalCode(orders.require(old)), null);
    clock.ahead = 1_000_000;
    assert.equal(await refusalCode(orders.require(strong)), 'LK_TOKEN_EXPIRED');
  });

  for (const [title, scope, subject] of [
    ['its session', 'session', 'sid'],
    ['its user', 'user', 'sub'],
  ] as const) {
    test(`refuses a token when ${title} is revoked, as soon as it hears (@rule R2, R4)`, async (t) => {
      const { issuer, orders } = await openScene(t);
      const ids = { sub: newSubject(), sid: newSubject() };
      const token = issuer.token(ids);
      await orders.require(bearing(token));
      await until(() => orders.status().hints);
      issuer.append(scope, ids[subject]);
      await until(() => orders.status().cursor?.seq === issuer.head);
      assert.equal(await refusalCode(orders.require(bearing(token))), 'LK_TOKEN_REVOKED');
      assert.equal(await refusalCode(orders.require(bearing(issuer.token({ sub: ids.sub })))), null);
    });
  }

  test('refuses within a second what no hint has told of (@rule R4)', async (t) => {
    const { issuer, orders } = await openScene(t);
    const sid = newSubject();
    const token = issuer.token({ sid });
    await orders.require(bearing(token));
    issuer.append('session', sid, 'revoke', false);
    await until(() => orders.status().cursor?.seq === issuer.head);
    assert.equal(await refusalCode(orders.require(bearing(token))), 'LK_TOKEN_REVOKED');
  });

  test('calls stale what has changed, so that the client gets another token, and is content with that (@rule R2)', async (t) => {
    const { issuer, orders } = await openScene(t);
    const sub = newSubject();
    const [saying, silent] = [issuer.token({ sub, plan: 'pro' }), issuer.token({ sub })];
    for (const token of [saying, silent]) await orders.require(bearing(token));
    issuer.append('user', sub, 'changed', false);
    await until(() => orders.status().cursor?.seq === issuer.head);
    assert.equal(await refusalCode(orders.require(bearing(saying))), 'LK_TOKEN_STALE');
    assert.equal(await refusalCode(orders.require(bearing(silent))), null, 'it says nothing that could be');
    assert.equal(await refusalCode(orders.require(bearing(issuer.token({ sub, plan: 'free' })))), null);
    assert.equal(issuer.asked('/auth/introspect'), 0);
    issuer.append('user', sub, 'revoke', false);
    await until(() => orders.status().cursor?.seq === issuer.head);
    assert.equal(await refusalCode(orders.require(bearing(silent))), 'LK_TOKEN_REVOKED');
  });

  test('asks the issuer where everybody would come for another token at once, and remembers what it says (@rule R2)', async (t) => {
    const { issuer, orders, another } = await openScene(t);
    const denying = another({ onUnknown: 'deny' });
    const token = issuer.token({ plan: 'pro' });
    await orders.require(bearing(token));
    issuer.append('all', '', 'changed', false);
    issuer.introspected = { plan: 'free', acr: 'aal1' };
    await until(() => orders.status().cursor?.seq === issuer.head);
    for (let time = 0; time < 3; time += 1) {
      assert.deepEqual((await orders.require(bearing(token))).claims, { plan: 'free' });
    }
    assert.equal(issuer.asked('/auth/introspect'), 1);
    assert.equal(await refusalCode(denying.require(bearing(token))), 'LK_TOKEN_STALE');
  });
});

describe('a verifier whose copy cannot tell', () => {
  test('asks the issuer, once for all who ask at the same time (@rule R4)', async (t) => {
    const { issuer, clock, orders } = await openScene(t, {}, ({ lies }) => {
      lies.set('/auth/feed/pull', (_, res) => sendJson(res, {}, 503));
    });
    const token = issuer.token();
    const all = await Promise.all(Array.from({ length: 50 }, () => orders.require(bearing(token))));
    assert.equal(new Set(all.map(({ id }) => id)).size, 1);
    assert.equal(issuer.asked('/auth/introspect'), 1);
    assert.equal(orders.status().mode, 'introspecting');
    issuer.introspected = null;
    assert.equal(await refusalCode(orders.require(bearing(token))), 'LK_TOKEN_REVOKED');
    clock.ahead = 1;
    issuer.lies.set('/auth/introspect', (_, res) => sendJson(res, {}, 500));
    assert.equal(await refusalCode(orders.require(bearing(token))), 'LK_ISSUER_UNAVAILABLE');
  });

  test('asks sixteen at once at the most', async (t) => {
    const { issuer, orders } = await openScene(t, {}, ({ lies }) => {
      lies.set('/auth/feed/pull', (_, res) => sendJson(res, {}, 503));
    });
    let [now, most] = [0, 0];
    issuer.lies.set('/auth/introspect', async (_, res, truth) => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => void setImmediate(resolve));
      await truth();
      res.once('finish', () => (now -= 1));
    });
    await Promise.all(Array.from({ length: 100 }, () => orders.require(bearing(issuer.token()))));
    assert.ok(most > 1 && most <= 16, `${most}`);
    assert.equal(issuer.asked('/auth/introspect'), 100);
  });

  test('has a thousand wait for the issuer at the most, and refuses whoever comes then', async (t) => {
    const { issuer, orders } = await openScene(t, {}, ({ lies }) => {
      lies.set('/auth/feed/pull', (_, res) => sendJson(res, {}, 503));
    });
    await orders.require(bearing(issuer.token()));
    const { promise: gate, resolve } = Promise.withResolvers<void>();
    issuer.lies.set('/auth/introspect', async (_, __, truth) => {
      await gate;
      await truth();
    });
    const waiting = Array.from({ length: 1_016 }, () => refusalCode(orders.require(bearing(issuer.token()))));
    const refused = refusalCode(orders.require(bearing(issuer.token())));
    assert.equal(await Promise.race([refused, Promise.all(waiting)]), 'LK_BUSY');
    resolve();
    assert.deepEqual(new Set(await Promise.all(waiting)), new Set([null]));
  });

  for (const [title, answer] of [
    ['another subject', { sub: newSubject() }],
    ['another session', { sid: newSubject() }],
    ['another issuer', { iss: 'https://other.example.com' }],
    ['another audience', { aud: 'billing' }],
    ['another token', { jti: 'x' }],
    ['a longer life', { exp: 2 ** 40 }],
    ['a method that the token has not', { amr: ['pwd', 'otp'] }],
    ['a right', { scope: 'x' }],
    ['no position', { rs: undefined }],
    ['a position that is none', { rs: 1.5 }],
    ['neither yes nor no', { active: 'true' }],
  ] as const) {
    test(`believes no answer of ${title} (@rule R5)`, async (t) => {
      const { issuer, orders } = await openScene(t, {}, (opened) => {
        opened.lies.set('/auth/feed/pull', (_, res) => sendJson(res, {}, 503));
      });
      issuer.introspected = answer;
      assert.equal(await refusalCode(orders.require(bearing(issuer.token()))), 'LK_ISSUER_UNAVAILABLE');
    });
  }

  test('refuses, where it is told to, and goes on when it can tell again (@fault F8)', async (t) => {
    const { issuer, orders } = await openScene(t, { onUnknown: 'deny' }, ({ lies }) => {
      lies.set('/auth/feed/pull', (_, res) => sendJson(res, {}, 503));
    });
    const token = issuer.token();
    assert.equal(await refusalCode(orders.require(bearing(token))), 'LK_NOT_FRESH');
    assert.equal(orders.status().mode, 'denying');
    assert.match(orders.status().feedError ?? '', /503/);
    issuer.lies.clear();
    await until(() => orders.status().fresh);
    assertFollows(orders, issuer);
    assert.equal(await refusalCode(orders.require(bearing(token))), null);
    assert.equal(issuer.asked('/auth/introspect'), 0);
  });

  test('refuses when the copy is older than it may be, though the token is remembered (@rule R4)', async (t) => {
    const { issuer, clock, orders } = await openScene(t, { onUnknown: 'deny' });
    const token = issuer.token();
    await orders.require(bearing(token));
    issuer.lies.set('/auth/feed/pull', () => undefined);
    clock.ahead = 5_001;
    assert.equal(await refusalCode(orders.require(bearing(token))), 'LK_NOT_FRESH');
  });

  test('accepts until expiry only by name, says so with each pull, and still refuses what it heard of', async (t) => {
    const { issuer, clock, orders } = await openScene(t, { onUnknown: acceptUntilExpiry });
    const sid = newSubject();
    const [token, dead] = [issuer.token(), issuer.token({ sid })];
    issuer.append('session', sid);
    await orders.require(bearing(token));
    assert.equal(
      issuer.requests.find(({ path }) => path === '/auth/feed/pull')?.headers['x-latchkey-unknown'],
      'accept-until-expiry',
    );
    issuer.lies.set('/auth/feed/pull', () => undefined);
    clock.ahead = 6_000;
    assert.equal(orders.status().mode, 'accepting until expiry');
    assert.equal(await refusalCode(orders.require(bearing(token))), null);
    assert.equal(await refusalCode(orders.require(bearing(dead))), 'LK_TOKEN_REVOKED');
    clock.ahead = 400_000;
    assert.equal(await refusalCode(orders.require(bearing(token))), 'LK_TOKEN_EXPIRED');
  });

  test('of an older history gets another token where nobody may be asked, and asks where it may (@rule R8)', async (t) => {
    const { issuer, orders, another } = await openScene(t);
    const denying = another({ onUnknown: 'deny' });
    const token = issuer.token();
    issuer.beginEpoch('second');
    for (const each of [orders, denying]) {
      await each.ready();
      assertFollows(each, issuer);
    }
    assert.equal(await refusalCode(denying.require(bearing(token))), 'LK_TOKEN_STALE');
    assert.equal(await refusalCode(orders.require(bearing(token))), null);
    assert.equal(await refusalCode(orders.require(bearing(token))), null);
    assert.equal(issuer.asked('/auth/introspect'), 1, 'the answer is of this history');
  });

  test('pulls first where a token is newer than the copy (@rule R2)', async (t) => {
    const { issuer, orders } = await openScene(t);
    await orders.ready();
    issuer.append('session', newSubject(), 'revoke', false);
    assert.equal(await refusalCode(orders.require(bearing(issuer.token()))), null);
    assert.equal(issuer.asked('/auth/introspect'), 0);
  });

  for (const status of [403, 404]) {
    test(`works without the feed and says so, where it is answered ${status}`, async (t) => {
      const { issuer, orders } = await openScene(t, {}, ({ lies }) => {
        for (const path of ['/auth/feed', '/auth/feed/pull', '/auth/feed/snapshot']) {
          lies.set(path, (_, res) => sendJson(res, {}, status));
        }
      });
      await orders.ready();
      assert.equal(await refusalCode(orders.require(bearing(issuer.token()))), null);
      const { mode, fresh, lag, feedError } = orders.status();
      assert.deepEqual([mode, fresh, lag], ['introspecting', false, null]);
      assert.match(feedError ?? '', new RegExp(String(status)));
    });
  }
});

describe('a token that was good', () => {
  const STALE_AFTER = 6_000;
  const heard = (kind: 'revoke' | 'changed') => async (issuer: TestIssuer, orders: Verifier, sub: string) => {
    issuer.append('user', sub, kind, false);
    await until(() => orders.status().cursor?.seq === issuer.head);
  };
  const nothing = async (): Promise<void> => undefined;
  /** What was heard of it; whether the copy is fresh; and how a recheck ends, by what is done with what nobody can tell. */
  const CASES = [
    ['nothing was heard', nothing, true, {}, [null, null, null]],
    ['it is revoked', heard('revoke'), true, {}, Array(3).fill('LK_TOKEN_REVOKED')],
    ['what it says has changed', heard('changed'), true, { plan: 'pro' }, Array(3).fill('LK_TOKEN_STALE')],
    ['something has changed of which it says nothing', heard('changed'), true, {}, [null, null, null]],
    ['the copy is old', nothing, false, {}, ['LK_NOT_FRESH', 'LK_NOT_FRESH', null]],
    ['it is revoked and the copy is old', heard('revoke'), false, {}, Array(3).fill('LK_TOKEN_REVOKED')],
  ] as const;
  for (const [title, hears, isFresh, claims, expected] of CASES) {
    test(`is rechecked by what is heard, and else as a new one is, where ${title} (@rule R9)`, async (t) => {
      for (const [index, onUnknown] of (['introspect', 'deny', acceptUntilExpiry] as const).entries()) {
        const { issuer, clock, orders } = await openScene(t, { onUnknown });
        const sub = newSubject();
        const who = await orders.require(bearing(issuer.token({ sub, ...claims })));
        await hears(issuer, orders, sub);
        if (!isFresh) {
          issuer.lies.set('/auth/feed/pull', (_, res) => sendJson(res, {}, 503));
          clock.ahead = STALE_AFTER;
        }
        assert.equal(await refusalCode(who.recheck()), expected[index], String(onUnknown));
      }
    });
  }

  test('is not rechecked when it has expired, though nothing was heard of it (@rule R9)', async (t) => {
    for (const onUnknown of ['introspect', acceptUntilExpiry] as const) {
      const { issuer, clock, orders } = await openScene(t, { onUnknown });
      const who = await orders.require(bearing(issuer.token()));
      clock.ahead = 301_000;
      issuer.now = () => Math.floor(clock.now() / 1_000);
      assert.equal(await refusalCode(who.recheck()), 'LK_TOKEN_EXPIRED');
    }
  });

  test('is refused where its end is heard of while the issuer is asked, which still says yes (@rule R5)', async (t) => {
    const { issuer, clock, orders } = await openScene(t);
    const sid = newSubject();
    const token = issuer.token({ sid });
    const who = await orders.require(bearing(token));
    await until(() => orders.status().hints);
    issuer.lies.set('/auth/feed/pull', (_, res) => sendJson(res, {}, 503));
    clock.ahead = STALE_AFTER;
    assert.equal(await refusalCode(orders.require(bearing(token))), null, 'the issuer says yes');
    const { promise: ended, resolve } = Promise.withResolvers<string>();
    orders.onRevoked(who, resolve);
    issuer.introspected = { rs: issuer.head };
    issuer.lies.set('/auth/introspect', async (_, __, truth) => {
      issuer.append('session', sid);
      assert.equal(await ended, 'revoked');
      await truth();
    });
    assert.equal(await refusalCode(orders.require(bearing(token))), 'LK_TOKEN_REVOKED');
  });

  test('is stale for who accepts what nobody can tell too, where it is heard that what it says has changed (@rule R2)', async (t) => {
    const { issuer, clock, orders } = await openScene(t, { onUnknown: acceptUntilExpiry });
    const sub = newSubject();
    const [saying, silent] = [issuer.token({ sub, plan: 'pro' }), issuer.token({ sub })];
    await orders.ready();
    await heard('changed')(issuer, orders, sub);
    issuer.lies.set('/auth/feed/pull', (_, res) => sendJson(res, {}, 503));
    clock.ahead = STALE_AFTER;
    assert.equal(await refusalCode(orders.require(bearing(saying))), 'LK_TOKEN_STALE');
    assert.equal(await refusalCode(orders.require(bearing(silent))), null);
  });

  test('of an older history is not called stale by a copy that is old itself: another token would not help (@rule R8)', async (t) => {
    const { issuer, clock, orders } = await openScene(t, { onUnknown: 'deny' });
    const token = issuer.token();
    issuer.beginEpoch('second');
    await orders.ready();
    issuer.lies.set('/auth/feed/pull', () => undefined);
    clock.ahead = STALE_AFTER;
    assert.equal(await refusalCode(orders.require(bearing(token))), 'LK_NOT_FRESH');
  });
});

describe('a signing key that the log speaks against', () => {
  test('is in no set of keys any more, whatever is published and whatever position is written (@rule R2, @fault F14)', async (t) => {
    const { issuer, orders } = await openScene(t);
    const [lost] = issuer.signers;
    const next = edwards();
    issuer.signers.push(next);
    const before = issuer.token();
    await orders.require(bearing(before));
    assert.equal(orders.status().keys.length, 2);
    issuer.revokeKey();
    await until(() => orders.status().cursor?.seq === issuer.head);
    assert.deepEqual(orders.status().keys, [next.published.kid]);
    for (const rs of [0, issuer.head, issuer.head + 1, 2 ** 52]) {
      assert.notEqual(await refusalCode(orders.require(bearing(issuer.token({ rs }, lost)))), null);
    }
    assert.notEqual(await refusalCode(orders.require(bearing(before))), null);
    assert.equal(await refusalCode(orders.require(bearing(issuer.token({}, next)))), null);
  });
});
