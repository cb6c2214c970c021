import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { freePort } from '../../server/process.ts';
import { bodyOf, codeOf, PASSWORD, testClock } from '../world.ts';
import { Caller, oneConnection, wire } from './caller.ts';
import { type Scene, suiteAuth } from './scene.ts';

/** One thing that holds whichever adapter is in between. */
export interface Case {
  readonly title: string;
  readonly run: (scene: Scene) => Promise<void>;
}

function caller({ origin }: Scene): Caller {
  return new Caller(origin, `${randomUUID()}@example.com`);
}

/** Somebody who has signed up, with a document of their own. */
async function owner(scene: Scene, isPublic = false): Promise<{ person: Caller; path: string }> {
  const person = caller(scene);
  await person.signUp();
  const { id: ownerId } = await bodyOf(await person.call('GET', '/auth/me'));
  const id = randomUUID();
  scene.documents.set(id, { id, ownerId: String(ownerId), public: isPublic });
  return { person, path: `/documents/${id}` };
}

async function refused(response: Response, status: number, code: string): Promise<void> {
  assert.equal(response.status, status);
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  assert.equal(await codeOf(response), code);
  assert.deepEqual(response.headers.getSetCookie(), [], 'a guard sets no cookie');
}

const ROUTES: readonly Case[] = [
  {
    title: 'what is not ours falls through',
    run: async (scene) => {
      for (const path of ['/', '/.well-known/security.txt', '/authors', '/x/auth/me']) {
        const response = await caller(scene).call('GET', path);
        assert.equal(await response.text(), `app ${path}`);
      }
    },
  },
  {
    title: 'what is ours is answered, and nothing of it falls through',
    run: async (scene) => {
      const jwks = await bodyOf(await caller(scene).call('GET', '/.well-known/jwks.json'));
      assert.ok(Array.isArray(jwks['keys']));
      const metadata = await bodyOf(
        await caller(scene).call('GET', '/.well-known/oauth-authorization-server'),
      );
      assert.equal(metadata['issuer'], scene.auth.config.origin);
      await refused(await caller(scene).call('GET', '/auth'), 404, 'LK_NOT_FOUND');
      await refused(await caller(scene).call('GET', '/auth/nothing'), 404, 'LK_NOT_FOUND');
      const page = await caller(scene).visit('/auth/sign-in');
      assert.match(await page.text(), /<form/);
      assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    },
  },
  {
    title: 'HEAD answers as GET without a body, OPTIONS and a wrong method as ours',
    run: async ({ origin }) => {
      const head = await wire(origin, 'HEAD', '/auth/sign-in');
      assert.equal(head.status, 200);
      assert.equal(head.body, '');
      assert.match(head.headers['content-type'] ?? '', /text\/html/);
      const options = await wire(origin, 'OPTIONS', '/auth/me');
      assert.equal(options.status, 204);
      assert.equal(options.body, '');
      const wrong = await wire(origin, 'PUT', '/auth/me');
      assert.equal(wrong.status, 405);
      assert.equal(wrong.headers.allow, 'HEAD, GET');
    },
  },
  {
    title: 'a method that nothing of the web has is refused, and the next request is answered',
    run: async ({ origin }) => {
      for (const path of ['/auth/me', '/auth/sign-in']) {
        const { status } = await wire(origin, 'TRACE', path);
        assert.ok(status >= 400 && status < 500, String(status));
      }
      assert.equal((await wire(origin, 'GET', '/auth/me')).status, 401);
    },
  },
  {
    title: 'a query, a redirect and the headers of an answer arrive',
    run: async (scene) => {
      const { person } = await owner(scene);
      const response = await person.visit('/auth/sign-in?return_to=%2Fcart%3Fa%3D1');
      assert.equal(response.status, 303);
      assert.equal(response.headers.get('location'), '/cart?a=1');
      assert.equal(response.headers.get('cache-control'), 'no-store');
      assert.ok(response.headers.has('x-request-id'));
    },
  },
  {
    title: 'the host of a target is not believed (@incident J11)',
    run: async ({ origin, auth }) => {
      const target = 'http://attacker.example/.well-known/oauth-authorization-server';
      const response = await wire(origin, 'GET', target, {
        headers: ['X-Forwarded-Host', 'attacker.example'],
      });
      assert.equal(response.status, 200);
      assert.ok(response.body.includes(auth.config.origin));
      assert.ok(!response.body.includes('attacker'));
    },
  },
  {
    title: 'headers that are too large are refused before anything is done (@fault F17)',
    run: async ({ origin }) => {
      for (const path of ['/auth/me', '/me']) {
        const large = await wire(origin, 'GET', path, { headers: ['X-Large', 'x'.repeat(20_000)] });
        assert.equal(large.status, 431);
        const fits = await wire(origin, 'GET', path, { headers: ['X-Large', 'x'.repeat(8_000)] });
        assert.equal(fits.status, 401);
      }
    },
  },
  {
    title: 'a refused body leaves the connection to the next request (@fault F17)',
    run: async ({ origin }) => {
      const agent = oneConnection();
      const headers = ['Content-Type', 'application/json', 'Sec-Fetch-Site', 'same-origin'];
      for (const body of [Buffer.alloc(300_000, 'x'), Buffer.alloc(64_001, 'x')]) {
        for (const path of ['/auth/sign-in', '/auth/nothing', '/me']) {
          const chunked = [...headers, 'Transfer-Encoding', 'chunked'];
          const response = await wire(origin, 'POST', path, { headers: chunked, body, agent });
          assert.ok(response.status >= 400, path);
          assert.equal((await wire(origin, 'GET', '/auth/me', { agent })).status, 401);
        }
      }
      agent.destroy();
    },
  },
  {
    title: 'a client that hangs up within its body takes nothing along (@fault F24)',
    run: async (scene) => {
      const { hostname, port } = new URL(scene.origin);
      for (const path of ['/auth/sign-in', '/me', '/']) {
        const socket = connect({ host: hostname, port: Number(port) });
        await once(socket, 'connect');
        const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999`;
        await new Promise((resolve) => socket.write(`${head}\r\n\r\n{"email":`, resolve));
        socket.destroy();
      }
      assert.equal((await caller(scene).call('GET', '/auth/me')).status, 401);
    },
  },
  {
    title: 'a body that something else has read is an error at once and no wait for ever',
    run: async ({ openReadingBodies }) => {
      assert.ok(typeof openReadingBodies === 'function');
      const auth = suiteAuth(await freePort(), testClock(), []);
      const hosted = await openReadingBodies(auth, new Map());
      const person = new Caller(hosted.origin, 'eager@example.com');
      const json = { email: person.email, password: PASSWORD };
      assert.equal((await person.call('POST', '/auth/sign-up', { json })).status, 500);
      assert.equal(await auth.users.findByEmail(person.email), null);
      assert.equal((await person.call('GET', '/auth/me')).status, 401);
      await hosted.close();
      await auth.close();
    },
  },
];

const CREDENTIALS: readonly Case[] = [
  {
    title: 'a cookie is who signed up with it',
    run: async (scene) => {
      const { person } = await owner(scene);
      assert.match(person.cookie, new RegExp(`^latchkey-${new URL(scene.origin).port}=lkc_`));
      const mine = await bodyOf(await person.call('GET', '/auth/me'));
      const theirs = await bodyOf(await person.call('GET', '/me'));
      assert.equal(theirs['id'], mine['id']);
      assert.deepEqual([theirs['via'], theirs['email']], ['cookie', person.email]);
    },
  },
  {
    title: 'a token is whom it was issued to, and its client has no cookie',
    run: async (scene) => {
      const person = caller(scene);
      const token = await person.signUp('mobile');
      assert.equal(person.cookie, '');
      const response = await person.bearer(token, 'GET', '/me');
      assert.equal((await bodyOf(response))['via'], 'token');
      assert.equal((await person.bearer(token, 'GET', '/auth/me')).status, 200);
    },
  },
  {
    title: 'a hybrid client is known by its cookie and by its tokens',
    run: async (scene) => {
      const person = caller(scene);
      const token = await person.signUp('spa');
      const byCookie = await bodyOf(await person.call('GET', '/me'));
      const byToken = await bodyOf(await person.bearer(token, 'GET', '/me'));
      assert.equal(byCookie['id'], byToken['id']);
      assert.deepEqual([byCookie['via'], byToken['via']], ['cookie', 'token']);
    },
  },
  {
    title: 'who signs out is refused at once',
    run: async (scene) => {
      const person = caller(scene);
      const token = await person.signUp('spa');
      const { cookie } = person;
      assert.equal((await person.call('GET', '/me')).status, 200);
      assert.equal((await person.bearer(token, 'GET', '/me')).status, 200);
      assert.equal((await person.call('POST', '/auth/sign-out')).status, 200);
      await refused(await person.bearer(token, 'GET', '/me'), 401, 'LK_UNAUTHENTICATED');
      person.cookie = cookie;
      await refused(await person.call('GET', '/me'), 401, 'LK_UNAUTHENTICATED');
    },
  },
  {
    title: 'Authorization alone counts, also where it is bad (@asvs 7.2.1)',
    run: async (scene) => {
      const { person } = await owner(scene);
      const other = caller(scene);
      const token = await other.signUp('mobile');
      const headers = { Authorization: `Bearer ${token}`, 'Sec-Fetch-Site': 'cross-site' };
      const response = await person.call('GET', '/me', { headers });
      assert.equal((await bodyOf(response))['via'], 'token');
      for (const bad of ['Bearer x', 'Basic eDp5', 'Bearer']) {
        const answer = await person.call('GET', '/me', { headers: { Authorization: bad } });
        assert.equal(answer.headers.get('www-authenticate'), 'Bearer error="invalid_token"');
        await refused(answer, 401, 'LK_UNAUTHENTICATED');
      }
    },
  },
  {
    title: 'two credentials are none (@incident C2)',
    run: async (scene) => {
      const { person } = await owner(scene);
      const token = await caller(scene).signUp('mobile');
      const twice = await person.call('GET', '/me', {
        headers: { Cookie: `${person.cookie}; ${person.cookie}x` },
      });
      await refused(twice, 400, 'LK_CREDENTIALS_AMBIGUOUS');
      const pairs = [
        ['Cookie', person.cookie, 'Cookie', person.cookie],
        ['Authorization', `Bearer ${token}`, 'Authorization', `Bearer ${token}`],
      ];
      for (const headers of pairs) {
        for (const path of ['/me', '/auth/me']) {
          const { status, body } = await wire(scene.origin, 'GET', path, { headers });
          assert.equal(status, 400);
          assert.match(body, /"LK_CREDENTIALS_AMBIGUOUS"/);
        }
      }
    },
  },
  {
    title: 'an audience of its own is asked of tokens on its routes, and the issuer on ours (@asvs 9.2.3)',
    run: async (scene) => {
      const person = caller(scene);
      const forIssuer = await person.signUp('spa');
      const forNotes = await person.token('notes');
      assert.equal((await person.bearer(forNotes, 'GET', '/notes/me')).status, 200);
      await refused(await person.bearer(forIssuer, 'GET', '/notes/me'), 401, 'LK_UNAUTHENTICATED');
      await refused(await person.bearer(forNotes, 'GET', '/me'), 401, 'LK_UNAUTHENTICATED');
      await refused(await person.bearer(forNotes, 'GET', '/auth/me'), 401, 'LK_UNAUTHENTICATED');
      assert.equal((await person.call('GET', '/notes/me')).status, 200, 'a cookie is for whoever reads it');
    },
  },
];

const GUARDS: readonly Case[] = [
  {
    title: 'a program that nobody has signed in gets a challenge, a person the way to sign in and back',
    run: async (scene) => {
      const program = await caller(scene).call('GET', '/me?a=1&b=2');
      assert.equal(program.headers.get('www-authenticate'), 'Bearer');
      await refused(program, 401, 'LK_UNAUTHENTICATED');
      const person = await caller(scene).visit('/me?a=1&b=2');
      assert.equal(person.status, 303);
      assert.equal(person.headers.get('location'), '/auth/sign-in?return_to=%2Fme%3Fa%3D1%26b%3D2');
      assert.equal(person.headers.get('cache-control'), 'no-store');
      const below = await caller(scene).visit('/notes/me?a=1');
      assert.equal(below.headers.get('location'), '/auth/sign-in?return_to=%2Fnotes%2Fme%3Fa%3D1');
      const holder = await caller(scene).call('GET', '/me', {
        headers: { Accept: 'text/html', Authorization: 'Bearer x' },
      });
      assert.equal(holder.status, 401, 'a token in hand is no person on a page');
    },
  },
  {
    title: 'what is not there is 404, also for who is nobody',
    run: async (scene) => {
      const { person } = await owner(scene);
      for (const who of [person, caller(scene)]) {
        await refused(await who.call('GET', '/documents/none'), 404, 'LK_NOT_FOUND');
        await refused(await who.call('PUT', '/documents/none'), 404, 'LK_NOT_FOUND');
      }
    },
  },
  {
    title: 'a resource is handed to whom it belongs, and denied to another and to nobody (@asvs 8.2.2)',
    run: async (scene) => {
      const { person, path } = await owner(scene);
      const { person: other } = await owner(scene);
      const mine = await person.call('PUT', path, { text: 'a body for the handler' });
      assert.equal(mine.status, 200);
      const { id, body } = await bodyOf(mine);
      assert.deepEqual([`/documents/${String(id)}`, body], [path, 'a body for the handler']);
      await refused(await other.call('PUT', path), 403, 'LK_FORBIDDEN');
      await refused(await caller(scene).call('PUT', path), 401, 'LK_UNAUTHENTICATED');
      const page = await caller(scene).visit(path);
      assert.equal(page.headers.get('location'), `/auth/sign-in?return_to=${encodeURIComponent(path)}`);
      const denied = await other.visit(path);
      assert.equal(denied.status, 403);
      assert.match(denied.headers.get('content-type') ?? '', /text\/html/);
    },
  },
  {
    title: 'a rule for everybody lets the anonymous in, without a principal',
    run: async (scene) => {
      const { person, path } = await owner(scene, true);
      const anonymous = await bodyOf(await caller(scene).call('GET', path));
      assert.equal(anonymous['reader'], null);
      const known = await bodyOf(await person.call('GET', path));
      assert.equal(typeof known['reader'], 'string');
      const bad = await caller(scene).call('GET', path, { headers: { Authorization: 'Bearer x' } });
      await refused(bad, 401, 'LK_UNAUTHENTICATED');
    },
  },
  {
    title: 'a permission without a resource follows the role, from one request to the next (@asvs 8.3.2)',
    run: async (scene) => {
      const { person } = await owner(scene);
      const { id } = await bodyOf(await person.call('GET', '/me'));
      await refused(await person.call('GET', '/reports'), 403, 'LK_FORBIDDEN');
      await refused(await caller(scene).call('GET', '/reports'), 401, 'LK_UNAUTHENTICATED');
      await scene.auth.users.changeRoles(String(id), { add: ['auditor'] });
      assert.equal((await person.call('GET', '/reports')).status, 200);
      await scene.auth.users.changeRoles(String(id), { remove: ['auditor'] });
      await refused(await person.call('GET', '/reports'), 403, 'LK_FORBIDDEN');
    },
  },
  {
    title:
      'who must prove again is told what, and a person is led there and back (@asvs 7.5.3, @rfc 9470 §3)',
    run: async (scene) => {
      const { person, path } = await owner(scene);
      assert.equal((await person.visit(`${path}/removal`)).status, 200);
      scene.clock.advance(301_000);
      const program = await person.call('DELETE', path);
      assert.equal(
        program.headers.get('www-authenticate'),
        'Bearer error="insufficient_user_authentication", max_age="300"',
      );
      await refused(program, 401, 'LK_STEP_UP_REQUIRED');
      const page = await person.visit(`${path}/removal`);
      assert.equal(page.status, 303);
      assert.equal(
        page.headers.get('location'),
        `/auth/reauthenticate?return_to=${encodeURIComponent(`${path}/removal`)}`,
      );
      const proved = await person.call('POST', '/auth/reauthenticate', { json: { password: PASSWORD } });
      assert.equal(proved.status, 200);
      assert.equal((await person.call('DELETE', path)).status, 200);
    },
  },
  {
    title: 'a page of another site moves nothing with the cookie (@incident C1)',
    run: async (scene) => {
      const { person, path } = await owner(scene);
      for (const [method, target] of [
        ['POST', '/me'],
        ['PUT', path],
        ['DELETE', path],
        ['POST', '/cart?sku=spam'],
      ] as const) {
        for (const headers of [
          { 'Sec-Fetch-Site': 'cross-site' },
          { 'Sec-Fetch-Site': 'same-site' },
          { 'Sec-Fetch-Site': '', Origin: 'https://attacker.example' },
          { 'Sec-Fetch-Site': '', Origin: 'null' },
        ]) {
          const response = await person.call(method, target, { headers });
          assert.equal(response.status, 403, `${method} ${target}`);
          assert.ok(!response.headers.getSetCookie().some((cookie) => cookie.startsWith('latchkey-')));
        }
      }
      assert.deepEqual((await bodyOf(await person.call('GET', '/cart')))['cart'], []);
      assert.equal((await person.call('POST', '/me')).status, 200);
    },
  },
  {
    title: 'no header says that somebody has been checked elsewhere (@incident N1, @asvs 4.1.3)',
    run: async (scene) => {
      const { path } = await owner(scene);
      const headers = {
        'x-middleware-subrequest': 'middleware:middleware:middleware:middleware:middleware',
        'x-middleware-rewrite': '/',
        'x-original-url': '/',
        'x-forwarded-uri': '/',
        'x-http-method-override': 'GET',
        'x-forwarded-user': 'admin@example.com',
        'x-latchkey-principal': '{"kind":"user"}',
        'x-latchkey-user': 'admin',
      };
      for (const [method, target] of [
        ['GET', '/me'],
        ['PUT', path],
        ['GET', '/reports'],
      ] as const) {
        await refused(await caller(scene).call(method, target, { headers }), 401, 'LK_UNAUTHENTICATED');
      }
    },
  },
  {
    title: 'the address that counts is the connection’s own (@asvs 4.1.3)',
    run: async (scene) => {
      const person = caller(scene);
      await person.signUp();
      const headers = { 'X-Forwarded-For': '198.51.100.66', Forwarded: 'for=198.51.100.66' };
      const json = { email: person.email, password: PASSWORD };
      assert.equal((await person.call('POST', '/auth/sign-in', { json, headers })).status, 200);
      assert.equal(scene.events.findLast(({ type }) => type === 'signed_in')?.ip, '127.0.0.1');
    },
  },
  {
    title: 'a check writes nothing to the answer, and what a guard lets in sets no cookie',
    run: async (scene) => {
      const { person, path } = await owner(scene, true);
      for (const target of ['/me', path, '/notes/me']) {
        assert.deepEqual((await person.call('GET', target)).headers.getSetCookie(), []);
      }
    },
  },
];

const SESSIONS: readonly Case[] = [
  {
    title: 'what a visitor keeps before signing in is there afterwards, under another cookie (@asvs 7.2.4)',
    run: async (scene) => {
      const visitor = caller(scene);
      assert.deepEqual(await bodyOf(await visitor.call('GET', '/cart')), { cart: [] });
      assert.equal(visitor.cookie, '', 'reading begins no session');
      await visitor.call('POST', '/cart?sku=tea');
      const before = visitor.cookie;
      assert.notEqual(before, '');
      await visitor.call('POST', '/cart?sku=rice');
      assert.equal(visitor.cookie, before);
      await visitor.signUp();
      assert.notEqual(visitor.cookie, before);
      assert.deepEqual(await bodyOf(await visitor.call('GET', '/cart')), { cart: ['tea', 'rice'] });
    },
  },
  {
    title: 'the cookie of a session stands beside the application’s own',
    run: async (scene) => {
      const response = await caller(scene).call('POST', '/cart?sku=tea');
      const cookies = response.headers.getSetCookie();
      assert.equal(cookies.length, 2);
      assert.ok(cookies.includes('theme=dark'));
      assert.ok(cookies.some((cookie) => cookie.startsWith('latchkey-')));
    },
  },
];

/** Every case there is. */
export const CASES: readonly Case[] = [...ROUTES, ...CREDENTIALS, ...GUARDS, ...SESSIONS];
