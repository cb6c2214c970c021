import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIENTS, Program } from './program.ts';
import { bodyOf, ORIGIN, openWorld, PASSWORD } from './world.ts';

test('checks are counted by kind and mode: those that the near-cache answered, and those that it did not', async (t) => {
  const world = await openWorld({ clients: CLIENTS });
  const { auth } = world;
  t.after(() => auth.close());
  const program = new Program(auth);
  const cookies = [];
  for (const client of ['web', 'spa'] as const) {
    const visit = world.browser();
    await visit.post('/auth/sign-up', { email: `${client}@example.com`, password: PASSWORD, client });
    cookies.push(visit.cookie ?? assert.fail('it has no cookie'));
  }
  const { access } = await program.signUp('mobile@example.com');
  await auth.clients.create({ name: 'stock', audiences: ['stock'] });
  const { key } = await auth.clients.create({ name: 'orders', audiences: ['orders'] });
  const response = await program.send('POST', '/auth/token', {
    form: { grant_type: 'client_credentials' },
    bearer: key.reveal(),
  });
  assert.equal(response.status, 200, await response.clone().text());
  const { access_token: own } = await bodyOf(response);
  assert.equal(typeof own, 'string', 'a service has a token of its own');
  const before = auth.figures().lookups;
  const check = async (headers: Record<string, string>, audience = ORIGIN): Promise<unknown> =>
    auth.authenticate(new Headers(headers), { services: true, audience }).catch(() => null);
  const [web = '', spa = ''] = cookies;
  const presented = [
    { Cookie: web },
    { Cookie: spa },
    { Authorization: `Bearer ${access}` },
    { Authorization: 'Bearer nothing.of.ours' },
  ];
  for (let asked = 0; asked < 3; asked += 1) await check({ Authorization: `Bearer ${String(own)}` }, 'stock');
  for (const headers of presented) {
    for (let asked = 0; asked < 3; asked += 1) await check(headers);
  }
  assert.deepEqual(await check({}), null, 'nothing presented is no look-up');
  const counted = auth.figures().lookups.map(({ credential, mode, hits, misses }) => {
    const earlier = before.find((each) => each.credential === credential && each.mode === mode);
    return [credential, mode, hits - (earlier?.hits ?? 0), misses - (earlier?.misses ?? 0)];
  });
  assert.deepEqual(counted, [
    ['cookie', 'session', 2, 1],
    ['cookie', 'hybrid', 2, 1],
    ['token', 'jwt', 2, 1],
    ['token', 'service', 2, 1],
    ['token', 'none', 0, 3],
  ]);
});
