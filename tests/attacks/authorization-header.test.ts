import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sqlite } from 'latchkey';
import { codeOf, openWorld, PASSWORD, type World } from '../http/world.ts';
import { BUTTONS, folder, type Operation, operationsOf, rowsOf, send, statusOf } from './scene.ts';

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

const SESSION_GRANT = JSON.stringify({ grant_type: 'urn:latchkey:grant:session' });

/** What neither the header nor the cookie authenticates: a token in the body does, or nothing has to. */
const looksAtNeither = ({ method, oauth, signedIn, service, gateway }: Operation): boolean =>
  !service && !gateway && (oauth || (method === 'GET' && !signedIn));

const isBasic = (value: string): boolean => /^basic /i.test(value);

describe('an Authorization header beside a good cookie', () => {
  let world: World;
  let place: Awaited<ReturnType<typeof folder>>;
  let cookie: string;
  before(async () => {
    place = await folder();
    world = await openWorld({ clients: { web: 'hybrid' } }, sqlite(place.file));
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
    const looking = operationsOf(world.auth).filter(
      (operation) => !operation.gateway && !looksAtNeither(operation),
    );
    assert.ok(looking.length >= 10);
    for (const { method, path, fields, takesKey } of [...looking, ...BUTTONS]) {
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
        const asClient = takesKey && isBasic(headers.get('authorization') ?? '');
        const challenge = asClient
          ? 'Basic realm="latchkey", charset="UTF-8"'
          : 'Bearer error="invalid_token"';
        assert.equal(response.headers.get('www-authenticate'), challenge);
      } else if (!button) assert.equal(await codeOf(response), 'LK_CREDENTIALS_AMBIGUOUS');
    }
    assert.equal(rowsOf(place.file), rows, 'nothing was written');
    assert.equal(await statusOf(world, cookie), 200, 'the session of the cookie lives');
  };

  /** What somebody gets who asks with these headers, without the id of the request. */
  const answerOf = async (
    { method, path, fields }: Operation,
    sent: Readonly<Record<string, string>>,
    body = JSON.stringify(Object.fromEntries(fields.map((field) => [field, 'x']))),
  ): Promise<readonly [number, string]> => {
    const headers = { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/json', ...sent };
    const response = await send(world.auth, path, method === 'GET' ? { headers } : { method, headers, body });
    assert.deepEqual(response.headers.getSetCookie(), [], path);
    return [response.status, await response.text()];
  };

  test('is not looked at where the body holds what counts, and the cookie neither (@incident B7)', async () => {
    const rows = rowsOf(place.file);
    const blind = operationsOf(world.auth).filter(looksAtNeither);
    assert.deepEqual(
      blind.map(({ path }) => path),
      ['/auth/token', '/auth/revoke', '/.well-known/jwks.json', '/.well-known/oauth-authorization-server'],
    );
    for (const operation of blind) {
      const alone = await answerOf(operation, {});
      for (const value of [...BAD, 'Bearer a.b.c, Bearer a.b.c']) {
        const both = await answerOf(operation, { Authorization: value, Cookie: cookie });
        // That one says that it is a client with a key, and is none.
        if (operation.path === '/auth/revoke' && isBasic(value)) {
          assert.equal(both[0], 401, value);
          continue;
        }
        assert.deepEqual(both, alone, `${operation.path} ${value}`);
      }
    }
    assert.equal(rowsOf(place.file), rows, 'nothing was written');
    assert.equal(await statusOf(world, cookie), 200, 'the session of the cookie lives');
  });

  test('alone counts where a session is exchanged for a token (@incident B7)', async () => {
    const operation = operationsOf(world.auth).find(({ path }) => path === '/auth/token');
    assert.ok(operation !== undefined);
    const [good] = await answerOf(operation, { Cookie: cookie }, SESSION_GRANT);
    assert.equal(good, 200, 'the cookie is good for it');
    for (const value of BAD) {
      const sent = { Authorization: value, Cookie: cookie };
      const [status, text] = await answerOf(operation, sent, SESSION_GRANT);
      assert.equal(status, 400, value);
      const { error, code } = JSON.parse(text) as Record<string, unknown>;
      assert.deepEqual([error, code], ['invalid_grant', 'LK_GRANT_REFUSED'], value);
    }
    const two = { Authorization: 'Bearer a.b.c, Bearer a.b.c', Cookie: cookie };
    const [status, text] = await answerOf(operation, two, SESSION_GRANT);
    assert.deepEqual([status, /"LK_CREDENTIALS_AMBIGUOUS"/.test(text)], [400, true]);
  });

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
    await assert.rejects(world.auth.authenticate(new Headers(headers)), { code: 'LK_TOKEN_REFUSED' });
    const request = new Request('http://localhost:3000/x', { headers });
    await assert.rejects(world.auth.require(request), { code: 'LK_TOKEN_REFUSED' });
    const basic = new Headers({ ...headers, Authorization: 'Basic dmljdGltOnBhc3N3b3Jk' });
    await assert.rejects(world.auth.authenticate(basic), { code: 'LK_CREDENTIAL_UNSUPPORTED' });
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
