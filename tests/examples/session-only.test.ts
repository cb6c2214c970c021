import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, beforeEach, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createAuth } from '../../examples/session-only/auth.ts';
import { application } from '../../examples/session-only/pages.ts';
import { freePort } from '../../tools/own-server.mjs';
import { cookieOf, startUntil, temporaryFolder } from '../server/process.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/session-only/', import.meta.url));
const ORIGIN = 'https://app.example.com';
const PASSWORD = 'lantern orchid gravel seven';
const OTHER_PASSWORD = 'marble teapot bridge nine';
const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
const START = Date.UTC(2026, 10, 23);

/** The application in this process, with a clock and a network of its own. */
class World {
  time = START;
  network = '192.0.2.1';
  readonly database: string;
  readonly auth: ReturnType<typeof createAuth>;
  readonly app: ReturnType<typeof application>;

  constructor(database: string, url = ORIGIN) {
    this.database = database;
    this.auth = createAuth({ url, database, networkOf: () => this.network, now: () => this.time });
    this.app = application(this.auth, url.startsWith('https:'));
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return this.app.fetch(new Request(`${ORIGIN}${path}`, init));
  }

  browser(): Browser {
    return new Browser(this);
  }

  /** A browser that has just signed up. */
  async member(email: string): Promise<Browser> {
    const browser = this.browser();
    const response = await browser.post('/sign-up', { email, password: PASSWORD });
    assert.equal(response.status, 303);
    return browser;
  }

  /** What stands in the database, by a connection of the test's own. */
  rows(query: string): Record<string, unknown>[] {
    using db = new DatabaseSync(this.database);
    return db.prepare(query).all();
  }
}

/** Somebody's browser, which keeps the cookie. */
class Browser {
  cookie = '';
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  get(path: string): Promise<Response> {
    return this.#world.fetch(path, { headers: { Cookie: this.cookie } });
  }

  async post(path: string, fields: Record<string, string> = {}): Promise<Response> {
    const response = await this.#world.fetch(path, {
      method: 'POST',
      headers: { 'Sec-Fetch-Site': 'same-origin', Cookie: this.cookie },
      body: new URLSearchParams(fields),
    });
    if (response.headers.has('set-cookie')) this.cookie = cookieOf(response);
    return response;
  }

  signIn(email: string, password = PASSWORD): Promise<Response> {
    return this.post('/sign-in', { email, password });
  }

  /** The address of who is signed in. */
  async whoAmI(): Promise<string | null> {
    const { user } = (await (await this.get('/me')).json()) as { user: { email: string } | null };
    return user?.email ?? null;
  }
}

describe('examples/session-only: what it is', () => {
  test('auth.ts has at most 200 lines, comments included', () => {
    assert.ok(readFileSync(join(EXAMPLE, 'auth.ts'), 'utf8').trimEnd().split('\n').length <= 200);
  });

  test('nothing of it imports anything of ours', () => {
    const allowed = /^(node:.+|hono(\/.+)?|@hono\/node-server(\/.+)?|@node-rs\/argon2|\.\/(auth|pages)\.ts)$/;
    for (const file of readdirSync(EXAMPLE).filter((name) => name.endsWith('.ts'))) {
      const text = readFileSync(join(EXAMPLE, file), 'utf8');
      const imported = [...text.matchAll(/\bfrom '([^']+)'|\bimport\(?\s*'([^']+)'/g)].map(
        ([, from, bare]) => from ?? bare ?? '',
      );
      assert.ok(imported.length > 0);
      for (const name of imported) assert.match(name, allowed, `${file} imports ${name}`);
    }
    const manifest = JSON.parse(readFileSync(join(EXAMPLE, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    assert.deepEqual(Object.keys(manifest.dependencies).toSorted(), [
      '@hono/node-server',
      '@node-rs/argon2',
      'hono',
    ]);
  });

  for (const url of ['http://app.example.com', 'http://localhost.example.com', 'http://192.0.2.1:3000']) {
    test(`${url} is refused, because a cookie would travel in the clear`, () => {
      assert.throws(() => new World(':memory:', url), TypeError);
    });
  }
});

describe('examples/session-only', () => {
  const folder = temporaryFolder();
  const world = new World(join(folder.path, 'app.db'));
  let number = 0;
  after(() => {
    world.auth.close();
    folder.remove();
  });
  beforeEach(() => {
    // Each test is another person, somewhere else, after all windows of the rates.
    number += 1;
    world.network = `192.0.2.${number}`;
    world.time = Math.max(world.time, START) + 11 * MINUTE;
  });
  const address = (): string => `ada${number}@example.com`;

  describe('the session', () => {
    test('is a cookie that no other site, script or plain connection gets', async () => {
      const browser = world.browser();
      const response = await browser.post('/sign-up', { email: address(), password: PASSWORD });
      const [line = '', ...more] = response.headers.getSetCookie();
      assert.deepEqual(more, []);
      const [pair = '', ...attributes] = line.split('; ');
      assert.match(pair, /^__Host-session=[A-Za-z0-9_-]{43}$/);
      assert.deepEqual(attributes.toSorted(), [
        'HttpOnly',
        'Max-Age=2592000',
        'Path=/',
        'SameSite=Lax',
        'Secure',
      ]);
      assert.equal(await browser.whoAmI(), address());
    });

    test('over http on this machine has a plain name with the port', async () => {
      const local = new World(':memory:', 'http://localhost:3005');
      const response = await local.browser().post('/sign-up', { email: address(), password: PASSWORD });
      const line = response.headers.get('set-cookie') ?? '';
      assert.match(line, /^session-3005=[A-Za-z0-9_-]{43};/);
      assert.match(line, /HttpOnly/);
      assert.doesNotMatch(line, /Secure/);
      local.auth.close();
    });

    test('is in the database as the SHA-256 of its secret, and the password as Argon2id', async () => {
      const browser = await world.member(address());
      const secret = browser.cookie.split('=')[1] ?? '';
      const hash = createHash('sha256').update(secret).digest('hex');
      const found = world.rows(`SELECT user FROM sessions WHERE hex(hash) = '${hash.toUpperCase()}'`);
      assert.equal(found.length, 1);
      const [user] = world.rows(`SELECT password FROM users WHERE email = '${address()}'`);
      assert.match(String(user?.['password']), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
      for (const file of readdirSync(folder.path)) {
        const bytes = readFileSync(join(folder.path, file));
        assert.ok(!bytes.includes(secret) && !bytes.includes(PASSWORD), file);
      }
    });

    test('from before a sign-in is dead after it, and one that nobody issued is not taken up', async () => {
      const browser = await world.member(address());
      const before = browser.cookie;
      await browser.signIn(address());
      assert.notEqual(browser.cookie, before);
      assert.equal(await browser.whoAmI(), address());
      const thief = world.browser();
      thief.cookie = before;
      assert.equal(await thief.whoAmI(), null);

      const planted = `__Host-session=${'A'.repeat(43)}`;
      const victim = world.browser();
      victim.cookie = planted;
      await victim.signIn(address());
      assert.notEqual(victim.cookie, planted);
      thief.cookie = planted;
      assert.equal(await thief.whoAmI(), null);
    });

    test('counts for nobody where its cookie stands there twice', async () => {
      const browser = await world.member(address());
      const twice = world.browser();
      for (const cookie of [
        `${browser.cookie}; __Host-session=x`,
        `__Host-session=x; ${browser.cookie}`,
        `${browser.cookie};${browser.cookie}`,
      ]) {
        twice.cookie = cookie;
        assert.equal(await twice.whoAmI(), null, cookie);
      }
      twice.cookie = `theme=dark; ${browser.cookie}; other__Host-session=x`;
      assert.equal(await twice.whoAmI(), address());
    });

    test('ends at sign-out, in the store as well as in the browser', async () => {
      const browser = await world.member(address());
      const other = world.browser();
      await other.signIn(address());
      const before = browser.cookie;
      const response = await browser.post('/sign-out');
      assert.equal(response.status, 303);
      assert.match(response.headers.get('set-cookie') ?? '', /^__Host-session=; Max-Age=0;.*Secure/);
      browser.cookie = before;
      assert.equal(await browser.whoAmI(), null);
      assert.equal(await other.whoAmI(), address());
    });

    test('ends with all others of its user, and of nobody else, at sign-out everywhere', async () => {
      const browser = await world.member(address());
      const elsewhere = world.browser();
      await elsewhere.signIn(address());
      const stranger = await world.member(`stranger-${address()}`);
      const before = browser.cookie;
      await browser.post('/sign-out-everywhere');
      browser.cookie = before;
      assert.equal(await browser.whoAmI(), null);
      assert.equal(await elsewhere.whoAmI(), null);
      assert.notEqual(await stranger.whoAmI(), null);
    });

    test('is over at once when its row or its user goes', async () => {
      const browser = await world.member(address());
      using db = new DatabaseSync(world.database);
      db.prepare('DELETE FROM users WHERE email = ?').run(address());
      assert.equal(await browser.whoAmI(), null);
      const response = await browser.get('/');
      assert.equal(response.status, 303);
      assert.equal(response.headers.get('location'), '/sign-in');
    });

    test('ends after seven days without use', async () => {
      const browser = await world.member(address());
      world.time += 7 * DAY - 1;
      assert.equal(await browser.whoAmI(), address());
      world.time += 7 * DAY - 1;
      assert.equal(await browser.whoAmI(), address(), 'use moves the limit');
      world.time += 7 * DAY;
      assert.equal(await browser.whoAmI(), null);
    });

    test('ends after thirty days however much it is used, and its row goes at the next sign-in', async () => {
      const browser = await world.member(address());
      for (let day = 0; day < 29; day += 1) {
        world.time += DAY;
        assert.equal(await browser.whoAmI(), address());
      }
      world.time += DAY - 1;
      assert.equal(await browser.whoAmI(), address());
      world.time += 1;
      assert.equal(await browser.whoAmI(), null);
      await world.browser().signIn(address());
      const rows = world.rows(
        `SELECT created_at FROM sessions JOIN users ON users.id = user WHERE email = '${address()}'`,
      );
      assert.deepEqual(
        rows.map((row) => row['created_at']),
        [world.time],
      );
    });

    test('outlives a restart', async () => {
      const first = new World(join(folder.path, 'restarted.db'));
      const { cookie } = await first.member(address());
      first.auth.close();
      const second = new World(first.database);
      const browser = second.browser();
      browser.cookie = cookie;
      assert.equal(await browser.whoAmI(), address());
      second.auth.close();
    });
  });

  describe('a request of another site', () => {
    const ROUTES = ['/sign-up', '/sign-in', '/sign-out', '/sign-out-everywhere', '/password'];
    const REFUSED: readonly Record<string, string>[] = [
      { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' },
      { 'Sec-Fetch-Site': 'same-site', Origin: 'https://blog.example.com' },
      // What the browser says about the site wins over an origin that anyone could have put in.
      { 'Sec-Fetch-Site': 'cross-site', Origin: ORIGIN },
      { 'Sec-Fetch-Site': 'same-origin, cross-site' },
      { Origin: 'https://evil.example' },
      { Origin: 'http://app.example.com' },
      { Origin: 'null' },
      {},
    ];
    for (const path of ROUTES) {
      test(`is refused at ${path}, and sets no cookie`, async () => {
        const browser = await world.member(address());
        // Everything else about it is right, so that nothing but where it comes from can be the reason.
        const email = path === '/sign-up' ? `other-${address()}` : address();
        for (const headers of REFUSED) {
          const response = await world.fetch(path, {
            method: 'POST',
            headers: { ...headers, Cookie: browser.cookie },
            body: new URLSearchParams({ email, password: PASSWORD, new_password: OTHER_PASSWORD }),
          });
          assert.equal(response.status, 403, JSON.stringify(headers));
          assert.equal(response.headers.get('set-cookie'), null);
          await response.body?.cancel();
        }
        assert.equal(await browser.whoAmI(), address());
        assert.deepEqual(world.rows(`SELECT id FROM users WHERE email = 'other-${address()}'`), []);
      });
    }

    test('is one whatever its method: only GET and HEAD are not asked where they come from', async () => {
      for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        assert.equal((await world.fetch('/sign-out', { method })).status, 403, method);
      }
    });

    const PASSES: readonly Record<string, string>[] = [
      { 'Sec-Fetch-Site': 'same-origin' },
      { 'Sec-Fetch-Site': 'none' },
      { Origin: ORIGIN },
    ];
    for (const headers of PASSES) {
      test(`is none with ${JSON.stringify(headers)}`, async () => {
        const response = await world.fetch('/sign-up', {
          method: 'POST',
          headers,
          body: new URLSearchParams({ email: address(), password: PASSWORD }),
        });
        assert.equal(response.status, 303);
      });
    }
  });

  describe('the password', () => {
    /** All of an answer that somebody outside can see. */
    const seen = async (response: Response): Promise<unknown> => ({
      status: response.status,
      headers: [...response.headers],
      body: await response.text(),
    });

    test('that is wrong and an address that is unknown get the same answer', async () => {
      await world.member(address());
      const wrong = await seen(await world.browser().signIn(address(), OTHER_PASSWORD));
      const unknown = await seen(await world.browser().signIn(`nobody-${address()}`, OTHER_PASSWORD));
      const none = await seen(await world.browser().signIn('not an address', OTHER_PASSWORD));
      assert.deepEqual(unknown, wrong);
      assert.deepEqual(none, wrong);
      assert.equal((wrong as { status: number }).status, 403);
    });

    test('is hashed for unknown addresses too: they fill the same queue, and who comes too many is sent away', async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => world.browser().signIn(`nobody${index}-${address()}`)),
      );
      const refused = answers.filter(({ status }) => status === 403);
      const sentAway = answers.filter(({ status }) => status === 503);
      assert.deepEqual([refused.length, sentAway.length], [16, 4]);
      assert.ok(answers.every(({ status, headers }) => (status === 503) === headers.has('retry-after')));
      assert.equal(
        (await world.browser().signIn(`nobody-${address()}`)).status,
        403,
        'the queue is empty again',
      );
    });

    for (const known of [true, false]) {
      test(`can be tried twenty times in ten minutes for ${known ? 'an account' : 'an address without one'}`, async () => {
        if (known) await world.member(address());
        for (let attempt = 0; attempt < 20; attempt += 1) {
          world.network = `198.51.100.${attempt}`;
          assert.equal((await world.browser().signIn(address(), OTHER_PASSWORD)).status, 403);
        }
        const refused = await world.browser().signIn(address().toUpperCase(), PASSWORD);
        assert.equal(refused.status, 429);
        assert.equal(refused.headers.get('retry-after'), '600');
        world.time += 10 * MINUTE;
        assert.equal((await world.browser().signIn(address(), PASSWORD)).status, known ? 303 : 403);
      });
    }

    test('can be tried sixty times in ten minutes from a network, whatever the account', async () => {
      for (let attempt = 0; attempt < 60; attempt += 1) {
        const response = await world.browser().signIn(`nobody${attempt}@example.com`);
        assert.equal(response.status, 403);
      }
      assert.equal((await world.browser().signIn('nobody@example.com')).status, 429);
      const signUp = { email: address(), password: PASSWORD };
      assert.equal((await world.browser().post('/sign-up', signUp)).status, 429);
      world.network = '198.51.100.1';
      assert.equal((await world.browser().signIn('nobody@example.com')).status, 403);
    });

    test('has at least fifteen characters, counted as people count them, and nothing else is asked', async () => {
      const signUp = (email: string, password: string): Promise<Response> =>
        world.browser().post('/sign-up', { email, password });
      assert.equal((await signUp(`a-${address()}`, 'x'.repeat(14))).status, 400);
      assert.equal((await signUp(`b-${address()}`, '🔑'.repeat(14))).status, 400);
      assert.equal((await signUp(`c-${address()}`, '🔑'.repeat(15))).status, 303);
      assert.equal((await signUp(`d-${address()}`, 'x'.repeat(1_025))).status, 400);
    });

    test('is compared whole, and is the same on every keyboard', async () => {
      const password = `${'long '.repeat(40)}caf\u00e9`;
      await world.browser().post('/sign-up', { email: address(), password });
      assert.equal((await world.browser().signIn(address(), password.slice(0, -1))).status, 403);
      assert.equal((await world.browser().signIn(address(), password.normalize('NFD'))).status, 303);
      assert.equal((await world.browser().signIn(address().toUpperCase(), password)).status, 303);
    });

    test('changes for who knows the present one, and ends every session but a new one', async () => {
      const browser = await world.member(address());
      const elsewhere = world.browser();
      await elsewhere.signIn(address());
      const before = browser.cookie;
      const wrong = { password: OTHER_PASSWORD, new_password: OTHER_PASSWORD };
      assert.equal((await browser.post('/password', wrong)).status, 403);
      assert.equal(await elsewhere.whoAmI(), address());
      const change = { password: PASSWORD, new_password: OTHER_PASSWORD };
      assert.equal((await browser.post('/password', change)).status, 303);
      assert.notEqual(browser.cookie, before);
      assert.equal(await browser.whoAmI(), address());
      assert.equal(await elsewhere.whoAmI(), null);
      assert.equal((await world.browser().signIn(address(), PASSWORD)).status, 403);
      assert.equal((await world.browser().signIn(address(), OTHER_PASSWORD)).status, 303);
    });

    test('that was changed while it was being checked lets nobody in', async () => {
      const browser = await world.member(address());
      const others: Browser[] = [];
      const signingIn: Promise<Response>[] = [];
      const change = { password: PASSWORD, new_password: OTHER_PASSWORD };
      const changing = browser.post('/password', change);
      while ((await Promise.race([changing, pause(5, null)])) === null && others.length < 15) {
        const other = world.browser();
        others.push(other);
        signingIn.push(other.signIn(address()));
      }
      assert.equal((await changing).status, 303);
      await Promise.all(signingIn);
      assert.equal(await browser.whoAmI(), address());
      for (const other of others) assert.equal(await other.whoAmI(), null);
    });
  });

  describe('what is sent', () => {
    test('is refused where it is too much, announced or not', async () => {
      const headers = {
        'Sec-Fetch-Site': 'same-origin',
        'Content-Type': 'application/x-www-form-urlencoded',
      };
      const text = `email=a&password=${'x'.repeat(64 * 1024)}`;
      const announced = { ...headers, 'Content-Length': String(text.length) };
      assert.equal(
        (await world.fetch('/sign-in', { method: 'POST', headers: announced, body: text })).status,
        413,
      );
      const stream = new Blob([text]).stream();
      const chunked: RequestInit = { method: 'POST', headers, body: stream, duplex: 'half' };
      assert.equal((await world.fetch('/sign-in', chunked)).status, 413);
    });

    const BODIES: readonly (readonly [type: string, body: string])[] = [
      ['application/x-www-form-urlencoded', ''],
      ['application/x-www-form-urlencoded', 'email=ada%40example.com'],
      ['application/x-www-form-urlencoded', 'email=ada%40example.com&__proto__=x'],
      ['multipart/form-data; boundary=x', 'nonsense'],
      ['application/json', '{"email":"ada@example.com","password":"x"}'],
      ['text/plain', 'email=a&password=b'],
    ];
    for (const [type, body] of BODIES) {
      test(`as ${type} with ${JSON.stringify(body)} is no form that can be read`, async () => {
        const headers = { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': type };
        assert.equal((await world.fetch('/sign-in', { method: 'POST', headers, body })).status, 400);
      });
    }

    for (const email of [
      'ada',
      '@',
      'a@b@c',
      'a b@example.com',
      'ada@ex\u00e4mple.com',
      '\u212aate@example.com\u0430',
    ]) {
      test(`as the address ${JSON.stringify(email)} makes no account`, async () => {
        const response = await world.browser().post('/sign-up', { email, password: PASSWORD });
        assert.equal(response.status, 400);
      });
    }

    test('as an address that has an account is said to have one, in any case', async () => {
      await world.member(address());
      const again = { email: address().toUpperCase(), password: OTHER_PASSWORD };
      assert.equal((await world.browser().post('/sign-up', again)).status, 409);
      assert.equal((await world.browser().signIn(address())).status, 303);
    });
  });

  describe('a page', () => {
    test('runs nothing, is framed by nobody and kept by no cache, also where it refuses', async () => {
      const pages = [
        world.fetch('/sign-in'),
        world.fetch('/nothing'),
        world.fetch('/sign-in', { method: 'POST' }),
        world.browser().signIn('nobody@example.com'),
        world.fetch('/'),
      ];
      for (const { headers } of await Promise.all(pages)) {
        const policy = headers.get('content-security-policy') ?? '';
        assert.match(policy, /default-src 'none'/);
        assert.match(policy, /form-action 'self'/);
        assert.match(policy, /frame-ancestors 'none'/);
        assert.equal(headers.get('cache-control'), 'no-store');
        assert.equal(headers.get('x-content-type-options'), 'nosniff');
        assert.equal(headers.get('referrer-policy'), 'same-origin');
        assert.match(headers.get('strict-transport-security') ?? '', /^max-age=\d{7,}/);
      }
    });

    test('needs no script, and says what each field is', async () => {
      for (const path of ['/sign-in', '/sign-up']) {
        const text = await (await world.fetch(path)).text();
        assert.doesNotMatch(text, /<script|\son\w+=|style=/);
        assert.match(text, /<html lang="en">/);
        assert.equal(text.match(/<h1>/g)?.length, 1);
        const fields = [...text.matchAll(/<input id="(\w+)"/g)].map(([, id]) => id);
        assert.deepEqual(fields, ['email', 'password']);
        for (const field of fields) assert.ok(text.includes(`<label for="${field}">`), field);
      }
    });

    test('that refuses a form says why, as an alert above the same form', async () => {
      const text = await (await world.browser().signIn('nobody@example.com')).text();
      assert.match(
        text,
        /<p role="alert">The address or the password is wrong\.<\/p><form method="post" action="\/sign-in">/,
      );
      assert.doesNotMatch(text, new RegExp(PASSWORD));
    });

    test('writes what people typed as text', async () => {
      const email = `"><b>${number}&@example.com`;
      const browser = await world.member(email);
      const text = await (await browser.get('/')).text();
      assert.doesNotMatch(text, /<b>/);
      assert.equal(text.split(`&quot;&gt;&lt;b&gt;${number}&amp;@example.com`).length - 1, 2);
    });

    test('behind the guard is for people who are signed in', async () => {
      const response = await world.fetch('/');
      assert.equal(response.status, 303);
      assert.equal(response.headers.get('location'), '/sign-in');
      for (const path of ['/password', '/sign-out-everywhere']) {
        assert.equal((await world.browser().post(path)).headers.get('location'), '/sign-in');
      }
    });
  });
});

describe('examples/session-only as a process', () => {
  test('runs, logs no secret, and leaves a database that is its owner’s alone', async (t) => {
    const folder = temporaryFolder();
    t.after(() => folder.remove());
    const port = await freePort();
    const url = `http://localhost:${port}`;
    const database = join(folder.path, 'app.db');
    const environment = { PORT: String(port), DATABASE: database };
    const app = await startUntil(join(EXAMPLE, 'server.ts'), [], environment, /is ready/);
    t.after(() => app.end('SIGKILL'));
    const post = (path: string, fields: Record<string, string>, cookie = ''): Promise<Response> =>
      fetch(`${url}${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers: { 'Sec-Fetch-Site': 'same-origin', Cookie: cookie },
        body: new URLSearchParams(fields),
      });
    const signedUp = await post('/sign-up', { email: 'ada@example.com', password: PASSWORD });
    assert.equal(signedUp.status, 303);
    const first = cookieOf(signedUp);
    assert.match(first, new RegExp(`^session-${port}=`));
    const page = await fetch(url, { headers: { Cookie: first } });
    assert.match(await page.text(), /You are signed in as <strong>ada@example\.com<\/strong>/);
    assert.equal(
      (await post('/sign-in', { email: 'ada@example.com', password: OTHER_PASSWORD })).status,
      403,
    );
    const second = cookieOf(await post('/sign-in', { email: 'ada@example.com', password: PASSWORD }, first));
    await post('/password', { password: PASSWORD, new_password: OTHER_PASSWORD }, second);
    await post('/sign-in', { email: 'ada@example.com', password: 'x'.repeat(70_000) });

    for (const file of readdirSync(folder.path))
      assert.equal(statSync(join(folder.path, file)).mode & 0o077, 0, file);
    assert.equal(await app.end('SIGTERM'), 0);
    const printed = `${app.output.stdout}${app.output.stderr}`;
    for (const secret of [
      PASSWORD,
      OTHER_PASSWORD,
      'ada@example.com',
      first.split('=')[1],
      second.split('=')[1],
    ]) {
      assert.ok(secret !== undefined && !printed.includes(secret));
    }
  });

  test('counts attempts by the address that its own proxy saw, and by the /64 of an IPv6 address', async (t) => {
    const folder = temporaryFolder();
    t.after(() => folder.remove());
    const port = await freePort();
    const environment = { PORT: String(port), DATABASE: join(folder.path, 'app.db'), PROXY: '1' };
    const app = await startUntil(join(EXAMPLE, 'server.ts'), [], environment, /is ready/);
    t.after(() => app.end('SIGKILL'));
    const attempt = async (forwardedFor: string): Promise<number> => {
      const response = await fetch(`http://localhost:${port}/sign-up`, {
        method: 'POST',
        headers: { 'Sec-Fetch-Site': 'same-origin', 'X-Forwarded-For': forwardedFor },
        body: new URLSearchParams({ email: 'no address' }),
      });
      return response.status;
    };
    for (let count = 0; count < 60; count += 1) {
      assert.equal(await attempt(`203.0.113.${count}, 2001:db8::${(count + 1).toString(16)}`), 400);
    }
    assert.equal(await attempt('203.0.113.99, 2001:db8:0:0:a:b:c:d'), 429);
    assert.equal(await attempt('2001:db8::1, 2001:db8:0:1::1'), 400);
    for (let count = 0; count < 61; count += 1) {
      assert.equal(
        await attempt(`::ffff:192.0.2.${count}`),
        400,
        'an IPv4 address is one, however it is written',
      );
    }
  });
});
