import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { UserId } from '@latchkey/verify';
import { bodyOf, OTHER_PASSWORD, openWorld, PASSWORD, type Visit, type World } from '../http/world.ts';
import { holding, inside, sessionIn, sessionsOf, statusOf } from './scene.ts';

describe('a cookie that is replayed', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
  });
  after(() => world.auth.close());
  const opened = (): World => world;
  let people = 0;
  /** Two browsers of one person, both known to the near-cache. */
  const twoBrowsers = async (): Promise<{ here: Visit; there: Visit; email: string }> => {
    people += 1;
    const email = `replay-${people}@example.com`;
    const [here, there] = [world.browser(), world.browser()];
    await here.signUp(email);
    await there.signIn(email);
    assert.equal(await statusOf(world, here.cookie), 200);
    assert.equal(await statusOf(world, there.cookie), 200);
    return { here, there, email };
  };
  /** Refused at once, after the near-cache's life, and by every route. */
  const dead = async (cookie: string | null): Promise<void> => {
    assert.equal(await statusOf(world, cookie), 401);
    assert.equal((await holding(world, cookie).delete('/auth/sessions')).status, 401);
    assert.equal(
      (await holding(world, cookie).post('/auth/reauthenticate', { password: PASSWORD })).status,
      401,
    );
    world.clock.advance(61_000);
    assert.equal(await statusOf(world, cookie), 401);
  };

  test('is dead after sign-out, from the next request on (@asvs 7.4.1)', async () => {
    const { here, there } = await twoBrowsers();
    const held = here.cookie;
    assert.equal((await here.post('/auth/sign-out')).status, 200);
    await dead(held);
    assert.equal(await statusOf(world, there.cookie), 200, 'another session of the person lives');
  });

  test('is dead after the sign-out of the form (@asvs 7.4.1)', async () => {
    const { here } = await twoBrowsers();
    const held = here.cookie;
    assert.equal((await here.form('/auth/sign-out', {})).status, 303);
    assert.equal(here.cookie, null);
    await dead(held);
  });

  test('is dead after its expiry, and stays so when the clock goes on (@asvs 7.4.1)', async () => {
    const short = await openWorld({ sessions: { idle: '1m', absolute: '1m' } });
    const visit = short.browser();
    await visit.signUp('expired@example.com');
    short.clock.advance(60_001);
    for (const wait of [0, 3_600_000]) {
      short.clock.advance(wait);
      assert.equal(await statusOf(short, visit.cookie), 401);
    }
    await short.auth.close();
  });

  test('is dead after the session was ended from another (@asvs 7.4.1)', async () => {
    const { here, there } = await twoBrowsers();
    assert.equal((await here.delete(`/auth/sessions/${sessionIn(there.cookie)}`)).status, 200);
    await dead(there.cookie);
    assert.equal(await statusOf(world, here.cookie), 200);
  });

  test('is dead after the button on the account page (@asvs 7.4.1)', async () => {
    const { here, there } = await twoBrowsers();
    const response = await here.form('/auth/account/end-session', { session: sessionIn(there.cookie) });
    assert.equal(response.headers.get('location'), '/auth/account?done=session-ended');
    await dead(there.cookie);
  });

  test('is dead after all others were ended (@asvs 7.4.1, @asvs 7.4.3)', async () => {
    const { here, there } = await twoBrowsers();
    assert.equal((await here.delete('/auth/sessions?except=current')).status, 200);
    assert.deepEqual(await sessionsOf(here), [sessionIn(here.cookie)]);
    await dead(there.cookie);
    assert.equal(await statusOf(world, here.cookie), 200);
  });

  test('is dead after the button that ends all others (@asvs 7.4.1, @asvs 7.4.3)', async () => {
    const { here, there } = await twoBrowsers();
    assert.equal((await here.form('/auth/account/end-others', {})).status, 303);
    await dead(there.cookie);
    assert.equal(await statusOf(world, here.cookie), 200);
  });

  test('is dead after the password was changed, whoever held it (@asvs 7.4.1, @asvs 7.4.3)', async () => {
    const { here, there } = await twoBrowsers();
    const old = here.cookie;
    const change = { current_password: PASSWORD, new_password: OTHER_PASSWORD };
    assert.equal((await here.post('/auth/password', change)).status, 200);
    assert.equal(await statusOf(world, there.cookie), 401);
    assert.deepEqual(await sessionsOf(here), [sessionIn(here.cookie)]);
    await dead(there.cookie);
    await dead(old);
    assert.equal(await statusOf(world, here.cookie), 200);
  });

  for (const [name, target] of [
    ['user', (id: UserId) => ({ user: id })],
    ['client', () => ({ client: 'web' })],
    ['all', () => ({ all: true as const })],
  ] as const) {
    test(`is dead after trust in its ${name} was revoked, and a new sign-in is good (@asvs 7.4.1, @asvs 7.4.2)`, async () => {
      const { here, there, email } = await twoBrowsers();
      const id = String(inside(await bodyOf(await here.get('/auth/me')), 'id'));
      // An id that the system itself handed out.
      await opened().auth.revoke(target(id as UserId));
      assert.equal(await statusOf(opened(), here.cookie), 401);
      await dead(there.cookie);
      await here.signIn(email);
      assert.equal(await statusOf(opened(), here.cookie), 200);
    });
  }
});
