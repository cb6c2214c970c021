import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { latchkey, sqlite } from 'latchkey';
import { z } from 'zod';
import { ORIGIN, OTHER_PASSWORD, PASSWORD, TEST_SECRET, testClock, Visit } from '../http/world.ts';
import { sessionIn } from './scene.ts';

describe('session fixation', () => {
  const clock = testClock();
  const auth = latchkey({
    url: ORIGIN,
    secret: TEST_SECRET,
    store: sqlite(':memory:'),
    clock,
    session: z.object({ cart: z.array(z.string()).default([]) }),
    throttle: {
      network: { attempts: 1_000_000, within: '1m' },
      account: { attempts: 1_000_000, within: '10m' },
    },
  });
  before(() => auth.ready());
  after(() => auth.close());

  /** The application's own request, with the cookie of a visit. */
  const open = async (visit: Visit): ReturnType<typeof auth.session> => {
    const headers = new Headers({ 'Sec-Fetch-Site': 'same-origin' });
    if (visit.cookie !== null) headers.set('Cookie', visit.cookie);
    const request = new Request(`${ORIGIN}/cart`, { method: 'POST', headers });
    return auth.session(request, (line) => {
      visit.cookie = line.slice(0, line.indexOf(';'));
    });
  };
  const cartOf = async (visit: Visit): Promise<readonly string[]> => (await open(visit)).get('cart');
  const visitorWith = async (item: string): Promise<Visit> => {
    const visit = new Visit(auth);
    await (await open(visit)).update('cart', (cart) => [...cart, item]);
    assert.ok(visit.cookie !== null, 'the first write begins a session');
    return visit;
  };
  const dead = async (cookie: string | null): Promise<void> => {
    const thief = new Visit(auth);
    thief.cookie = cookie;
    assert.equal((await thief.get('/auth/me')).status, 401);
    assert.deepEqual(await cartOf(thief), [], 'not even its data can be read');
    await (await open(thief)).set('cart', ['planted']);
    assert.notEqual(thief.cookie, cookie, 'what is written goes to a session of its own');
  };
  const deadAfter = async (cookie: string | null): Promise<void> => {
    clock.advance(10_001);
    await dead(cookie);
  };

  test('a session from before sign-up dies at sign-up, id and secret, and its data are carried over (@asvs 7.2.4, @incident J9)', async () => {
    const visit = await visitorWith('tea');
    const planted = visit.cookie;
    await visit.signUp('fix-up@example.com');
    assert.notEqual(sessionIn(visit.cookie), sessionIn(planted));
    assert.notEqual(visit.cookie?.split('.')[1], planted?.split('.')[1]);
    assert.deepEqual(await cartOf(visit), ['tea']);
    await dead(planted);
    assert.deepEqual(await cartOf(visit), ['tea']);
  });

  test('a session from before sign-in dies at sign-in, id and secret, and its data are carried over (@asvs 7.2.4, @incident J9)', async () => {
    await new Visit(auth).signUp('fix-in@example.com');
    const visit = await visitorWith('milk');
    const planted = visit.cookie;
    await visit.signIn('fix-in@example.com');
    assert.notEqual(sessionIn(visit.cookie), sessionIn(planted));
    assert.deepEqual(await cartOf(visit), ['milk']);
    await dead(planted);
    assert.deepEqual(await cartOf(visit), ['milk']);
  });

  test('whoever signs in while signed in leaves the session before dead (@asvs 7.2.4, @incident J9)', async () => {
    const visit = new Visit(auth);
    await visit.signUp('fix-twice@example.com');
    const first = visit.cookie;
    await visit.signIn('fix-twice@example.com');
    assert.notEqual(sessionIn(visit.cookie), sessionIn(first));
    await dead(first);
    assert.equal((await visit.get('/auth/me')).status, 200);
  });

  test("a user's data are never carried to another user who signs in on the same browser (@asvs 7.2.4, @incident J9)", async () => {
    const visit = new Visit(auth);
    await visit.signUp('fix-first@example.com');
    await (await open(visit)).set('cart', ['of the first user']);
    const first = visit.cookie;
    await visit.signUp('fix-second@example.com');
    assert.deepEqual(await cartOf(visit), []);
    await dead(first);
    await visit.signIn('fix-first@example.com');
    assert.deepEqual(await cartOf(visit), [], 'nor to a later session');
  });

  test('a cookie that nobody issued is not taken up at login (@asvs 7.2.4, @incident J9)', async () => {
    const visit = new Visit(auth);
    const planted = `latchkey-3000=lkc_${'A'.repeat(22)}.${'A'.repeat(43)}`;
    visit.cookie = planted;
    await visit.signUp('fix-planted@example.com');
    assert.notEqual(sessionIn(visit.cookie), sessionIn(planted));
    await dead(planted);
  });

  test('re-authentication leaves the old secret dead once the grace is over (@asvs 7.2.4, @incident J9)', async () => {
    const visit = new Visit(auth);
    await visit.signUp('fix-again@example.com');
    const old = visit.cookie;
    assert.equal((await visit.post('/auth/reauthenticate', { password: PASSWORD })).status, 200);
    assert.notEqual(visit.cookie?.split('.')[1], old?.split('.')[1]);
    await deadAfter(old);
    assert.equal((await visit.get('/auth/me')).status, 200);
  });

  test('a changed password leaves the old secret dead once the grace is over (@asvs 7.2.4, @incident J9)', async () => {
    const visit = new Visit(auth);
    await visit.signUp('fix-change@example.com');
    const old = visit.cookie;
    const change = { current_password: PASSWORD, new_password: OTHER_PASSWORD };
    assert.equal((await visit.post('/auth/password', change)).status, 200);
    assert.notEqual(visit.cookie?.split('.')[1], old?.split('.')[1]);
    await deadAfter(old);
    assert.equal((await visit.get('/auth/me')).status, 200);
  });
});
