import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import type { UserId } from '@latchkey/verify';
import { isFailure, latchkey, type Store, sqlite } from 'latchkey';
import { type NextLatchkey, next } from 'latchkey/next';
import { freePort } from '../../../tools/own-server.mjs';
import { cookieOf, temporaryFolder } from '../../server/process.ts';
import { PASSWORD, TEST_SECRET, type TestClock, testClock } from '../world.ts';
import { functions, within } from './next-functions.ts';
import { type Document, type SuiteAuth, suiteAuth } from './scene.ts';

type ShapeOf<System> = System extends NextLatchkey<infer S> ? S : never;

describe('pages and actions of Next', () => {
  let clock: TestClock;
  let auth: SuiteAuth;
  let app: NextLatchkey<ShapeOf<ReturnType<typeof doors>>>;
  const doors = (system: SuiteAuth) => next(system, functions);
  before(async () => {
    clock = testClock();
    auth = suiteAuth(await freePort(), clock, []);
    app = doors(auth);
  });
  after(() => auth.close());

  /** Somebody new, by their cookie, and a document that is theirs. */
  const person = async (): Promise<{ cookie: string; user: UserId; mine: Document }> => {
    const email = `${randomUUID()}@example.com`;
    const request = new Request(`${auth.config.origin}/auth/sign-up`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Sec-Fetch-Site': 'same-origin' },
      body: JSON.stringify({ email, password: PASSWORD }),
    });
    const cookie = cookieOf(await auth.handler(request));
    const user = (await auth.users.findByEmail(email))?.id;
    assert.ok(user !== undefined);
    return { cookie, user, mine: { id: randomUUID(), ownerId: user, public: false } };
  };

  /** What a page does: where it leads, the status that it has, or what it finds. */
  const page = async (
    headers: Record<string, string>,
    act: (setCookies: string[]) => Promise<unknown>,
  ): Promise<unknown> => {
    const result = await within(new Headers(headers), act);
    return result instanceof Response ? (result.headers.get('location') ?? result.status) : result;
  };

  test('tell who looks at them, and a credential that is no longer good is nobody’s', async () => {
    const { cookie, user } = await person();
    const look = (headers: Record<string, string>): Promise<unknown> =>
      page(headers, async () => (await app.principal())?.id ?? null);
    assert.equal(await look({}), null);
    assert.equal(await look({ Cookie: cookie }), user);
    assert.equal(await look({ Cookie: cookie, Authorization: 'Bearer x' }), null);
    await auth.revoke({ user });
    assert.equal(await look({ Cookie: cookie }), null);
  });

  test('lead whoever is not signed in to the sign-in page and back, from a form as well', async () => {
    const { cookie, user } = await person();
    const open = (headers: Record<string, string>): Promise<unknown> =>
      page(headers, async () => (await app.signedIn('/notes?a=1')).id);
    assert.equal(await open({ Cookie: cookie }), user);
    assert.equal(await open({}), '/auth/sign-in?return_to=%2Fnotes%3Fa%3D1');
    await auth.revoke({ user });
    const form = { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'multipart/form-data; boundary=x' };
    assert.equal(await open({ ...form, Cookie: cookie }), '/auth/sign-in?return_to=%2Fnotes%3Fa%3D1');
  });

  test('show what is there to whom it belongs: nothing is 404, another’s 403 (@asvs 8.2.2)', async () => {
    const { cookie, mine } = await person();
    const { cookie: another } = await person();
    const read = (headers: Record<string, string>, document: Document | null): Promise<unknown> =>
      page(headers, async () => (await app.may('document:read', '/documents/1', () => document)).resource.id);
    assert.equal(await read({ Cookie: cookie }, mine), mine.id);
    assert.equal(await read({ Cookie: cookie }, null), 404);
    assert.equal(await read({ Cookie: another }, mine), 403);
    assert.equal(await read({}, mine), '/auth/sign-in?return_to=%2Fdocuments%2F1');
    assert.equal(await read({}, { ...mine, public: true }), mine.id);
    assert.equal(await page({ Cookie: cookie }, () => app.may('reports:view', '/reports')), 403);
  });

  test('lead who must prove again there and back, from an action as well (@asvs 7.5.3)', async () => {
    const { cookie, mine } = await person();
    const action = { Cookie: cookie, 'Next-Action': 'x', 'Sec-Fetch-Site': 'same-origin' };
    const remove = (): Promise<unknown> =>
      page(action, async () => (await app.may('document:remove', '/documents/1', () => mine)).resource.id);
    assert.equal(await remove(), mine.id);
    clock.advance(301_000);
    assert.equal(await remove(), '/auth/reauthenticate?return_to=%2Fdocuments%2F1');
  });

  test('take the cookie from before a rotation for pages, and not for actions (@rule R11)', async () => {
    const { cookie, user, mine } = await person();
    const proved = await auth.handler(
      new Request(`${auth.config.origin}/auth/reauthenticate`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Sec-Fetch-Site': 'same-origin', Cookie: cookie },
        body: JSON.stringify({ password: PASSWORD }),
      }),
    );
    assert.notEqual(cookieOf(proved), cookie);
    assert.equal(await page({ Cookie: cookie }, async () => (await app.signedIn('/')).id), user);
    const action = { Cookie: cookie, 'Next-Action': 'x', 'Sec-Fetch-Site': 'same-origin' };
    assert.equal(await page(action, () => app.signedIn('/')), 403);
    assert.equal(await page(action, () => app.may('document:edit', '/', () => mine)), 403);
    assert.equal(await page(action, () => app.session()), 403);
    assert.equal(await page(action, () => app.principal()), null);
    const anew = { ...action, Cookie: cookieOf(proved) };
    assert.equal(await page(anew, async () => (await app.signedIn('/')).id), user);
  });

  test('are not for whoever sends two cookies (@incident C2)', async () => {
    const { cookie } = await person();
    const headers = { Cookie: `${cookie}; ${cookie}x` };
    assert.equal(await page(headers, () => app.principal()), 403);
    assert.equal(await page(headers, () => app.signedIn('/')), 403);
    assert.equal(await page(headers, () => app.session()), 403);
  });

  test('keep something of a visitor who has no session, in a cookie that no script reads', async () => {
    const action = { 'Next-Action': 'x', 'Sec-Fetch-Site': 'same-origin' };
    let cookie = '';
    await page(action, async (setCookies) => {
      await (await app.session()).set('cart', ['tea']);
      assert.equal(setCookies.length, 1);
      cookie = setCookies[0] ?? '';
    });
    assert.match(cookie, /^latchkey-\d+=lkc_[^;]+; Path=\/; Max-Age=2592000; HttpOnly=true; SameSite=lax$/);
    const headers = { Cookie: cookie.split(';')[0] ?? '' };
    assert.deepEqual(await page(headers, async () => (await app.session()).get('cart')), ['tea']);
  });

  const refuses = (headers: Record<string, string>) => async (): Promise<void> => {
    const { cookie, mine } = await person();
    const all = { Cookie: cookie, ...headers };
    assert.equal(await page(all, () => app.signedIn('/')), 403);
    assert.equal(await page(all, () => app.may('document:edit', '/', () => mine)), 403);
    assert.equal(await page(all, () => app.session()), 403);
  };
  const passes = (headers: Record<string, string>) => async (): Promise<void> => {
    const { cookie, user } = await person();
    const pass = async (from: Record<string, string>): Promise<void> => {
      const all = { Cookie: cookie, ...headers, ...from };
      assert.equal(await page(all, async () => (await app.signedIn('/')).id), user);
      assert.deepEqual(await page(all, async () => (await app.session()).get('cart')), []);
    };
    await pass({ 'Sec-Fetch-Site': 'same-origin' });
    await pass({ Origin: auth.config.origin });
  };
  // Each is what a request that changes something has, and one that only reads has not.
  for (const mark of [
    { 'Next-Action': '0123' },
    { 'Content-Type': 'multipart/form-data; boundary=x' },
    { 'Content-Type': 'application/x-www-form-urlencoded' },
    { Origin: 'http://localhost' },
  ]) {
    for (const from of [
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
      { Origin: 'https://attacker.example' },
      { Origin: 'https://attacker.example', 'X-Forwarded-Host': 'attacker.example' },
      { Origin: 'null' },
    ]) {
      const title = `refuse ${JSON.stringify(mark)} with ${JSON.stringify(from)}`;
      test(`${title} (@incident C1, @asvs 3.5.1)`, refuses({ ...mark, ...from }));
    }
    test(`let ${JSON.stringify(mark)} of their own pass`, passes(mark));
  }

  test('open for whoever follows a link from another site', async () => {
    const { cookie, user } = await person();
    const headers = { Cookie: cookie, 'Sec-Fetch-Site': 'cross-site' };
    assert.equal(await page(headers, async () => (await app.signedIn('/')).id), user);
  });
});

describe('the system of a Next application', () => {
  const madeAt = (url: string, store = sqlite(':memory:')) => latchkey({ url, secret: TEST_SECRET, store });
  const made = async (store?: Store) => madeAt(`http://localhost:${await freePort()}`, store);

  test('is made by the first request, and not where Next has none to tell of', async () => {
    let count = 0;
    const system = await made();
    const app = next(() => {
      count += 1;
      return system;
    }, functions);
    // Without a request, as while a page is built.
    await assert.rejects(app.signedIn('/'));
    await assert.rejects(app.principal());
    await assert.rejects(app.session());
    assert.equal(count, 0);
    assert.equal(await within(new Headers(), () => app.principal()), null);
    assert.equal(await within(new Headers(), () => app.principal()), null);
    assert.equal(count, 1);
    assert.equal(app.auth(), system);
    await system.close();
  });

  test('is tried again where making it has failed', async () => {
    const system = await made();
    let fails = true;
    const app = next(() => {
      if (fails) throw new Error('no secret');
      return system;
    }, functions);
    assert.throws(() => app.auth(), /no secret/);
    fails = false;
    assert.equal(app.auth(), system);
  });

  test('is one for all files of an origin, and another for another origin', async () => {
    const url = `http://localhost:${await freePort()}`;
    const systems = [madeAt(url), madeAt(url), await made()] as const;
    const [pages, routes, other] = systems.map((system) => next(() => system, functions).auth());
    assert.equal(pages, systems[0]);
    assert.equal(routes, systems[0]);
    assert.equal(other, systems[2]);
    assert.equal(next(systems[1], functions).auth(), systems[1], 'one that is handed over is used as it is');
  });

  test('served by https has a cookie that no other host and no plain connection can set (@asvs 3.3.1)', async () => {
    const system = madeAt('https://app.example.com');
    const headers = new Headers({ 'Next-Action': 'x', Origin: 'https://app.example.com' });
    await within(headers, async (setCookies) => {
      await (await next(system, functions).session()).set('cart', ['tea']);
      assert.match(
        setCookies.join(),
        /^__Host-latchkey=lkc_[^;]+; Path=\/; Max-Age=\d+; Secure; HttpOnly=true; SameSite=lax$/,
      );
    });
    await system.close();
  });

  test('that cannot reach its store says so, and lets nobody in', async () => {
    const folder = temporaryFolder();
    const file = join(folder.path, 'auth.db');
    using other = new DatabaseSync(file);
    other.exec('begin exclusive');
    const app = next(await made(sqlite(file)), functions);
    const asks: readonly (() => Promise<unknown>)[] = [app.principal, () => app.signedIn('/'), app.session];
    const isSaid = (error: unknown): boolean => isFailure(error, 'LK_STORE_UNAVAILABLE');
    await Promise.all(asks.map((ask) => assert.rejects(within(new Headers(), ask), isSaid)));
    other.exec('rollback');
    assert.equal(await within(new Headers(), app.principal), null);
    await app.auth().close();
    folder.remove();
  });
});
