import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { isFailure } from 'latchkey';
import * as oauth from 'oauth4webapi';
import { errorOf, Program } from './program.ts';
import { bodyOf, ORIGIN, openWorld, type World } from './world.ts';

/*
 * A service gets tokens for itself, and asks what those are worth that it is given.
 */

const OPTIONS = {
  clients: { web: 'hybrid', mobile: 'jwt', once: { mode: 'jwt', refresh: false } },
  tokens: { audiences: ['reports'] },
  claims: { plan: () => 'pro' },
} as const;

const basic = (name: string, key: string): string =>
  `Basic ${Buffer.from(`${name}:${key}`).toString('base64')}`;

describe('services', () => {
  let world: World;
  let program: Program;
  const keys = new Map<string, string>();
  before(async () => {
    world = await openWorld(OPTIONS);
    program = new Program(world.auth);
    for (const [name, audiences] of [
      ['orders', ['orders', 'https://orders.example.com']],
      ['billing', ['billing']],
    ] as const)
      keys.set(name, (await world.auth.clients.create({ name, audiences })).key.reveal());
  });
  after(() => world.auth.close());

  const keyOf = (name: string): string => keys.get(name) ?? assert.fail(name);
  const as = (name: string): Record<string, string> => ({ Authorization: basic(name, keyOf(name)) });
  const post = (
    path: string,
    form: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>>,
  ): Promise<Response> => program.send('POST', path, { form, headers });
  const grant = (name: string, fields: Readonly<Record<string, string>> = {}): Promise<Response> =>
    post('/auth/token', { grant_type: 'client_credentials', ...fields }, as(name));
  const tokenOf = async (name: string, audience: string): Promise<string> => {
    const response = await grant(name, { audience });
    assert.equal(response.status, 200, await response.clone().text());
    return String((await bodyOf(response))['access_token']);
  };
  const introspect = async (name: string, token: string): Promise<Record<string, unknown>> => {
    const response = await post('/auth/introspect', { token }, as(name));
    assert.equal(response.status, 200);
    return await bodyOf(response);
  };

  describe('the grant client_credentials', () => {
    test('answers a token that speaks for the client alone, with no refresh token (@rfc 6749 §4.4.3)', async () => {
      const response = await grant('orders', { audience: 'billing' });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('cache-control'), 'no-store');
      const body = await bodyOf(response);
      assert.deepEqual(Object.keys(body).toSorted(), ['access_token', 'expires_in', 'token_type']);
      const claims = decodeJwt(String(body['access_token']));
      assert.deepEqual(
        Object.keys(claims).toSorted(),
        ['aud', 'client_id', 'exp', 'iat', 'iss', 'jti', 'rs', 'sub'],
        'nothing of a user',
      );
      assert.deepEqual([claims.sub, claims['client_id'], claims.aud], ['client_orders', 'orders', 'billing']);
    });

    test('is as another library asks for it (@rfc 6749 §2.3.1)', async () => {
      // It speaks https alone; what it asks is handed over without a network.
      const issuer = ORIGIN.replace('http:', 'https:');
      const server = { issuer, token_endpoint: `${issuer}/auth/token` };
      const response = await oauth.clientCredentialsGrantRequest(
        server,
        { client_id: 'orders' },
        oauth.ClientSecretBasic(keyOf('orders')),
        { audience: 'billing' },
        {
          [oauth.customFetch]: (url, { method, headers, body }) =>
            program.send(method, new URL(url).pathname, {
              headers,
              form: Object.fromEntries(new URLSearchParams(String(body))),
            }),
        },
      );
      const answer = await oauth.processClientCredentialsResponse(server, { client_id: 'orders' }, response);
      assert.equal(decodeJwt(answer.access_token).sub, 'client_orders');
    });

    const targets: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
      ['the issuer', { audience: ORIGIN }, '400 invalid_target LK_AUDIENCE_REFUSED'],
      ['an audience that nobody has', { audience: 'shipping' }, '400 invalid_target LK_AUDIENCE_REFUSED'],
      ['none, where several may be meant', {}, '400 invalid_target LK_AUDIENCE_REFUSED'],
      [
        "somebody else's name",
        { client_id: 'billing', audience: 'billing' },
        '400 unauthorized_client LK_CLIENT_REFUSED',
      ],
    ];
    for (const [what, fields, error] of targets) {
      test(`refuses ${what}`, async () => {
        assert.equal(await errorOf(await grant('orders', fields)), error);
      });
    }

    test('refuses the issuer also where the configuration names it as an audience', async () => {
      const own = await openWorld({ tokens: { audiences: [ORIGIN] } });
      const { key } = await own.auth.clients.create({ name: 'one', audiences: ['one'] });
      for (const fields of [{ audience: ORIGIN }, {}]) {
        const response = await new Program(own.auth).send('POST', '/auth/token', {
          form: { grant_type: 'client_credentials', ...fields },
          bearer: key.reveal(),
        });
        assert.equal(await errorOf(response), '400 invalid_target LK_AUDIENCE_REFUSED');
      }
      await own.auth.close();
    });

    test('means the only other audience where none is named, and none of a disabled service', async () => {
      const own = await openWorld({ clients: { web: 'session' } });
      const asked = async (key: string): Promise<string> => {
        const response = await new Program(own.auth).send('POST', '/auth/token', {
          form: { grant_type: 'client_credentials' },
          bearer: key,
        });
        if (!response.ok) return await errorOf(response);
        return String(decodeJwt(String((await bodyOf(response))['access_token'])).aud);
      };
      const { key } = await own.auth.clients.create({ name: 'one', audiences: ['one'] });
      assert.equal(await asked(key.reveal()), '400 invalid_target LK_AUDIENCE_REFUSED');
      await own.auth.clients.create({ name: 'two', audiences: ['two'] });
      assert.equal(await asked(key.reveal()), 'two');
      await own.auth.clients.create({ name: 'three', audiences: ['three'] });
      assert.equal(await asked(key.reveal()), '400 invalid_target LK_AUDIENCE_REFUSED');
      await own.auth.clients.disable('two');
      assert.equal(await asked(key.reveal()), 'three');
      await own.auth.close();
    });

    test('makes receipts and entries outlive the tokens, where nobody was issued any before (@rule R6)', async () => {
      const own = await openWorld({ clients: { web: 'session' } });
      const { key } = await own.auth.clients.create({ name: 'one', audiences: ['one'] });
      const before = await (await own.auth.revoke({ client: 'web' })).details();
      // No token there, but what a gateway may keep for a second.
      assert.ok(before.tokensDeadBy <= before.deadline + 1_000);
      const refused = await new Program(own.auth).send('POST', '/auth/token', {
        form: { grant_type: 'client_credentials', audience: 'one' },
        bearer: key.reveal().replace(/\.(.)/, (_all, first) => (first === 'A' ? '.B' : '.A')),
      });
      assert.equal(refused.status, 401);
      const still = await (await own.auth.revoke({ client: 'web' })).details();
      assert.ok(still.tokensDeadBy <= still.deadline + 1_000, 'who has no key changes nothing');
      const granted = await new Program(own.auth).send('POST', '/auth/token', {
        form: { grant_type: 'client_credentials', audience: 'one' },
        bearer: key.reveal(),
      });
      const { exp = 0 } = decodeJwt(String((await bodyOf(granted))['access_token']));
      const receipt = await (await own.auth.clients.disable('one')).details();
      assert.ok(receipt.tokensDeadBy >= exp * 1_000);
      const { entries } = await own.store.log.pull(null, own.clock.now());
      assert.ok((entries.at(-1)?.expiresAt ?? 0) > exp * 1_000);
      await own.auth.close();
    });
  });

  describe('a token of a service', () => {
    const check = async (token: string, audience: string): Promise<string> => {
      const headers = new Headers({ Authorization: `Bearer ${token}` });
      try {
        const who = await world.auth.require(headers, { audience, services: true });
        return `${who.kind} ${who.kind === 'client' ? who.client : who.id}`;
      } catch (error) {
        if (isFailure(error)) return error.code;
        throw error;
      }
    };

    test('is a principal without user, session, role and assurance, where services are asked for', async () => {
      const token = await tokenOf('orders', 'billing');
      const headers = new Headers({ Authorization: `Bearer ${token}` });
      const who = await world.auth.require(headers, { audience: 'billing', services: true });
      assert.deepEqual(who, {
        kind: 'client',
        id: 'client_orders',
        client: 'orders',
        via: 'token',
        user: null,
        session: null,
        claims: {},
        acr: null,
        amr: [],
        authTime: null,
        expiresAt: (decodeJwt(token).exp ?? 0) * 1_000,
      });
      assert.ok(Object.isFrozen(who));
      // What is written for people does not answer it by chance, remembered or not.
      for (let asked = 0; asked < 2; asked += 1)
        await assert.rejects(world.auth.require(headers, { audience: 'billing' }), {
          code: 'LK_TOKEN_REFUSED',
        });
    });

    test('is good for its audience alone, and for nothing under /auth', async () => {
      const token = await tokenOf('orders', 'billing');
      for (const audience of ['orders', 'reports', ORIGIN])
        assert.equal(await check(token, audience), 'LK_TOKEN_REFUSED', audience);
      assert.equal(await check(token, 'billing'), 'client orders');
      for (const audience of ['orders', 'reports', ORIGIN])
        assert.equal(await check(token, audience), 'LK_TOKEN_REFUSED', `${audience}, remembered`);
      assert.equal(await program.status(token), 401);
      assert.equal((await program.send('GET', '/auth/admin/users', { bearer: token })).status, 401);
    });

    test('may what everybody may, and is refused the rest as one who has signed in', async () => {
      const headers = new Headers({ Authorization: `Bearer ${await tokenOf('orders', 'billing')}` });
      const who = await world.auth.require(headers, { audience: 'billing', services: true });
      assert.equal(await world.auth.can(who, 'latchkey:admin', undefined), false);
      await assert.rejects(world.auth.authorize(who, 'latchkey:admin', undefined), { code: 'LK_FORBIDDEN' });
      assert.equal((await world.auth.explain(who, 'latchkey:admin', undefined)).stepUp, null);
    });

    const ends: readonly (readonly [string, (name: string) => Promise<unknown>, boolean])[] = [
      ['rotation of the key', (name) => world.auth.clients.rotate(name), true],
      ['rotation with a grace', (name) => world.auth.clients.rotate(name, { grace: '1h' }), false],
      ['disabling', (name) => world.auth.clients.disable(name), true],
      ['revocation of the client', (name) => world.auth.revoke({ client: name }), true],
      ['revocation of everything', () => world.auth.revoke({ all: true }), true],
      ['revocation of the key that signed it', () => revokeCurrent(world), true],
      ['what happens to another', async () => world.auth.revoke({ client: 'billing' }), false],
    ];
    let shops = 0;
    const follows = async (end: (name: string) => Promise<unknown>, dead: boolean): Promise<void> => {
      shops += 1;
      const name = `shop-${shops}`;
      keys.set(name, (await world.auth.clients.create({ name, audiences: [name] })).key.reveal());
      const [remembered, unseen] = [await tokenOf(name, 'billing'), await tokenOf(name, 'billing')];
      assert.equal(await check(remembered, 'billing'), `client ${name}`);
      await end(name);
      const expected = dead ? /^LK_TOKEN_(REVOKED|REFUSED)$/ : new RegExp(`^client ${name}$`);
      for (const token of [remembered, unseen]) assert.match(await check(token, 'billing'), expected);
      assert.equal((await introspect('billing', unseen))['active'], !dead);
    };
    for (const [what, end, dead] of ends)
      test(`${dead ? 'ends' : 'stays'} with ${what}, remembered or not`, () => follows(end, dead));

    test('has none of its audience’s rights at the issuer, where a service asks what it is worth', async () => {
      const token = await tokenOf('orders', 'billing');
      const { rs, exp, iat, jti, ...said } = await introspect('billing', token);
      assert.deepEqual(said, {
        active: true,
        iss: ORIGIN,
        sub: 'client_orders',
        aud: 'billing',
        client_id: 'orders',
        token_type: 'Bearer',
      });
      assert.ok([rs, exp, iat].every(Number.isInteger) && typeof jti === 'string');
    });
  });

  describe('introspection (@rfc 7662)', () => {
    test('says of a user’s token for the caller what it is worth now, by a reading of its own', async () => {
      await world.browser().signUp('ada@example.com');
      const { refresh, session, user } = await program.signIn('ada@example.com');
      const { access } = await program.renewed(refresh, { audience: 'orders' });
      await world.auth.revoke({ client: 'nobody-at-all' });
      const said = await introspect('orders', access);
      const claims = decodeJwt(access);
      assert.deepEqual({ ...said, rs: null }, { ...claims, active: true, token_type: 'Bearer', rs: null });
      assert.deepEqual([said['sid'], said['sub'], said['plan']], [session, user, 'pro']);
      assert.ok(Number(said['rs']) > Number(claims['rs']), 'the position is of this reading');
    });

    test('says nothing of a token for the issuer', async () => {
      const { access } = await program.signIn('ada@example.com', 'once');
      assert.deepEqual(await introspect('orders', access), { active: false });
    });

    test('answers JSON and forms, never to be kept, and only to POST', async () => {
      const token = await tokenOf('orders', 'billing');
      const response = await program.send('POST', '/auth/introspect', {
        json: { token },
        headers: as('billing'),
      });
      assert.equal((await bodyOf(response))['active'], true);
      assert.equal(response.headers.get('cache-control'), 'no-store');
      assert.equal(
        (await program.send('GET', `/auth/introspect?token=${token}`, { headers: as('billing') })).status,
        405,
      );
    });
  });

  test('the audience of a service is one that users may ask tokens for, until it is disabled', async () => {
    const { refresh } = await program.signIn('ada@example.com');
    const asked = await program.refresh(refresh, { audience: 'shipping' });
    assert.equal(await errorOf(asked), '400 invalid_target LK_AUDIENCE_REFUSED');
    await world.auth.clients.create({ name: 'shipping', audiences: ['shipping'] });
    const { access, refresh: next } = await program.renewed(refresh, { audience: 'shipping' });
    assert.equal(decodeJwt(access).aud, 'shipping');
    await world.auth.clients.disable('shipping');
    assert.equal(
      await errorOf(await program.refresh(next, { audience: 'shipping' })),
      '400 invalid_target LK_AUDIENCE_REFUSED',
    );
  });
});

async function revokeCurrent({ auth }: World): Promise<unknown> {
  const current = (await auth.keys.list()).find(({ state }) => state === 'current');
  return await auth.keys.revoke(current?.kid ?? assert.fail('no key signs'));
}
