import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import { confirmLog } from '../attacks/scene.ts';
import { Gateway, type Original, tokenFor } from './gateway.ts';
import { CLIENTS, enter, type Held, Program } from './program.ts';
import { bodyOf, ORIGIN, openWorld, type Visit, type World } from './world.ts';

/*
 * `/auth/forward`: what a gateway is answered about the requests that it is asked for.
 */

const OPTIONS = {
  clients: CLIENTS,
  claims: { plan: () => 'pro' },
  origins: ['https://app.example.com'],
} as const;

describe('a gateway', () => {
  let world: World;
  let gateway: Gateway;
  let visit: Visit;
  let program: Program;
  let held: Held;
  before(async () => {
    world = await openWorld(OPTIONS);
    const { key } = await world.auth.clients.create({ name: 'edge', audiences: ['orders', 'billing'] });
    gateway = new Gateway(world.auth, key.reveal());
    visit = world.browser();
    await visit.signUp('ada@example.com');
    program = new Program(world.auth);
    held = await program.signUp('bob@example.com');
  });
  after(() => world.auth.close());
  const cookie = (more: Original = {}): Original => ({ Cookie: visit.cookie, ...more });
  const bearerFor = async (audience: string): Promise<string> => {
    const renewed = await program.renewed(held.refresh, { audience });
    held = { ...held, refresh: renewed.refresh };
    return renewed.access;
  };

  describe('is answered for a cookie', () => {
    test('with a token for its audience alone, of a minute, which anybody can verify', async () => {
      const response = await gateway.ask(cookie());
      assert.equal(response.headers.get('cache-control'), 'no-store');
      assert.equal(await response.text(), '');
      const keys = await bodyOf(await program.send('GET', '/.well-known/jwks.json'));
      const set = createLocalJWKSet(keys as unknown as Parameters<typeof createLocalJWKSet>[0]);
      const { payload } = await jwtVerify(tokenFor(response), set, {
        issuer: ORIGIN,
        audience: 'orders',
        typ: 'at+jwt',
      });
      const me = await bodyOf(await visit.get('/auth/me'));
      const { iat = 0, exp = 0 } = payload;
      assert.equal(exp - iat, 60);
      assert.deepEqual([payload.aud, payload.sub, payload['plan']], ['orders', me['id'], 'pro']);
      assert.deepEqual([payload['acr'], payload['client_id']], [me['acr'], 'web']);
      assert.equal(payload['sid'], (me['session'] as { id: string }).id);
    });

    test('of whatever mode the session is', async () => {
      await visit.signUp('cleo@example.com');
      for (const client of ['web', 'spa']) {
        const other = world.browser();
        await enter(other, 'cleo@example.com', client);
        const token = await gateway.token({ Cookie: other.cookie });
        assert.equal(decodeJwt(token)['client_id'], client);
      }
    });

    test('with a token that no route of ours takes', async () => {
      assert.equal(await program.status(await gateway.token(cookie())), 401);
    });

    test('with no identity but what it has asked for by name', async () => {
      const bare = await gateway.ask(cookie());
      assert.deepEqual(
        [...bare.headers.keys()].filter((name) => name.startsWith('x-latchkey')),
        [],
      );
      const me = await bodyOf(await visit.get('/auth/me'));
      const named = await gateway.ask(cookie(), '?audience=orders&headers=user,session,client,acr');
      assert.equal(named.headers.get('x-latchkey-user'), me['id']);
      assert.equal(named.headers.get('x-latchkey-session'), (me['session'] as { id: string }).id);
      assert.equal(named.headers.get('x-latchkey-client'), 'web');
      assert.equal(named.headers.get('x-latchkey-acr'), me['acr']);
      const some = await gateway.ask(cookie(), '?audience=orders&headers=user');
      assert.equal(some.headers.get('x-latchkey-session'), null);
    });

    test('with the same token for half a minute, and another for each audience', async () => {
      const pass = async (millis: number): Promise<void> => {
        world.clock.advance(millis);
        await confirmLog(world);
      };
      await pass(30_000);
      const first = await gateway.token(cookie());
      assert.equal(await gateway.token(cookie({ 'X-Forwarded-Method': 'HEAD' })), first);
      const other = await gateway.token(cookie(), '?audience=billing');
      assert.equal(decodeJwt(other).aud, 'billing');
      assert.equal(await gateway.token(cookie()), first);
      await pass(20_000);
      assert.equal(await gateway.token(cookie()), first);
      await pass(10_000);
      const next = await gateway.token(cookie());
      assert.notEqual(next, first);
      assert.equal((decodeJwt(next).exp ?? 0) - (decodeJwt(next).iat ?? 0), 60);
    });

    test('with a token that ends with its session', async () => {
      let at = Date.parse('2026-01-01T00:00:00.700Z');
      const clock = { now: () => at, monotonic: () => at };
      const options = { sessions: { idle: '10m', absolute: '10m' }, clock } as const;
      const short = await openWorld(options);
      const { key } = await short.auth.clients.create({ name: 'edge', audiences: ['orders'] });
      const asked = new Gateway(short.auth, key.reveal());
      const person = short.browser();
      await person.signUp('ada@example.com');
      const end = at + 600_000;
      at = end - 20_000;
      const { exp = 0 } = decodeJwt(await asked.token({ Cookie: person.cookie }));
      assert.equal(exp, Math.floor(end / 1_000));
      at = end - 500;
      assert.equal((await person.get('/auth/me')).status, 200);
      assert.equal((await asked.ask({ Cookie: person.cookie })).status, 401, 'none that is dead on arrival');
      at = end;
      assert.equal((await asked.ask({ Cookie: person.cookie })).status, 401);
      await short.auth.close();
    });
  });

  describe('is answered for a token', () => {
    test('of its audience with one of a minute, that says the same', async () => {
      const given = await bearerFor('orders');
      const token = await gateway.token({ Authorization: `Bearer ${given}` });
      const [before, now] = [decodeJwt(given), decodeJwt(token)];
      assert.equal((now.exp ?? 0) - (now.iat ?? 0), 60);
      assert.notEqual(now.jti, before.jti);
      for (const name of ['iss', 'aud', 'sub', 'sid', 'client_id', 'acr', 'amr', 'auth_time', 'rs', 'plan'])
        assert.deepEqual(now[name], before[name], name);
      assert.equal(
        await gateway.token({ Authorization: `bearer  ${given}` }).then((t) => decodeJwt(t).sub),
        now.sub,
      );
    });

    test('that ends sooner with one that ends with it', async () => {
      const given = await bearerFor('orders');
      const { exp = 0 } = decodeJwt(given);
      world.clock.advance(exp * 1_000 - world.clock.now() - 10_000);
      assert.equal(decodeJwt(await gateway.token({ Authorization: `Bearer ${given}` })).exp, exp);
    });

    test('of a service with one of a minute, which names no user', async () => {
      const { key } = await world.auth.clients.create({ name: 'worker', audiences: ['worker'] });
      const granted = await program.send('POST', '/auth/token', {
        form: { grant_type: 'client_credentials', audience: 'orders' },
        bearer: key.reveal(),
      });
      const { access_token: given } = await bodyOf(granted);
      const response = await gateway.ask(
        { Authorization: `Bearer ${String(given)}` },
        '?audience=orders&headers=user,session,client,acr',
      );
      const said = decodeJwt(tokenFor(response));
      assert.deepEqual([said.sub, said['sid'], said.aud], ['client_worker', undefined, 'orders']);
      assert.equal(response.headers.get('x-latchkey-client'), 'worker');
      for (const name of ['user', 'session', 'acr'])
        assert.equal(response.headers.get(`x-latchkey-${name}`), '', 'so that a copy overwrites');
    });
  });

  describe('is told 401, where it may sign in and which challenge to hand on,', () => {
    const refused: readonly (readonly [string, () => Promise<Original>, string])[] = [
      ['for nobody', async () => ({}), 'Bearer'],
      ['for a cookie that is none', async () => ({ Cookie: 'latchkey-3000=x' }), 'Bearer'],
      [
        'for a cookie that stands twice, which nginx would make 500 of',
        async () => ({ Cookie: `${visit.cookie}; ${visit.cookie}` }),
        'Bearer',
      ],
      [
        'for a token of another audience, also beside a good cookie',
        async () => cookie({ Authorization: `Bearer ${await bearerFor('billing')}` }),
        'Bearer error="invalid_token"',
      ],
      [
        'for a token of the issuer',
        async () => ({ Authorization: `Bearer ${held.access}` }),
        'Bearer error="invalid_token"',
      ],
      [
        'for two tokens',
        async () => ({ Authorization: 'Bearer a.b.c, Bearer a.b.c' }),
        'Bearer error="invalid_token"',
      ],
      ['for its own key', async () => ({ Authorization: 'Bearer lks_x' }), 'Bearer error="invalid_token"'],
    ];
    const asked = (original: Original): Promise<Response> => gateway.ask(original);
    for (const [title, original, challenge] of refused) {
      test(title, async () => {
        const response = await asked({ ...(await original()), Accept: 'text/html' });
        assert.equal(response.status, 401);
        assert.equal(response.headers.get('www-authenticate'), challenge);
        assert.equal(response.headers.get('location'), '/auth/sign-in');
        assert.equal(
          response.headers.get('content-type'),
          'application/problem+json',
          'never a page of ours',
        );
        assert.equal(response.headers.get('authorization'), null);
        const problem = await bodyOf(response);
        assert.deepEqual(Object.keys(problem).toSorted(), ['code', 'request_id', 'status', 'title', 'type']);
        assert.equal(problem['code'], 'LK_UNAUTHENTICATED');
      });
    }

    const addresses: readonly (readonly [string, string])[] = [
      ['/orders?a=1&b=2', '/auth/sign-in?return_to=%2Forders%3Fa%3D1%26b%3D2'],
      ['/a%20b', '/auth/sign-in?return_to=%2Fa%2520b'],
      ['//evil.example/x', '/auth/sign-in'],
      ['/\\evil.example', '/auth/sign-in'],
      ['https://evil.example/', '/auth/sign-in'],
      ['javascript:alert(1)', '/auth/sign-in'],
      [`/${'x'.repeat(3_000)}`, '/auth/sign-in'],
    ];
    for (const [address, location] of addresses) {
      test(`to come back to ${address.slice(0, 40)}`, async () => {
        for (const name of ['X-Forwarded-Uri', 'X-Original-URI'])
          assert.equal((await asked({ [name]: address })).headers.get('location'), location);
      });
    }
  });

  test('is refused what it asks wrongly, by name', async () => {
    const wrong: readonly (readonly [string, string])[] = [
      ['', 'audience'],
      ['?audience=', 'audience'],
      ['?audience=orders&audience=billing', 'audience'],
      ['?audience=orders&headers=email', 'headers'],
      ['?audience=orders&headers=', 'headers'],
      ['?audience=orders&headers=user,__proto__', 'headers'],
      ['?audience=orders&header=user', 'header'],
    ];
    for (const [search, field] of wrong) {
      const response = await gateway.ask(cookie(), search);
      assert.equal(response.status, 400, search);
      const { errors } = await bodyOf(response);
      assert.deepEqual(
        (errors as readonly { field: string }[]).map((error) => error.field),
        [field],
      );
    }
  });

  test('asks by any method', async () => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      const original = cookie({ 'X-Forwarded-Method': method, Origin: ORIGIN });
      const good = await gateway.ask(original, undefined, method);
      assert.equal(good.status, 200, method);
      assert.equal(await good.text(), '');
      const refused = await gateway.ask({ 'X-Forwarded-Method': method, Origin: ORIGIN }, undefined, method);
      assert.equal(refused.status, 401, method);
    }
  });

  test('finds in the OpenAPI document what it shows and what it is answered', () => {
    const operation = world.auth.openApi().paths['/auth/forward']?.['get'] as {
      security: readonly object[];
      parameters: readonly { name: string; required: boolean }[];
      responses: Record<string, object>;
    };
    assert.deepEqual(operation.security, [
      { gateway: [], session: [] },
      { gateway: [], token: [] },
    ]);
    assert.deepEqual(
      operation.parameters.map(({ name, required }) => [name, required]),
      [
        ['audience', true],
        ['headers', false],
      ],
    );
    assert.deepEqual(Object.keys(operation.responses), ['200', '400', '401', '403', '503']);
  });
});
