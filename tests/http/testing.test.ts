import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  type AuthEvent,
  assurance,
  isFailure,
  type Latchkey,
  latchkey,
  type PrincipalUser,
  permissions,
  recent,
  role,
  sqlite,
} from 'latchkey';
import { hono } from 'latchkey/hono';
import { testing } from 'latchkey/testing';
import { z } from 'zod';
import { temporaryFolder } from '../server/process.ts';
import { bodyOf, codeOf, OTHER_PASSWORD, PASSWORD, TEST_SECRET } from './world.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ORIGIN = 'https://app.example.com';
const DAY = 86_400_000;
const ADA = 'ada@example.com';

const user = z.object({ plan: z.enum(['free', 'pro']).default('free'), team: z.string().optional() });
type Fields = z.infer<typeof user>;

/** An application's configuration, with a file that must not be there afterwards. */
function application(filename: string, onEvent: (event: AuthEvent) => void = () => undefined) {
  return latchkey({
    url: ORIGIN,
    secret: TEST_SECRET,
    store: sqlite(filename),
    clients: { web: 'session', spa: 'hybrid', ios: 'jwt', kiosk: { mode: 'jwt', refresh: false } },
    session: z.object({ cart: z.array(z.string()).default([]) }),
    user,
    claims: { plan: ({ fields }: PrincipalUser<Fields>) => fields.plan },
    roles: ['editor', 'auditor'],
    access: {
      reports: permissions({
        view: [role('auditor')],
        export: [recent('5m')],
        sign: [assurance('aal2')],
      }),
    },
    tokens: { audiences: ['orders'] },
    onEvent,
  });
}

type Application = ReturnType<typeof application>;

const CLIENTS = [
  { client: 'web', mode: 'session', via: 'cookie' },
  { client: 'spa', mode: 'hybrid', via: 'cookie' },
  { client: 'ios', mode: 'jwt', via: 'token' },
  { client: 'kiosk', mode: 'jwt', via: 'token' },
] as const;
const WITH_TOKENS = CLIENTS.filter(({ mode }) => mode !== 'session');

const code = (wanted: string) => (error: unknown) => isFailure(error) && error.code === wanted;
const bearer = (token: string): Headers => new Headers({ Authorization: `Bearer ${token}` });

describe('testing(auth)', () => {
  const folder = temporaryFolder();
  const file = join(folder.path, 'app.db');
  after(() => folder.remove());

  /** An application under test, until the test is over. */
  async function begin(context: TestContext) {
    const told: AuthEvent[] = [];
    const auth = application(file, (event) => told.push(event));
    const t = await testing(auth);
    context.after(async () => {
      await t.close();
      assert.equal(existsSync(file), false);
    });
    const whoIs = (headers: Readonly<Record<string, string>>) => auth.authenticate(new Headers(headers));
    return { auth, t, told, whoIs };
  }

  const signInByPassword = (auth: Application, email: string, password: string): Promise<Response> =>
    auth.handler(
      new Request(`${ORIGIN}/auth/sign-in`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Sec-Fetch-Site': 'same-origin' },
        body: JSON.stringify({ email, password }),
      }),
    );

  describe('signing somebody in', () => {
    for (const { client, mode, via } of CLIENTS) {
      test(`the headers of ${client} are what its requests carry`, async (context) => {
        const { auth, t, whoIs } = await begin(context);
        const ada = await t.signIn({
          email: ADA,
          name: 'Ada',
          roles: ['editor'],
          fields: { plan: 'pro' },
          client,
        });
        assert.deepEqual(
          Object.keys(ada.headers),
          via === 'cookie' ? ['Cookie', 'Sec-Fetch-Site'] : ['Authorization'],
        );
        assert.deepEqual(await whoIs(ada.headers), ada.principal);
        assert.equal(ada.principal.via, via);
        assert.equal(ada.principal.session.client, client);
        assert.equal(ada.principal.session.mode, mode);
        assert.equal(ada.principal.acr, 'aal1');
        assert.deepEqual(ada.principal.claims, { plan: 'pro' });
        const me = await auth.handler(new Request(`${ORIGIN}/auth/me`, { headers: ada.headers }));
        assert.equal(me.status, 200);
        const user = await auth.users.find(ada.principal.id);
        assert.equal(user?.email, ADA);
        assert.equal(user.name, 'Ada');
        assert.deepEqual(user.roles, ['editor']);
        assert.equal(user.fields.plan, 'pro');
      });

      test(`an unsafe request of ${client} passes as one of a page of ours`, async (context) => {
        const { auth, t } = await begin(context);
        const { headers } = await t.signIn({ email: ADA, client });
        const body = new URLSearchParams({ text: 'a form' });
        assert.ok(await auth.require(new Request(`${ORIGIN}/notes`, { method: 'POST', headers, body })));
      });

      test(`an assurance and an earlier proof reach the principal of ${client}`, async (context) => {
        const { auth, t } = await begin(context);
        const authTime = t.clock.now() - 600_000;
        const { principal } = await t.signIn({ email: ADA, client, acr: 'aal2', authTime });
        assert.equal(principal.acr, 'aal2');
        // A token says whole seconds.
        assert.ok(authTime - principal.authTime < 1_000 && principal.authTime <= authTime);
        assert.equal(await auth.can(principal, 'reports:sign'), true);
        assert.equal(await auth.can(principal, 'reports:export'), false);
        const plain = await t.signIn({ email: ADA, client });
        assert.equal(await auth.can(plain.principal, 'reports:sign'), false);
        assert.equal(await auth.can(plain.principal, 'reports:export'), true);
      });
    }

    test('a page of another site is still refused', async (context) => {
      const { auth, t } = await begin(context);
      const { headers } = await t.signIn({ email: ADA });
      const foreign = { ...headers, 'Sec-Fetch-Site': 'cross-site' };
      const request = new Request(`${ORIGIN}/notes`, { method: 'POST', headers: foreign });
      await assert.rejects(auth.require(request), code('LK_ORIGIN_REFUSED'));
    });

    for (const { client } of WITH_TOKENS) {
      test(`${client} has tokens for each audience`, async (context) => {
        const { auth, t } = await begin(context);
        const ada = await t.signIn({ email: ADA, client });
        const own = await auth.require(bearer(await ada.token()));
        if (client === 'kiosk') {
          // As for real: its login cannot renew, and the one token that it got is the issuer's.
          await assert.rejects(ada.token('orders'), TypeError);
          return;
        }
        const orders = await auth.require(bearer(await ada.token('orders')), { audience: 'orders' });
        assert.deepEqual([own.id, own.session.id], [ada.principal.id, ada.principal.session.id]);
        assert.deepEqual([orders.id, orders.session.id], [ada.principal.id, ada.principal.session.id]);
        await assert.rejects(ada.token('invoices'), code('LK_AUDIENCE_REFUSED'));
      });
    }

    test('a client of mode session has no tokens', async (context) => {
      const { t } = await begin(context);
      const ada = await t.signIn({ email: ADA, client: 'web' });
      await assert.rejects(ada.token(), TypeError);
    });

    test('one address is one user, with a session for each time, also at once', async (context) => {
      const { t } = await begin(context);
      const both = await Promise.all([t.signIn({ email: ADA }), t.signIn({ email: 'ADA@example.com' })]);
      const all = [...both, await t.signIn({ email: ADA, client: 'ios' })];
      assert.equal(new Set(all.map(({ principal }) => principal.id)).size, 1);
      assert.equal(new Set(all.map(({ principal }) => principal.session.id)).size, 3);
    });

    test('roles and fields are those that are named, and stay where none are', async (context) => {
      const { auth, t } = await begin(context);
      const first = await t.signIn({ email: ADA, roles: ['editor'], fields: { plan: 'pro', team: 'blue' } });
      await t.signIn({ email: ADA });
      assert.deepEqual((await auth.require(new Headers(first.headers))).claims, { plan: 'pro' });
      await t.signIn({ email: ADA, roles: ['auditor', 'administrator'], fields: { team: 'red' } });
      const user = await auth.users.find(first.principal.id);
      assert.deepEqual(user?.roles, ['administrator', 'auditor']);
      assert.deepEqual({ ...user.fields }, { plan: 'free', team: 'red' });
      // What was remembered of the first session was of another time.
      assert.deepEqual((await auth.require(new Headers(first.headers))).claims, { plan: 'free' });
    });

    test('a user whom the application made is the one who signs in, and keeps the password', async (context) => {
      const { auth, t } = await begin(context);
      const { id } = await auth.users.create({ email: ADA, password: PASSWORD });
      const ada = await t.signIn({ email: ADA });
      assert.equal(ada.principal.id, id);
      assert.equal((await signInByPassword(auth, ADA, PASSWORD)).status, 200);
    });

    test('a user who was made by it has no password', async (context) => {
      const { auth, t } = await begin(context);
      await t.signIn({ email: ADA });
      const answer = await signInByPassword(auth, ADA, OTHER_PASSWORD);
      assert.equal(answer.status, 401);
      assert.equal(await codeOf(answer), 'LK_CREDENTIALS_REFUSED');
    });

    test('what is not configured is a wrong call', async (context) => {
      const { auth } = await begin(context);
      // As whoever writes JavaScript calls it.
      const loose: Latchkey = auth;
      const tests = await testing(loose);
      await assert.rejects(tests.signIn({ email: ADA, client: 'tv' }), TypeError);
      await assert.rejects(tests.signIn({ email: ADA, roles: ['emperor'] }), TypeError);
      await assert.rejects(tests.signIn({ email: ADA, authTime: tests.clock.now() + 60_000 }), TypeError);
      await assert.rejects(tests.signIn({ email: ADA, fields: { plan: 'x' } }), code('LK_REQUEST_INVALID'));
      await assert.rejects(tests.signIn({ email: 'ada' }), code('LK_REQUEST_INVALID'));
      assert.equal(await auth.users.findByEmail(ADA), null);
      await tests.close();
    });
  });

  describe('the clock', () => {
    test('moves the wall clock and the monotonic one on', async (context) => {
      const { t } = await begin(context);
      const { clock } = t;
      const [wall, monotonic] = [clock.now(), clock.monotonic()];
      await clock.advance('8d');
      assert.ok(clock.now() - wall >= 8 * DAY && clock.now() - wall < 9 * DAY);
      assert.ok(clock.monotonic() - monotonic >= 8 * DAY && clock.monotonic() - monotonic < 9 * DAY);
    });

    test('takes durations alone', async (context) => {
      const { t } = await begin(context);
      const before = t.clock.now();
      for (const text of ['8 days', '-8d', ''] as const) {
        // @ts-expect-error: no duration, which whoever writes JavaScript is not told
        await assert.rejects(t.clock.advance(text), TypeError, text);
      }
      assert.ok(t.clock.now() - before < DAY);
    });

    for (const { client, via } of CLIENTS) {
      test(`what is remembered of ${client} ends when its time is over`, async (context) => {
        const { t, whoIs } = await begin(context);
        const { headers } = await t.signIn({ email: ADA, client });
        assert.ok(await whoIs(headers));
        await t.clock.advance(via === 'cookie' ? '8d' : '6m');
        await assert.rejects(whoIs(headers), code(via === 'cookie' ? 'LK_SESSION_IDLE' : 'LK_TOKEN_EXPIRED'));
      });
    }

    test('a session in use is alive after any number of short advances', async (context) => {
      const { t, whoIs } = await begin(context);
      const { headers } = await t.signIn({ email: ADA });
      for (let day = 0; day < 28; day += 4) {
        assert.ok(await whoIs(headers), `on day ${day}`);
        await t.clock.advance('4d');
      }
      assert.ok(await whoIs(headers));
      await t.clock.advance('4d');
      await assert.rejects(whoIs(headers), code('LK_SESSION_EXPIRED'));
    });

    test("leaves the log's copy fresh, so that a token is still checked without the store", async (context) => {
      const { auth, t, whoIs } = await begin(context);
      const ada = await t.signIn({ email: ADA, client: 'ios' });
      await t.clock.advance('4m');
      const { fresh, lag } = await auth.status();
      assert.equal(fresh, true);
      assert.ok(lag < 5_000);
      assert.deepEqual(await whoIs(ada.headers), ada.principal);
    });

    for (const { client } of WITH_TOKENS.filter((row) => row.client !== 'kiosk')) {
      test(`${client} has another token after its first has expired, until its session ends`, async (context) => {
        const { auth, t } = await begin(context);
        const ada = await t.signIn({ email: ADA, client });
        const first = await ada.token();
        await t.clock.advance('6m');
        await assert.rejects(auth.require(bearer(first)), code('LK_TOKEN_EXPIRED'));
        assert.equal((await auth.require(bearer(await ada.token()))).id, ada.principal.id);
        await auth.revoke({ session: ada.principal.session.id });
        await assert.rejects(ada.token(), code('LK_GRANT_REFUSED'));
      });
    }

    test('a login without a row has no token beyond its first ones', async (context) => {
      const { auth, t } = await begin(context);
      const ada = await t.signIn({ email: ADA, client: 'kiosk' });
      await t.clock.advance('6m');
      await assert.rejects(auth.require(bearer(await ada.token())), code('LK_TOKEN_EXPIRED'));
    });
  });

  describe('what is as usual', () => {
    for (const { client, via } of CLIENTS) {
      test(`${client} is out as soon as its user is revoked, and may sign in again`, async (context) => {
        const { auth, t, whoIs } = await begin(context);
        const { headers, principal } = await t.signIn({ email: ADA, client });
        assert.ok(await whoIs(headers));
        const receipt = await auth.revoke({ user: principal.id });
        const { settled, followers } = await receipt.settledWithin({ timeout: '5s' });
        assert.deepEqual([settled, followers], [true, { confirmed: 1, pending: 0 }]);
        await assert.rejects(
          whoIs(headers),
          code(via === 'cookie' ? 'LK_SESSION_REVOKED' : 'LK_TOKEN_REVOKED'),
        );
        assert.ok(await whoIs((await t.signIn({ email: ADA, client })).headers));
      });
    }

    test('events are told here and to the configuration', async (context) => {
      const { auth, t, told } = await begin(context);
      const ada = await t.signIn({ email: ADA });
      await t.signIn({ email: ADA, roles: ['editor'], client: 'ios' });
      await assert.rejects(auth.authorize(ada.principal, 'reports:view'), code('LK_FORBIDDEN'));
      const expected = [
        ['signed_up', 'web'],
        ['roles_changed', undefined],
        ['signed_in', 'ios'],
        ['access_denied', undefined],
      ];
      assert.deepEqual(
        t.events.map(({ type, client }) => [type, client]),
        expected,
      );
      assert.ok(t.events.every(({ user }) => user === ada.principal.id));
      assert.deepEqual(told, t.events);
    });

    test('the configuration is what it was', async (context) => {
      const { auth } = await begin(context);
      const { onEvent, clients, explanation, rootSecret, ...rest } = application(file).config;
      const now = auth.config;
      assert.ok(onEvent !== now.onEvent);
      assert.deepEqual([...now.clients], [...clients]);
      assert.deepEqual(now.explanation, explanation);
      assert.equal(now.rootSecret.current.id, rootSecret.current.id);
      for (const name of ['origin', 'secure', 'idle', 'absolute', 'accessLife', 'maxStaleness'] as const)
        assert.deepEqual(now[name], rest[name]);
    });

    test('session data are those of the headers', async (context) => {
      const { auth, t } = await begin(context);
      const { headers } = await t.signIn({ email: ADA });
      const session = () =>
        auth.session(new Request(ORIGIN, { headers }), () => assert.fail('there is a session already'));
      await (await session()).set('cart', ['tea']);
      assert.deepEqual(await (await session()).get('cart'), ['tea']);
      const list = await auth.handler(new Request(`${ORIGIN}/auth/sessions`, { headers }));
      assert.equal(JSON.stringify(await bodyOf(list)).match(/"current":true/g)?.length, 1);
    });
  });

  describe('beginning and ending', () => {
    test('each one begins with an empty store, and tells its own events', async (context) => {
      const { auth, t, told, whoIs } = await begin(context);
      const ada = await t.signIn({ email: ADA });
      const next = await testing(auth);
      assert.equal(await auth.users.findByEmail(ADA), null);
      await assert.rejects(whoIs(ada.headers), code('LK_SESSION_UNKNOWN'));
      await next.signIn({ email: ADA });
      assert.deepEqual([t.events.length, next.events.length, told.length], [1, 1, 2]);
      await next.close();
    });

    test('the one before ends: nothing is written where nobody reads', async (context) => {
      const { auth, t } = await begin(context);
      const next = await testing(auth);
      const ended = { name: 'TypeError', message: /has ended/ };
      await assert.rejects(t.signIn({ email: ADA }), ended);
      await assert.rejects(t.clock.advance('1s'), ended);
      await next.close();
      // A late request opens it once more: it is over all the same.
      assert.equal(await auth.users.findByEmail(ADA), null);
      await assert.rejects(next.signIn({ email: ADA }), ended);
      await assert.rejects(next.clock.advance('1s'), ended);
      await auth.close();
    });

    test('a late request meets an empty store in memory, never its own', async (context) => {
      const { auth, t, whoIs } = await begin(context);
      const { headers } = await t.signIn({ email: ADA });
      await t.close();
      await t.close();
      await assert.rejects(whoIs(headers), code('LK_SESSION_UNKNOWN'));
      assert.equal(existsSync(file), false);
      await auth.close();
    });

    test('takes nothing but what latchkey() made', async (context) => {
      const { auth } = await begin(context);
      await assert.rejects(testing(new Proxy(auth, { has: () => false })), TypeError);
    });
  });
});

describe('a Latchkey that may be serving people', () => {
  const uses: readonly [what: string, use: (auth: Application) => Promise<unknown>][] = [
    ['ready() was called', (auth) => auth.ready()],
    ['a request was served', (auth) => auth.handler(new Request(`${ORIGIN}/auth/me`))],
    ['somebody was asked for', (auth) => auth.authenticate(new Headers())],
    ['a user was looked for', (auth) => auth.users.findByEmail(ADA)],
    ['it was opened and closed again', (auth) => auth.ready().then(() => auth.close())],
  ];
  for (const [what, use] of uses) {
    test(`is not exchanged after ${what}`, async () => {
      const auth = application(':memory:');
      await use(auth);
      const before = auth.config;
      await assert.rejects(testing(auth), TypeError);
      assert.equal(auth.config, before);
      await auth.close();
    });
  }

  test('is not exchanged while it opens, nor after that has failed', async () => {
    const auth = application('/nowhere/app.db');
    const opening = auth.ready();
    await assert.rejects(testing(auth), TypeError);
    await assert.rejects(opening);
    await assert.rejects(testing(auth), TypeError);
  });

  test('is told from one that was only built into an application', async () => {
    const auth = application('/nowhere/app.db');
    hono(auth);
    assert.equal(auth.answers('/auth/me'), true);
    assert.ok(auth.openApi());
    assert.equal((await auth.status()).store, false);
    const t = await testing(auth);
    assert.equal((await auth.status()).store, true);
    await t.close();
  });
});

describe('docs/testing.md', () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  test('its example passes as it stands there, opens no file, and ends by itself', async () => {
    const page = readFileSync(join(ROOT, 'docs/testing.md'), 'utf8');
    const files = [...page.matchAll(/^```ts (\S+)\n([\s\S]*?)^```$/gm)];
    assert.deepEqual(
      files.map(([, name]) => name),
      ['auth.ts', 'app.ts', 'app.test.ts'],
    );
    for (const [, name = '', text = ''] of files) writeFileSync(join(folder.path, name), text);
    writeFileSync(join(folder.path, 'package.json'), '{ "type": "module" }');
    symlinkSync(join(ROOT, 'node_modules'), join(folder.path, 'node_modules'));
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=latchkey-source', '--test', '--test-reporter=tap'],
      // Killed where it does not end, which rejects.
      { cwd: folder.path, env: { ...env, LATCHKEY_SECRET: TEST_SECRET }, timeout: 45_000 },
    );
    assert.match(stdout, /^# pass 3$/m);
    assert.equal(existsSync(join(folder.path, 'app.db')), false);
  });
});
