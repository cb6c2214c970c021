import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Mode } from '@latchkey/verify';
import { sqlite } from 'latchkey';
import { errorOf, type Held, heldIn, Program, sessionGrant, tokenIn } from '../http/program.ts';
import { bodyOf, openWorld, PASSWORD, type TestClock, type Visit, type World } from '../http/world.ts';
import { folder, inside } from './scene.ts';

const AFTER_GRACE = 11_000;
const EMAIL = 'ada@example.com';
const MODES: readonly Mode[] = ['session', 'jwt', 'hybrid'];
const PAIRS = MODES.flatMap((from) => MODES.map((to) => [from, to] as const));

/** What a login hands out, by the mode of its client: cookie, access token, refresh token. */
const HANDED: Readonly<Record<Mode, readonly [boolean, boolean, boolean]>> = {
  session: [true, false, false],
  jwt: [false, true, true],
  hybrid: [true, true, false],
};

const noCookie = (): never => assert.fail('a cookie was set');

/** A deployment whose one client has a mode. */
const deploy = (mode: Mode, file: string): Promise<World> =>
  openWorld({ clients: { app: mode } }, sqlite(file));

interface Entered {
  readonly response: Response;
  readonly held: Held;
  readonly cookie: string | null;
}

async function enter(world: World, path: '/auth/sign-in' | '/auth/sign-up'): Promise<Entered> {
  const json = { email: EMAIL, password: PASSWORD };
  const response = await new Program(world.auth).send('POST', path, { json });
  assert.ok(response.ok);
  const line = response.headers.getSetCookie()[0];
  const cookie = line === undefined ? null : line.slice(0, line.indexOf(';'));
  return { response, held: await heldIn(response.clone()), cookie };
}

function holding(world: World, cookie: string | null): Visit {
  const visit = world.browser();
  visit.cookie = cookie;
  return visit;
}

describe('where the mode of a client is changed', () => {
  const changed = async (from: Mode, to: Mode): Promise<void> => {
    const place = await folder();
    const before = await deploy(from, place.file);
    const { held, cookie } = await enter(before, '/auth/sign-up');
    assert.deepEqual([cookie !== null, held.access !== '', held.refresh !== ''], HANDED[from]);
    await before.auth.close();

    const world = await deploy(to, place.file);
    const program = new Program(world.auth);
    const visit = holding(world, cookie);
    if (cookie !== null) {
      const me = await visit.get('/auth/me');
      assert.equal(me.status, 200, 'the cookie is good');
      assert.equal(inside(await bodyOf(me), 'session', 'mode'), to);
      if (to === 'hybrid') assert.equal(await program.status(await tokenIn(await sessionGrant(visit))), 200);
      else
        assert.equal(await errorOf(await sessionGrant(visit)), '400 unauthorized_client LK_CLIENT_REFUSED');
      const proved = await visit.post('/auth/reauthenticate', { password: PASSWORD });
      assert.equal(proved.status, 200, 'and can be rotated');
      assert.equal((await visit.get('/auth/me')).status, 200);
    }
    if (held.access !== '') assert.equal(await program.status(held.access), 200, 'the access token is good');
    if (held.refresh !== '') await refreshGoesOn(program, world.clock, held.refresh);

    const next = await enter(world, '/auth/sign-in');
    assert.deepEqual([next.cookie !== null, next.held.access !== '', next.held.refresh !== ''], HANDED[to]);
    await world.auth.close();
    await place.remove();
  };
  /** A chain goes on as it began, with all its rules. */
  const refreshGoesOn = async (program: Program, clock: TestClock, token: string): Promise<void> => {
    clock.advance(AFTER_GRACE);
    const { access, refresh } = await program.renewed(token);
    assert.equal(await program.status(access), 200);
    clock.advance(AFTER_GRACE);
    await program.renewed(refresh);
    assert.equal(await program.refusal(token), '400 invalid_grant LK_GRANT_REFUSED', 'reuse is found');
    assert.equal(await program.status(access), 401);
  };
  for (const [from, to] of PAIRS) {
    test(`from ${from} to ${to}, nobody is signed out, and what follows is as the new mode says`, () =>
      changed(from, to));
  }

  test('a page in a browser still may not refresh, unless it is allowed by name (@rule R10)', async () => {
    const place = await folder();
    const before = await deploy('jwt', place.file);
    const { held } = await enter(before, '/auth/sign-up');
    await before.auth.close();
    for (const mode of ['hybrid', 'session'] as const) {
      const world = await deploy(mode, place.file);
      const form = { grant_type: 'refresh_token', refresh_token: held.refresh };
      const response = await world.browser().form('/auth/token', form);
      assert.equal(await errorOf(response), '400 unauthorized_client LK_CLIENT_REFUSED');
      await world.auth.close();
    }
    await place.remove();
  });

  test('node by node, what one node hands out is good on the other (@fault F22)', async () => {
    const place = await folder();
    const [old, next] = [await deploy('session', place.file), await deploy('hybrid', place.file)];
    const { cookie } = await enter(old, '/auth/sign-up');
    const token = await tokenIn(await sessionGrant(holding(next, cookie)));
    for (const world of [old, next]) {
      assert.equal((await holding(world, cookie).get('/auth/me')).status, 200);
      assert.equal(await new Program(world.auth).status(token), 200);
    }
    const out = await new Program(old.auth).send('POST', '/auth/sign-out', { bearer: token });
    assert.equal(out.status, 200);
    for (const world of [old, next]) {
      // The other node pulls by itself, and does not trust its copy for longer than this.
      world.clock.advance(5_001);
      assert.equal((await holding(world, cookie).get('/auth/me')).status, 401);
      assert.equal(await new Program(world.auth).status(token), 401);
      await world.auth.close();
    }
    await place.remove();
  });

  test('the session’s data go along (@asvs 7.2.4)', async () => {
    const place = await folder();
    const before = await deploy('session', place.file);
    const request = (cookie: string | null): Request =>
      new Request('http://localhost:3000/x', { headers: cookie === null ? {} : { Cookie: cookie } });
    const { cookie } = await enter(before, '/auth/sign-up');
    await (await before.auth.session(request(cookie), noCookie)).set('cart', ['a']);
    await before.auth.close();
    const world = await deploy('hybrid', place.file);
    const token = await tokenIn(await sessionGrant(holding(world, cookie)));
    const byToken = new Request('http://localhost:3000/x', { headers: { Authorization: `Bearer ${token}` } });
    for (const asked of [request(cookie), byToken]) {
      assert.deepEqual(await (await world.auth.session(asked, noCookie)).get('cart'), ['a']);
    }
    await world.auth.close();
    await place.remove();
  });
});
