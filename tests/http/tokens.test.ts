import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inside } from '../attacks/scene.ts';
import { CLIENTS, enter, Program, saidBy, sessionGrant, tokenIn } from './program.ts';
import {
  bodyOf,
  codeOf,
  ORIGIN,
  OTHER_PASSWORD,
  openWorld,
  PASSWORD,
  type Visit,
  type World,
} from './world.ts';

const OPTIONS = { clients: CLIENTS, claims: { is_known: () => true } } as const;
const TOKEN_FIELDS = ['access_token', 'token_type', 'expires_in'];

describe('tokens, over HTTP', () => {
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

  for (const path of ['/auth/sign-in', '/auth/sign-up']) {
    const cases = [
      ['web', ['user', 'session'], true],
      ['spa', ['user', 'session', ...TOKEN_FIELDS], true],
      ['mobile', ['user', 'session', ...TOKEN_FIELDS, 'refresh_token'], false],
    ] as const;
    for (const [client, fields, cookie] of cases) {
      test(`${path} by a client of mode ${CLIENTS[client]} answers ${fields.join(', ')}`, async () => {
        const email = path === '/auth/sign-in' ? 'ada@example.com' : `new-${client}@example.com`;
        const response = await here().send('POST', path, { json: { email, password: PASSWORD, client } });
        assert.ok(response.ok);
        assert.equal(response.headers.get('cache-control'), 'no-store');
        assert.equal(response.headers.getSetCookie().length, cookie ? 1 : 0);
        const body = await bodyOf(response);
        assert.deepEqual(Object.keys(body), fields);
        assert.equal(inside(body, 'session', 'client'), client);
        assert.equal(inside(body, 'session', 'mode'), CLIENTS[client]);
        if (client === 'web') return;
        assert.equal(body['token_type'], 'Bearer');
        assert.equal(body['expires_in'], 300);
        if (client === 'mobile') assert.match(String(body['refresh_token']), /^lkr_[\w-]{82}$/);
      });
    }
  }

  test('an access token says what RFC 9068 wants and the configured claims, and nothing else (@rfc 9068 §2.2)', async () => {
    const { access, session, user } = await program.signIn('ada@example.com');
    const [head = ''] = access.split('.');
    const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as Record<string, unknown>;
    assert.deepEqual(Object.keys(header), ['alg', 'typ', 'kid']);
    assert.deepEqual([header['alg'], header['typ']], ['EdDSA', 'at+jwt']);
    const { iat, exp, jti, auth_time: authTime, rs, ...said } = saidBy(access);
    assert.deepEqual(said, {
      is_known: true,
      iss: ORIGIN,
      aud: ORIGIN,
      sub: user,
      sid: session,
      client_id: 'mobile',
      acr: 'aal1',
      amr: ['pwd'],
    });
    assert.equal(Number(exp) - Number(iat), 300);
    assert.equal(authTime, iat);
    assert.match(String(jti), /^[\w-]{11}$/);
    assert.ok(Number.isSafeInteger(rs));
  });

  test('me answers the same of a token as of the cookie, but for how it was asked', async () => {
    const { visit, access } = await entered('spa');
    const byCookie = await bodyOf(await visit.get('/auth/me'));
    const byToken = await bodyOf(await program.send('GET', '/auth/me', { bearer: access }));
    assert.equal(byCookie['via'], 'cookie');
    assert.equal(byToken['via'], 'token');
    const { auth_time: exact, via: _cookie, ...rest } = byCookie;
    const { auth_time: whole, via: _token, ...said } = byToken;
    assert.deepEqual(said, rest);
    assert.equal(
      Date.parse(String(whole)),
      Math.floor(Date.parse(String(exact)) / 1_000) * 1_000,
      'whole seconds',
    );
    assert.deepEqual(said['claims'], { is_known: true });
  });

  test('the list of sessions names the mode of each, and marks the one of the token', async () => {
    const email = 'list@example.com';
    const mobile = await program.signUp(email);
    for (const client of ['web', 'spa']) await enter(world.browser(), email, client);
    const { items } = await bodyOf(await program.send('GET', '/auth/sessions', { bearer: mobile.access }));
    assert.ok(Array.isArray(items));
    assert.deepEqual(
      items.map((item) => [inside(item, 'client'), inside(item, 'mode'), inside(item, 'current')]),
      [
        ['spa', 'hybrid', false],
        ['web', 'session', false],
        ['mobile', 'jwt', true],
      ],
    );
  });

  test('sign-out by a token ends its session with all its credentials', async () => {
    const held = await program.signIn('ada@example.com');
    assert.equal(await program.status(held.access), 200);
    const response = await program.send('POST', '/auth/sign-out', { bearer: held.access });
    assert.equal(response.status, 200);
    assert.deepEqual(response.headers.getSetCookie(), []);
    const { receipt } = await bodyOf(response);
    assert.equal(inside(receipt, 'settled'), true);
    assert.equal(await program.status(held.access), 401);
    assert.equal(await program.refusal(held.refresh), '400 invalid_grant LK_GRANT_REFUSED');
  });

  test('a session cookie that stands twice beside a token does not spoil what the token ends (@rule R11)', async () => {
    const headers = { Cookie: '__Host-latchkey=one; __Host-latchkey=another' };
    for (const [method, path] of [
      ['POST', '/auth/sign-out'],
      ['DELETE', '/auth/sessions'],
    ] as const) {
      const { access: bearer } = await program.signIn('ada@example.com');
      const response = await program.send(method, path, { bearer, headers });
      assert.equal(response.status, 200, path);
      assert.notEqual((await bodyOf(response))['receipt'], null);
      assert.equal(await program.status(bearer), 401);
    }
  });

  test('sign-out by an expired token needs its refresh token beside it', async () => {
    const held = await program.signIn('ada@example.com');
    world.clock.advance(301_000);
    const { access: bearer, refresh: refresh_token } = held;
    const alone = await program.send('POST', '/auth/sign-out', { bearer });
    assert.equal(alone.status, 401);
    assert.equal(alone.headers.get('www-authenticate'), 'Bearer error="invalid_token"');
    const response = await program.send('POST', '/auth/sign-out', { bearer, json: { refresh_token } });
    assert.equal(response.status, 200);
    assert.notEqual((await bodyOf(response))['receipt'], null);
    assert.equal(await program.refusal(refresh_token), '400 invalid_grant LK_GRANT_REFUSED');
  });

  test('sign-out by a refresh token alone works too, and by nothing at all does not', async () => {
    const held = await program.signIn('ada@example.com');
    const response = await program.send('POST', '/auth/sign-out', { json: { refresh_token: held.refresh } });
    assert.notEqual((await bodyOf(response))['receipt'], null);
    assert.equal(await program.status(held.access), 401);
    const nothing = await program.send('POST', '/auth/sign-out', { json: {} });
    assert.equal(nothing.status, 401);
  });

  test('sign-out by what is dead already answers 200, with nothing to show for it', async () => {
    const held = await program.signIn('ada@example.com');
    const sent = { bearer: held.access, json: { refresh_token: held.refresh } };
    assert.notEqual((await bodyOf(await program.send('POST', '/auth/sign-out', sent)))['receipt'], null);
    for (const again of [sent, { bearer: held.access }, { json: { refresh_token: held.refresh } }]) {
      const response = await program.send('POST', '/auth/sign-out', again);
      assert.equal(response.status, 200);
      assert.deepEqual(await bodyOf(response), { receipt: null });
    }
  });

  test('a refresh token does not stand in for a token that is bad in any other way than by its time', async () => {
    const held = await program.signIn('ada@example.com');
    const sent = { bearer: `${held.access.slice(0, -4)}AAAA`, json: { refresh_token: held.refresh } };
    assert.equal((await program.send('POST', '/auth/sign-out', sent)).status, 401);
    assert.equal(await program.status(held.access), 200, 'nothing ended');
  });

  test('a token of mode jwt changes the password, which neither it nor other sessions outlive', async () => {
    const email = 'password@example.com';
    const [other, held] = [await program.signUp(email), await program.signIn(email)];
    const json = { current_password: PASSWORD, new_password: OTHER_PASSWORD };
    const response = await program.send('POST', '/auth/password', { bearer: held.access, json });
    assert.equal(response.status, 200);
    assert.deepEqual(response.headers.getSetCookie(), []);
    assert.deepEqual(Object.keys(await bodyOf(response)), ['receipt']);
    for (const { access } of [other, held]) assert.equal(await program.status(access), 401);
    assert.equal(await program.refusal(other.refresh), '400 invalid_grant LK_GRANT_REFUSED');
    const { access } = await program.renewed(held.refresh);
    assert.equal(await program.status(access), 200, 'the session that asked lives');
    await program.signIn(email, 'mobile', OTHER_PASSWORD);
  });

  test('a token of mode jwt proves again who is there, and the next one says so', async () => {
    const held = await program.signIn('ada@example.com');
    world.clock.advance(60_000);
    const sent = { bearer: held.access, json: { password: PASSWORD } };
    const response = await program.send('POST', '/auth/reauthenticate', sent);
    assert.equal(response.status, 200);
    assert.deepEqual(response.headers.getSetCookie(), []);
    const proved = await bodyOf(response);
    assert.equal(proved['via'], 'token');
    assert.ok(Date.parse(String(proved['auth_time'])) > Number(saidBy(held.access)['auth_time']) * 1_000);
    const { access } = await program.renewed(held.refresh);
    assert.ok(Number(saidBy(access)['auth_time']) >= Number(saidBy(held.access)['auth_time']) + 60);
  });

  test('a hybrid token changes nothing that its cookie must not outlive, unless that cookie is beside it (@rule R11)', async () => {
    const [own, other] = [await entered('spa'), await entered('spa')];
    const json = { current_password: PASSWORD, new_password: OTHER_PASSWORD };
    const sent = { bearer: own.access, json: { password: PASSWORD } };
    const headers = { Authorization: `Bearer ${own.access}` };
    const foreign = other.visit.cookie;
    for (const refused of [
      await program.send('POST', '/auth/reauthenticate', sent),
      await program.send('POST', '/auth/password', { bearer: own.access, json }),
      await other.visit.post('/auth/reauthenticate', { password: PASSWORD }, { headers }),
      await other.visit.post('/auth/password', json, { headers }),
    ]) {
      assert.equal(refused.status, 401);
      assert.deepEqual(refused.headers.getSetCookie(), []);
    }
    assert.equal(other.visit.cookie, foreign);
    await program.signIn('ada@example.com');

    const before = own.visit.cookie;
    const rotated = await own.visit.post('/auth/reauthenticate', { password: PASSWORD }, { headers });
    assert.equal(rotated.status, 200);
    assert.equal(rotated.headers.getSetCookie().length, 1);
    assert.notEqual(own.visit.cookie, before);
    for (const { visit } of [own, other]) assert.equal((await visit.get('/auth/me')).status, 200);
    assert.equal((await sessionGrant(own.visit)).status, 200);
  });

  test('a hybrid token beside its cookie changes the password', async () => {
    const email = 'hybrid@example.com';
    const other = await program.signUp(email);
    const visit = world.browser();
    const { access } = await enter(visit, email, 'spa');
    const json = { current_password: PASSWORD, new_password: OTHER_PASSWORD };
    const headers = { Authorization: `Bearer ${access}` };
    assert.equal((await visit.post('/auth/password', json, { headers })).status, 200);
    for (const token of [other.access, access]) assert.equal(await program.status(token), 401);
    assert.equal((await visit.get('/auth/me')).status, 200);
    assert.equal(await program.status(await tokenIn(await sessionGrant(visit))), 200);
  });

  test('the cookie is cleared only where its session is the token’s', async () => {
    const [own, other] = [await entered('spa'), await entered('spa')];
    const headers = { Authorization: `Bearer ${own.access}` };
    const foreign = await other.visit.post('/auth/sign-out', undefined, { headers });
    assert.equal(foreign.status, 200);
    assert.deepEqual(foreign.headers.getSetCookie(), []);
    assert.equal((await other.visit.get('/auth/me')).status, 200);
    assert.equal((await own.visit.get('/auth/me')).status, 401, 'the token’s session has ended');
    const again = { Authorization: `Bearer ${other.access}` };
    const cleared = await other.visit.post('/auth/sign-out', undefined, { headers: again });
    assert.match(cleared.headers.getSetCookie()[0] ?? '', /Max-Age=0/);
  });

  test('sessions are ended with a token: one, the others, all', async () => {
    const email = 'ends@example.com';
    const first = await program.signUp(email);
    const [second, third] = [await program.signIn(email), await program.signIn(email)];
    const one = await program.send('DELETE', `/auth/sessions/${first.session}`, { bearer: third.access });
    assert.equal(one.status, 200);
    assert.equal(await program.status(first.access), 401);
    const others = await program.send('DELETE', '/auth/sessions?except=current', { bearer: third.access });
    assert.equal(others.status, 200);
    assert.equal(await program.refusal(second.refresh), '400 invalid_grant LK_GRANT_REFUSED');
    const { access } = await program.renewed(third.refresh);
    assert.equal((await program.send('DELETE', '/auth/sessions', { bearer: access })).status, 200);
    assert.equal(await program.status(access), 401);
    assert.equal(await program.refusal(third.refresh), '400 invalid_grant LK_GRANT_REFUSED');
  });
});

describe('which credential counts', () => {
  test('Authorization alone does: neither a dead nor a foreign token falls back to the cookie (@incident B7)', async () => {
    const world = await openWorld(OPTIONS);
    const visit = world.browser();
    await visit.signUp('both@example.com');
    const program = new Program(world.auth);
    const held = await program.signIn('both@example.com');
    const other = await program.signUp('other@example.com');
    await program.send('POST', '/auth/sign-out', { bearer: held.access });
    const cookie = visit.cookie;
    for (const [token, status] of [
      [held.access, 401],
      [other.access, 200],
    ] as const) {
      const headers = { Authorization: `Bearer ${token}` };
      const response = await visit.get('/auth/me', { headers });
      assert.equal(response.status, status);
      if (status === 200) assert.equal((await bodyOf(response))['id'], other.user);
      const grant = await visit.form(
        '/auth/token',
        { grant_type: 'urn:latchkey:grant:session' },
        { headers },
      );
      assert.equal(await codeOf(grant), 'LK_GRANT_REFUSED');
    }
    assert.equal(visit.cookie, cookie);
    await world.auth.close();
  });

  test('beside a token no cookie is set by a sign-in, but where its session is the token’s', async () => {
    const world = await openWorld(OPTIONS);
    const visit = world.browser();
    await visit.signUp('signs@example.com');
    const { access } = await enter(visit, 'signs@example.com', 'spa');
    const cookie = visit.cookie;
    const other = await new Program(world.auth).signIn('signs@example.com');
    const json = { email: 'signs@example.com', password: PASSWORD, client: 'spa' };
    const foreign = await visit.post('/auth/sign-in', json, {
      headers: { Authorization: `Bearer ${other.access}` },
    });
    assert.equal(foreign.status, 401);
    assert.equal(visit.cookie, cookie);
    const own = await visit.post('/auth/sign-in', json, { headers: { Authorization: `Bearer ${access}` } });
    assert.equal(own.status, 200);
    assert.notEqual(visit.cookie, cookie);
    assert.equal(await new Program(world.auth).status(access), 401, 'the session before ended');
    await world.auth.close();
  });
});
