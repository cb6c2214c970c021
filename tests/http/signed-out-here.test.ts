import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openWorld } from './world.ts';

const SAID = /You are signed out here: sign in again\./;

test('the sign-in page says that somebody is signed out here alike of every cookie that is not good', async () => {
  const world = await openWorld();
  const email = 'ada@example.com';
  const first = world.browser();
  await first.signUp(email);
  const good = first.cookie ?? assert.fail();
  const { id } = (await world.auth.users.findByEmail(email)) ?? assert.fail();
  const page = async (cookie: string | null, headers: Record<string, string> = {}): Promise<string> => {
    const visit = world.browser();
    visit.cookie = cookie;
    const response = await visit.get('/auth/sign-in', { headers });
    assert.equal(response.status, 200);
    assert.deepEqual(response.headers.getSetCookie(), []);
    return await response.text();
  };

  const [name = ''] = good.split('=');
  const secretless = good.slice(0, -4);
  const pages = new Set([await page(`${secretless}AAAA`), await page(`${name}=x`), await page(`${name}=`)]);
  await world.auth.revoke({ user: id });
  pages.add(await page(good));
  const again = world.browser();
  await again.signIn(email);
  world.clock.advance(31 * 86_400_000);
  pages.add(await page(again.cookie));
  assert.equal(pages.size, 1, 'forged, malformed, revoked and expired look the same');
  assert.match([...pages][0] ?? '', SAID);

  assert.doesNotMatch(await page(null), SAID);
  assert.doesNotMatch(await page('other=1'), SAID);
  const bearer = { Authorization: 'Bearer x' };
  assert.doesNotMatch(await page(good, bearer), SAID, 'beside a token the cookie is not read');
  await world.auth.close();
});

test('it does not say so to a visitor whose session is from before login, nor to who signed out', async () => {
  const world = await openWorld();
  let cookie = '';
  const session = await world.auth.session(
    new Request('http://localhost:3000', { method: 'POST', headers: { 'Sec-Fetch-Site': 'same-origin' } }),
    (value) => {
      cookie = value.split(';')[0] ?? '';
    },
  );
  await session.set('cart', ['tea']);
  assert.notEqual(cookie, '');
  const visitor = world.browser();
  visitor.cookie = cookie;
  assert.doesNotMatch(await (await visitor.get('/auth/sign-in')).text(), SAID);
  const ada = world.browser();
  await ada.signUp('ada@example.com');
  await ada.post('/auth/sign-out', {});
  assert.doesNotMatch(await (await ada.get('/auth/sign-in')).text(), SAID);
  await world.auth.close();
});
