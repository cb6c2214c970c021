import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import { inside } from '../attacks/scene.ts';
import { CLIENTS, enter, errorOf, Program, saidBy, sessionGrant, tokenIn } from './program.ts';
import { bodyOf, ORIGIN, openWorld, PASSWORD, type Visit, type World } from './world.ts';

const ORDERS = 'https://orders.example.com';
const OPTIONS = { clients: CLIENTS, tokens: { audiences: [ORDERS] } } as const;
const TOKEN_FIELDS = ['access_token', 'token_type', 'expires_in'];

/** How the other library asks. */
interface Asked {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: URLSearchParams | undefined;
}

describe('over HTTP', () => {
  let world: World;
  let program: Program;
  before(async () => {
    world = await openWorld(OPTIONS);
    program = new Program(world.auth);
    await world.browser().signUp('ada@example.com');
  });
  after(() => world.auth.close());
  const here = (): Program => program;
  const entered = async (client: string): Promise<{ visit: Visit; access: string }> => {
    const visit = world.browser();
    const { access } = await enter(visit, 'ada@example.com', client);
    return { visit, access };
  };

  describe('the token endpoint', () => {
    test('exchanges a refresh token, sent as a form or as JSON', async () => {
      for (const kind of ['form', 'json'] as const) {
        const { refresh, session } = await program.signIn('ada@example.com');
        world.clock.advance(11_000);
        const fields = { grant_type: 'refresh_token', refresh_token: refresh };
        const response = await program.send('POST', '/auth/token', { [kind]: fields });
        assert.equal(response.status, 200);
        assert.equal(response.headers.get('cache-control'), 'no-store');
        assert.deepEqual(response.headers.getSetCookie(), []);
        const body = await bodyOf(response);
        assert.deepEqual(Object.keys(body), [...TOKEN_FIELDS, 'refresh_token']);
        assert.notEqual(body['refresh_token'], refresh);
        assert.equal(saidBy(String(body['access_token']))['sid'], session);
        assert.equal(await program.status(String(body['access_token'])), 200);
      }
    });

    test('exchanges the cookie of a hybrid client, and neither sets nor clears it', async () => {
      const { visit, access } = await entered('spa');
      for (const kind of ['form', 'json'] as const) {
        const fields = { grant_type: 'urn:latchkey:grant:session' };
        const response = await visit.send('POST', '/auth/token', { [kind]: fields });
        assert.equal(response.status, 200);
        assert.equal(response.headers.get('cache-control'), 'no-store');
        assert.deepEqual(response.headers.getSetCookie(), []);
        const body = await bodyOf(response);
        assert.deepEqual(Object.keys(body), TOKEN_FIELDS);
        assert.notEqual(body['access_token'], access);
        assert.equal(await program.status(String(body['access_token'])), 200);
      }
    });

    test('gives a token for one configured audience alone, which is good there and not here (@rfc 8707 §2)', async () => {
      const { visit } = await entered('spa');
      const { refresh } = await program.signIn('ada@example.com');
      const tokens = [
        (await program.renewed(refresh, { audience: ORDERS })).access,
        await tokenIn(await sessionGrant(visit, { audience: ORDERS })),
      ];
      for (const token of tokens) {
        assert.equal(saidBy(token)['aud'], ORDERS);
        assert.equal(await program.status(token), 401);
        const headers = new Headers({ Authorization: `Bearer ${token}` });
        await assert.rejects(world.auth.authenticate(headers), { code: 'LK_TOKEN_REFUSED' });
        assert.notEqual(await world.auth.authenticate(headers, { audience: ORDERS }), null);
      }
      const named = await program.renewed(refresh, { audience: ORIGIN });
      assert.equal(await program.status(named.access), 200, 'the issuer can be named');
    });

    const cases: readonly (readonly [string, Record<string, string>, string])[] = [
      ['no grant', {}, '400 invalid_request LK_REQUEST_INVALID'],
      ['an empty grant', { grant_type: '' }, '400 invalid_request LK_REQUEST_INVALID'],
      [
        'a password',
        { grant_type: 'password', username: 'ada@example.com', password: PASSWORD },
        '400 unsupported_grant_type LK_GRANT_UNSUPPORTED',
      ],
      [
        'a grant not spelled as it is',
        { grant_type: 'Refresh_Token' },
        '400 unsupported_grant_type LK_GRANT_UNSUPPORTED',
      ],
      [
        'a name that objects have',
        { grant_type: 'constructor' },
        '400 unsupported_grant_type LK_GRANT_UNSUPPORTED',
      ],
      ['no refresh token', { grant_type: 'refresh_token' }, '400 invalid_request LK_REQUEST_INVALID'],
      [
        'a refresh token that is none',
        { grant_type: 'refresh_token', refresh_token: 'x' },
        '400 invalid_grant LK_GRANT_REFUSED',
      ],
      [
        'a refresh token too long',
        { grant_type: 'refresh_token', refresh_token: 'x'.repeat(4_097) },
        '400 invalid_request LK_REQUEST_INVALID',
      ],
      ['no cookie', { grant_type: 'urn:latchkey:grant:session' }, '400 invalid_grant LK_GRANT_REFUSED'],
    ];
    for (const [what, fields, error] of cases) {
      test(`refuses ${what} by its name (@asvs 10.4.4, @rfc 6749 §5.2)`, async () => {
        for (const kind of ['form', 'json'] as const) {
          const headers = { 'Sec-Fetch-Site': 'same-origin' };
          const response = await here().send('POST', '/auth/token', { [kind]: fields, headers });
          assert.equal(response.headers.get('content-type'), 'application/json');
          assert.deepEqual(Object.keys(await bodyOf(response.clone())), [
            'error',
            'error_description',
            'code',
          ]);
          assert.equal(await errorOf(response), error);
        }
      });
    }

    test('refuses an audience that is not configured, and leaves the chain as it was', async () => {
      const { refresh } = await program.signIn('ada@example.com');
      const { visit } = await entered('spa');
      world.clock.advance(11_000);
      for (const audience of [
        'https://other.example.com',
        `${ORIGIN}/`,
        ORDERS.toUpperCase(),
        `${ORDERS} ${ORIGIN}`,
      ]) {
        assert.equal(await program.refusal(refresh, { audience }), '400 invalid_target LK_AUDIENCE_REFUSED');
        assert.equal(
          await errorOf(await sessionGrant(visit, { audience })),
          '400 invalid_target LK_AUDIENCE_REFUSED',
        );
      }
      await program.renewed(refresh);
    });

    test('gives no token for the cookie of a client of mode session', async () => {
      const { visit } = await entered('web');
      assert.equal(await errorOf(await sessionGrant(visit)), '400 unauthorized_client LK_CLIENT_REFUSED');
    });

    test('gives no token for a session that has ended, nor for one of before login', async () => {
      const { visit, access } = await entered('spa');
      const cookie = visit.cookie;
      assert.equal((await program.send('POST', '/auth/sign-out', { bearer: access })).status, 200);
      visit.cookie = cookie;
      assert.equal(await errorOf(await sessionGrant(visit)), '400 invalid_grant LK_GRANT_REFUSED');
      const request = new Request(`${ORIGIN}/x`);
      const session = await world.auth.session(request, (line) => {
        visit.cookie = line.slice(0, line.indexOf(';'));
      });
      await session.set('seen', true);
      assert.equal(await errorOf(await sessionGrant(visit)), '400 invalid_grant LK_GRANT_REFUSED');
    });

    test('says what is wrong with a body that cannot be read', async () => {
      const send = (type: string, body: string) =>
        world.auth.handler(
          new Request(`${ORIGIN}/auth/token`, { method: 'POST', headers: { 'Content-Type': type }, body }),
        );
      assert.equal(
        await errorOf(await send('text/plain', 'x')),
        '415 invalid_request LK_MEDIA_TYPE_UNSUPPORTED',
      );
      const twice = 'grant_type=refresh_token&grant_type=refresh_token&refresh_token=x';
      assert.equal(
        await errorOf(await send('application/x-www-form-urlencoded', twice)),
        '400 invalid_request LK_REQUEST_INVALID',
      );
      const large = await send('application/json', JSON.stringify({ x: 'x'.repeat(70_000) }));
      assert.equal(await errorOf(large), '413 invalid_request LK_BODY_TOO_LARGE');
    });

    test('serves a client of OAuth that knows nothing of Latchkey (@rfc 8414 §3.3, @rfc 6749 §6, @rfc 7009 §2)', async () => {
      const issuer = new URL('https://app.example.com');
      const there = await openWorld({ ...OPTIONS, url: issuer.origin });
      const ours = new Program(there.auth);
      const { refresh } = await ours.signUp('ada@example.com');
      const options = {
        [oauth.customFetch]: (url: string, { method, headers, body }: Asked) =>
          there.auth.handler(new Request(url, { method, headers, body: body ?? null })),
      };
      const discovered = await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oauth2' });
      const server = await oauth.processDiscoveryResponse(issuer, discovered);
      const client = { client_id: 'mobile' };
      const exchange = async (token: string): Promise<oauth.TokenEndpointResponse> => {
        const answer = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), token, options);
        return oauth.processRefreshTokenResponse(server, client, answer);
      };
      const renewed = await exchange(refresh);
      assert.equal(await ours.status(renewed.access_token), 200);
      const token = renewed.refresh_token ?? '';
      const revoked = await oauth.revocationRequest(server, client, oauth.None(), token, options);
      await oauth.processRevocationResponse(revoked);
      assert.equal(await ours.status(renewed.access_token), 401);
      await assert.rejects(exchange(refresh), { error: 'invalid_grant', status: 400 });
      await there.auth.close();
    });
  });

  describe('revocation', () => {
    const revoke = async (token: string, fields: Readonly<Record<string, string>> = {}): Promise<unknown> => {
      const response = await program.send('POST', '/auth/revoke', { form: { token, ...fields } });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('cache-control'), 'no-store');
      const body = await bodyOf(response);
      assert.deepEqual(Object.keys(body), ['receipt']);
      return body['receipt'];
    };

    test('of a token that has expired is no error: what was wanted is so (@rfc 7009 §2.2)', async () => {
      const other = await openWorld({ clients: CLIENTS });
      const late = new Program(other.auth);
      const { access } = await late.signUp('late@example.com');
      other.clock.advance(3_600_000);
      const response = await late.send('POST', '/auth/revoke', { form: { token: access } });
      assert.deepEqual([response.status, await bodyOf(response)], [200, { receipt: null }]);
      await other.auth.close();
    });

    for (const which of ['access', 'refresh'] as const) {
      test(`of the ${which} token ends the session, once (@rfc 7009 §2.2, @asvs 10.4.9)`, async () => {
        const ours = here();
        const held = await ours.signIn('ada@example.com');
        assert.equal(await ours.status(held.access), 200);
        assert.equal(inside(await revoke(held[which]), 'settled'), true);
        assert.equal(await ours.status(held.access), 401);
        assert.equal(await ours.refusal(held.refresh), '400 invalid_grant LK_GRANT_REFUSED');
        for (const token of [held.access, held.refresh])
          assert.equal(await revoke(token), null, 'idempotent');
      });
    }

    test('of a hybrid token ends the cookie as well, and of one for a service too', async () => {
      const { visit, access } = await entered('spa');
      assert.notEqual(
        await revoke(access, { token_type_hint: 'refresh_token' }),
        null,
        'a wrong hint is ignored',
      );
      assert.equal((await visit.get('/auth/me')).status, 401);
      const other = await entered('spa');
      const forOrders = await tokenIn(await sessionGrant(other.visit, { audience: ORDERS }));
      assert.notEqual(await revoke(forOrders), null);
      assert.equal((await other.visit.get('/auth/me')).status, 401);
    });

    test('of what is foreign, garbage or expired changes nothing and says nothing (@rfc 7009 §2.2)', async () => {
      const held = await program.signIn('ada@example.com');
      const stranger = await openWorld({ clients: CLIENTS });
      const foreign = await new Program(stranger.auth).signUp('ada@example.com');
      await stranger.auth.close();
      const last = held.refresh.at(-1) === 'A' ? 'Q' : 'A';
      for (const token of [
        foreign.access,
        foreign.refresh,
        'x',
        `${held.refresh.slice(0, -1)}${last}`,
        held.session,
      ]) {
        assert.equal(await revoke(token), null);
      }
      assert.equal(await program.status(held.access), 200);
      world.clock.advance(301_000);
      assert.equal(await revoke(held.access), null, 'expired');
      await program.renewed(held.refresh);
    });

    test('of nothing is refused', async () => {
      const response = await program.send('POST', '/auth/revoke', { form: {} });
      assert.equal(await errorOf(response), '400 invalid_request LK_REQUEST_INVALID');
    });
  });
});
