import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sqlite } from 'latchkey';
import { codeOf, openWorld, PASSWORD, type World } from '../http/world.ts';
import { BUTTONS, folder, operationsOf, rowsOf, send, statusOf } from './scene.ts';

const BAD = [
  'Bearer forged.signature',
  'bearer forged.signature',
  'Bearer a.b.c',
  'Bearer',
  'Bearer ',
  'Basic dmljdGltOnBhc3N3b3Jk',
  'Negotiate x',
  'x',
  '',
];

describe('an Authorization header beside a good cookie', () => {
  let world: World;
  let place: Awaited<ReturnType<typeof folder>>;
  let cookie: string;
  before(async () => {
    place = await folder();
    world = await openWorld({}, sqlite(place.file));
    const visit = world.browser();
    await visit.signUp('both@example.com');
    cookie = visit.cookie ?? '';
    assert.equal(await statusOf(world, cookie), 200);
  });
  after(async () => {
    await world.auth.close();
    await place.remove();
  });

  const everything = async (headersOf: (headers: Headers) => void, status: number): Promise<void> => {
    const rows = rowsOf(place.file);
    const filled: Record<string, string> = { email: 'both@example.com', token: 'x', name: 'x' };
    for (const { method, path, fields } of [...operationsOf(world.auth), ...BUTTONS]) {
      const button = BUTTONS.some((known) => known.path === path);
      const headers = new Headers({ 'Sec-Fetch-Site': 'same-origin', Cookie: cookie });
      headersOf(headers);
      const init: RequestInit = { method, headers };
      if (button) {
        headers.set('Content-Type', 'application/x-www-form-urlencoded');
        init.body = '';
      } else if (fields.length > 0) {
        headers.set('Content-Type', 'application/json');
        const names = fields.filter((field) => field !== 'client');
        init.body = JSON.stringify(Object.fromEntries(names.map((name) => [name, filled[name] ?? PASSWORD])));
      }
      const response = await send(world.auth, path, init);
      assert.equal(response.status, status, `${method} ${path}`);
      assert.deepEqual(response.headers.getSetCookie(), [], 'the cookie is neither set nor cleared');
      if (status === 401) {
        assert.equal(response.headers.get('www-authenticate'), 'Bearer error="invalid_token"');
      } else if (!button) assert.equal(await codeOf(response), 'LK_CREDENTIALS_AMBIGUOUS');
    }
    assert.equal(rowsOf(place.file), rows, 'nothing was written');
    assert.equal(await statusOf(world, cookie), 200, 'the session of the cookie lives');
  };

  for (const value of BAD) {
    test(`alone counts, though it is bad: ${JSON.stringify(value)} (@incident B7)`, async () => {
      await everything((headers) => headers.set('Authorization', value), 401);
    });
  }

  test('is refused where there are two (@incident B7)', async () => {
    await everything((headers) => {
      headers.append('Authorization', 'Bearer a.b.c');
      headers.append('Authorization', 'Bearer a.b.c');
    }, 400);
  });

  test("counts for the application's own check as well (@incident B7)", async () => {
    const headers = { Authorization: 'Bearer forged.signature', Cookie: cookie };
    await assert.rejects(world.auth.authenticate(new Headers(headers)), {
      code: 'LK_CREDENTIAL_UNSUPPORTED',
    });
    await assert.rejects(world.auth.require(new Request('http://localhost:3000/x', { headers })), {
      code: 'LK_CREDENTIAL_UNSUPPORTED',
    });
  });

  test('shows pages as to nobody (@incident B7)', async () => {
    const headers = { Authorization: 'Bearer forged.signature', Cookie: cookie };
    const account = await send(world.auth, '/auth/account', { headers });
    assert.equal(account.status, 303);
    for (const path of ['/auth/sign-in', '/auth/sign-out', '/auth/sign-up']) {
      const response = await send(world.auth, path, { headers });
      assert.equal(response.status, 200, path);
      assert.ok(!(await response.text()).includes('both@example.com'), path);
    }
  });
});
