import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ORIGIN, openWorld, PASSWORD, type World } from '../http/world.ts';
import { PEER } from './scene.ts';

const LIES: readonly Record<string, string>[] = [
  { Host: 'evil.example' },
  { 'X-Forwarded-Host': 'evil.example' },
  { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Port': '443' },
  { Forwarded: 'host=evil.example;proto=https' },
  { 'X-Host': 'evil.example', 'X-Original-Host': 'evil.example', 'X-Forwarded-Server': 'evil.example' },
  { Host: 'localhost:3000, evil.example' },
];

describe('a host that a request makes up', () => {
  let world: World;
  let cookie: string;
  before(async () => {
    world = await openWorld();
    const visit = world.browser();
    await visit.signUp('host@example.com');
    cookie = visit.cookie ?? '';
  });
  after(() => world.auth.close());

  const ask = (url: string, init: RequestInit): Promise<Response> =>
    world.auth.handler(new Request(url, init), { peer: PEER });

  const toldNowhere = async (origin: string): Promise<void> => {
    const link = await world.auth.setupLink();
    const token = new URL(link?.reveal() ?? '').searchParams.get('token') ?? '';
    assert.equal(link?.reveal(), `${ORIGIN}/auth/setup?token=${token}`);
    for (const lies of LIES) {
      const same = { 'Sec-Fetch-Site': 'same-origin', Accept: 'text/html', ...lies };
      const form = { ...same, 'Content-Type': 'application/x-www-form-urlencoded' };
      const credentials = new URLSearchParams({ email: 'host@example.com', password: PASSWORD });
      const returning = new URLSearchParams([...credentials, ['return_to', 'http://evil.example/x']]);
      const answers = await Promise.all([
        ask(`${origin}/auth/account`, { headers: same }),
        ask(`${origin}/auth/password`, { headers: same }),
        ask(`${origin}/auth/sign-in`, { headers: same }),
        ask(`${origin}/auth/sign-in`, { headers: { ...same, Cookie: cookie } }),
        ask(`${origin}/auth/sign-up?return_to=${encodeURIComponent(`${origin}/x`)}`, { headers: same }),
        ask(`${origin}/auth/setup?token=${token}`, { headers: same }),
        ask(`${origin}/auth/setup`, { headers: same }),
        ask(`${origin}/auth/me`, { headers: same }),
        ask(`${origin}/auth/nothing`, { headers: same }),
        ask(`${origin}/auth/sign-in`, { method: 'POST', headers: form, body: credentials.toString() }),
        ask(`${origin}/auth/sign-in`, { method: 'POST', headers: form, body: returning.toString() }),
      ]);
      for (const response of answers) {
        const told = `${[...response.headers].join('\n')}\n${await response.text()}`;
        assert.ok(!told.includes('evil'), told);
        const location = response.headers.get('location');
        if (location !== null) assert.equal(new URL(location, ORIGIN).origin, ORIGIN);
      }
    }
  };

  for (const origin of [
    ORIGIN,
    'http://evil.example',
    'https://evil.example:8443',
    'http://localhost.evil.example:3000',
  ]) {
    test(`stands in no answer to a request to ${origin} (@incident J11, @asvs 4.1.3)`, () =>
      toldNowhere(origin));
  }

  test('is no server of the OpenAPI document (@incident J11)', () => {
    assert.deepEqual(world.auth.openApi().servers, [{ url: ORIGIN }]);
  });

  test('makes no page of another site one of ours (@incident J11)', async () => {
    const response = await ask('http://evil.example/auth/sign-out', {
      method: 'POST',
      headers: { Host: 'evil.example', Origin: 'http://evil.example', Cookie: cookie },
    });
    assert.equal(response.status, 403);
  });
});
