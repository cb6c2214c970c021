import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CODES, type Code } from 'latchkey';
import { codeOf, openWorld, PASSWORD, type World } from './world.ts';

/** The codes that the OpenAPI document names, by operation and status. */
function documented(world: World): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const [path, methods] of Object.entries(world.auth.openApi().paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const codes = JSON.stringify(operation).matchAll(/`(LK_\w+)`/g);
      found.set(`${method.toUpperCase()} ${path}`, new Set(Array.from(codes, ([, code]) => code ?? '')));
    }
  }
  return found;
}

describe('the codes of the OpenAPI document', () => {
  let world: World;
  before(async () => {
    world = await openWorld({ clients: { web: 'session', once: { mode: 'jwt', refresh: false } } });
    await world.browser().signUp('ada@example.com');
  });
  after(() => world.auth.close());
  const named = (operation: string) => documented(world).get(operation);
  const post = (path: string, body: unknown): Promise<Response> => world.browser().post(path, body);

  test('are public ones alone', () => {
    const isKnown = (code: string): code is Code => Object.hasOwn(CODES, code);
    for (const [operation, codes] of documented(world)) {
      for (const code of codes)
        assert.ok(isKnown(code) && CODES[code].public === true, `${operation} ${code}`);
    }
  });

  const wrong = { email: 'ada@example.com', password: 'x' };
  const taken = { email: 'ada@example.com', password: PASSWORD };
  const refusals: readonly (readonly [operation: string, path: string, body: unknown, code: string])[] = [
    ['POST /auth/sign-in', '/auth/sign-in', wrong, 'LK_CREDENTIALS_REFUSED'],
    ['POST /auth/sign-in', '/auth/sign-in', {}, 'LK_REQUEST_INVALID'],
    ['POST /auth/sign-up', '/auth/sign-up', taken, 'LK_EMAIL_TAKEN'],
    ['POST /auth/sign-up', '/auth/sign-up', { ...taken, password: 'x' }, 'LK_PASSWORD_REFUSED'],
    ['POST /auth/setup', '/auth/setup', { ...taken, token: 'lku_x' }, 'LK_CREDENTIALS_REFUSED'],
    ['POST /auth/sign-out', '/auth/sign-out', {}, 'LK_UNAUTHENTICATED'],
    ['POST /auth/password', '/auth/password', {}, 'LK_UNAUTHENTICATED'],
    ['POST /auth/token', '/auth/token', { grant_type: 'x' }, 'LK_GRANT_UNSUPPORTED'],
    ['POST /auth/token', '/auth/token', { grant_type: 'urn:latchkey:grant:session' }, 'LK_GRANT_REFUSED'],
    ['POST /auth/revoke', '/auth/revoke', {}, 'LK_REQUEST_INVALID'],
  ];
  for (const [operation, path, body, code] of refusals) {
    test(`name ${code}, which ${operation} answers`, async () => {
      assert.equal(await codeOf(await post(path, body)), code);
      assert.ok(named(operation)?.has(code));
    });
  }

  test('name for a route nothing that is another’s', () => {
    const all = documented(world);
    assert.ok(all.get('POST /auth/sign-up')?.has('LK_GRANT_REFUSED') === false);
    assert.ok(all.get('POST /auth/token')?.has('LK_PASSWORD_REFUSED') === false);
    assert.ok(all.get('GET /auth/me')?.has('LK_ORIGIN_REFUSED') === false);
  });
});
