import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, globSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../../tools/own-server.mjs';
import { OTHER_PASSWORD, PASSWORD, TEST_SECRET } from '../http/world.ts';
import { cookieOf, type Running, startUntil, temporaryFolder } from '../server/process.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const EXAMPLE = join(ROOT, 'examples/next-app');
const NEXT = join(ROOT, 'node_modules/next/dist/bin/next');

/** Two busy cores compile for a while; what takes longer does not end. */
const LONGEST_MS = 240_000;

const run = promisify(execFile);

/** Next takes the packages as those who install them do: built. */
async function buildPackages(): Promise<void> {
  const built = join(ROOT, 'packages/latchkey/dist/adapters/next.js');
  const sources = globSync('packages/{verify,latchkey}/{package.json,src/**/*.ts}', { cwd: ROOT });
  const newest = Math.max(...sources.map((file) => statSync(join(ROOT, file)).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs >= newest) return;
  await run(process.execPath, [join(ROOT, 'tools/build.mjs')], { timeout: LONGEST_MS });
}

describe('examples/next-app', { timeout: 2 * LONGEST_MS }, () => {
  const folder = temporaryFolder();
  const data = join(folder.path, 'data');
  // Below the folder that git ignores, and another one for each run.
  const distDir = `.next/test-${randomUUID()}`;
  let openedByBuild: boolean;
  let app: Running | null = null;
  let url: string;

  before(async () => {
    await buildPackages();
    const environment = { NEXT_TELEMETRY_DISABLED: '1', NEXT_DIST_DIR: distDir, DATA: data };
    const { LATCHKEY_SECRET: _, ...inherited } = process.env;
    await run(process.execPath, [NEXT, 'build', EXAMPLE], {
      env: { ...inherited, NODE_ENV: 'production', ...environment },
      timeout: LONGEST_MS,
    });
    openedByBuild = existsSync(data);
    const port = await freePort();
    url = `http://localhost:${port}`;
    app = await startUntil(
      NEXT,
      ['start', EXAMPLE, '--hostname', 'localhost', '--port', String(port)],
      { ...environment, NODE_ENV: 'production', APP_URL: url, LATCHKEY_SECRET: TEST_SECRET },
      /Ready in/,
    );
  });
  after(async () => {
    await app?.end('SIGTERM');
    rmSync(join(EXAMPLE, distDir), { recursive: true, force: true });
    folder.remove();
  });

  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${url}${path}`, { redirect: 'manual', headers: { Accept: 'text/html', ...headers } });
  const post = (path: string, fields: Record<string, string>, cookie = ''): Promise<Response> =>
    fetch(`${url}${path}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'Sec-Fetch-Site': 'same-origin', Cookie: cookie },
      body: new URLSearchParams(fields),
    });

  /** Sends the form of a page that has the fields, as a browser without scripts does. */
  const submit = async (
    path: string,
    fields: Record<string, string>,
    headers: Record<string, string>,
    form = 'name="text"',
  ): Promise<Response> => {
    const cookie = headers['Cookie'] ?? '';
    const page = await (await get(path, { Cookie: cookie })).text();
    const action = page.split('<form').find((part) => part.includes(form));
    const id = /name="(\$ACTION_ID_\w+)"/.exec(action ?? '')?.[1];
    assert.ok(id !== undefined);
    const body = new FormData();
    for (const [name, value] of Object.entries({ [id]: '', ...fields })) body.set(name, value);
    return fetch(`${url}${path}`, { method: 'POST', redirect: 'manual', headers, body });
  };
  const own = (cookie: string): Record<string, string> => ({
    'Sec-Fetch-Site': 'same-origin',
    Cookie: cookie,
  });

  /** Somebody who has just signed up, by their cookie. */
  const person = async (before = ''): Promise<{ email: string; cookie: string }> => {
    const email = `${randomUUID()}@example.com`;
    const response = await post('/auth/sign-up', { email, password: PASSWORD, return_to: '/notes' }, before);
    assert.equal(response.headers.get('location'), '/notes');
    return { email, cookie: cookieOf(response) };
  };
  const notesOf = async (cookie: string): Promise<readonly { id: string; text: string }[]> => {
    const response = await get('/api/notes', { Cookie: cookie });
    const { items } = (await response.json()) as { items: readonly { id: string; text: string }[] };
    return items;
  };
  const withNote = async (text: string): Promise<{ cookie: string; id: string }> => {
    const { cookie } = await person();
    assert.equal((await submit('/notes', { text }, own(cookie))).status, 303);
    const [note] = await notesOf(cookie);
    assert.equal(note?.text, text);
    return { cookie, id: note.id };
  };

  test('is built without a secret, and opens nothing meanwhile', () => {
    assert.equal(openedByBuild, false);
  });

  test('keeps what a visitor wrote before signing in, by an action that sets the cookie (@asvs 7.2.4)', async () => {
    const kept = await submit('/', { text: 'buy milk' }, own(''));
    assert.equal(kept.headers.get('location'), '/');
    const [line = ''] = kept.headers.getSetCookie();
    assert.match(line, /^latchkey-\d+=lkc_[^;]+; Path=\/; .*Max-Age=2592000; HttpOnly; SameSite=lax$/);
    const visitor = cookieOf(kept);
    assert.match(await (await get('/', { Cookie: visitor })).text(), /value="buy milk"/);

    const { email, cookie } = await person(visitor);
    assert.notEqual(cookie, visitor);
    const notes = await get('/notes', { Cookie: cookie });
    const text = await notes.text();
    assert.ok(text.includes(email));
    assert.match(text, /value="buy milk"/);
    assert.match(notes.headers.get('cache-control') ?? '', /no-store/);
    assert.equal(
      (await submit('/notes', { text: 'buy milk' }, own(cookie))).headers.get('location'),
      '/notes',
    );
    assert.deepEqual(
      (await notesOf(cookie)).map((note) => note.text),
      ['buy milk'],
    );
    assert.match(await (await get('/notes', { Cookie: cookie })).text(), /name="text" value=""/);
  });

  test('leads a person to the sign-in page and back, and tells a program', async () => {
    const page = await get('/notes');
    assert.equal(page.status, 307);
    assert.equal(page.headers.get('location'), '/auth/sign-in?return_to=%2Fnotes');
    const program = await get('/api/notes', { Accept: '*/*' });
    assert.equal(program.status, 401);
    assert.equal(program.headers.get('www-authenticate'), 'Bearer');
    assert.equal(program.headers.get('content-type'), 'application/problem+json');
    const visited = await get('/api/notes?a=1');
    assert.equal(visited.headers.get('location'), '/auth/sign-in?return_to=%2Fapi%2Fnotes%3Fa%3D1');
  });

  test('answers our own paths, and nothing else below them', async () => {
    assert.match(await (await get('/auth/sign-in')).text(), /Sign in · Notes/);
    assert.equal((await get('/.well-known/jwks.json')).status, 200);
    assert.equal((await get('/.well-known/nothing')).status, 404);
    assert.equal((await get('/auth/nothing')).status, 404);
    const options = await fetch(`${url}/auth/me`, { method: 'OPTIONS' });
    assert.match(options.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.equal((await fetch(`${url}/auth/me`, { method: 'PUT' })).status, 405);
  });

  test('shows a note to whom it belongs: nothing is 404, another’s 403 (@asvs 8.2.2)', async () => {
    const { cookie, id } = await withNote('mine alone');
    const { cookie: another } = await person();
    for (const path of ['/notes/', '/api/notes/']) {
      const mine = await get(`${path}${id}`, { Cookie: cookie });
      assert.equal(mine.status, 200);
      assert.match(await mine.text(), /mine alone/);
      const theirs = await get(`${path}${id}`, { Cookie: another });
      assert.equal(theirs.status, 403);
      assert.doesNotMatch(await theirs.text(), /mine alone/);
      assert.equal((await get(`${path}nothing`, { Cookie: cookie })).status, 404);
      const nobody = await get(`${path}${id}`);
      assert.equal(
        nobody.headers.get('location'),
        `/auth/sign-in?return_to=${encodeURIComponent(path + id)}`,
      );
      assert.doesNotMatch(await nobody.text(), /mine alone/);
    }
    // The form is the owner's; what it names is not.
    const { cookie: thief, id: bait } = await withNote('bait');
    await submit(`/notes/${bait}`, { id }, own(thief), 'name="id"');
    assert.equal((await notesOf(cookie)).length, 1);
    const removed = await submit(`/notes/${id}`, { id }, own(cookie), 'name="id"');
    assert.equal(removed.headers.get('location'), '/notes');
    assert.equal((await notesOf(cookie)).length, 0);
  });

  test('ends a session for its pages at once where a route handler has ended it (@asvs 7.4.1)', async () => {
    const { email, cookie } = await person();
    for (let round = 0; round < 2; round += 1) {
      assert.ok((await (await get('/', { Cookie: cookie })).text()).includes(email));
    }
    const signedOut = await post('/auth/sign-out', { return_to: '/' }, cookie);
    assert.equal(signedOut.headers.get('location'), '/');
    assert.match(await (await get('/', { Cookie: cookie })).text(), /Nobody is signed in/);
    assert.equal((await get('/notes', { Cookie: cookie })).status, 307);
  });

  test('leads back whoever sends a form after the session has ended', async () => {
    const { cookie } = await person();
    const page = await (await get('/notes', { Cookie: cookie })).text();
    const id = /name="(\$ACTION_ID_\w+)"/.exec(page)?.[1] ?? '';
    await post('/auth/sign-out', {}, cookie);
    const body = new FormData();
    body.set(id, '');
    body.set('text', 'late');
    const sent = await fetch(`${url}/notes`, {
      method: 'POST',
      redirect: 'manual',
      headers: own(cookie),
      body,
    });
    assert.equal(sent.status, 303);
    assert.equal(sent.headers.get('location'), '/auth/sign-in?return_to=%2Fnotes');
  });

  const opensNothing = (headers: Record<string, string>) => async (): Promise<void> => {
    const { cookie, id } = await withNote('kept close');
    const { cookie: another } = await person();
    for (const path of ['/notes', `/notes/${id}`, '/api/notes', `/api/notes/${id}`]) {
      for (const who of ['', another]) {
        const response = await get(path, { ...headers, Cookie: who });
        assert.doesNotMatch(await response.text(), /kept close/, path);
      }
    }
    const removed = await fetch(`${url}/api/notes/${id}`, { method: 'DELETE', headers });
    assert.equal(removed.status, 401);
    assert.equal((await notesOf(cookie)).length, 1);
  };
  for (const [name, value] of [
    ['x-middleware-subrequest', 'middleware:middleware:middleware:middleware:middleware'],
    ['x-middleware-subrequest', 'src/middleware:src/middleware:src/middleware:src/middleware:src/middleware'],
    ['x-middleware-subrequest', 'proxy:proxy:proxy:proxy:proxy'],
    ['x-middleware-next', '1'],
    ['x-middleware-rewrite', '/'],
    ['x-middleware-override-headers', 'cookie'],
    ['x-invoke-path', '/'],
    ['x-matched-path', '/'],
    ['x-nextjs-data', '1'],
    ['x-forwarded-host', 'localhost'],
    ['rsc', '1'],
    ['next-router-prefetch', '1'],
  ] as const) {
    test(`${name}: ${value} opens nothing (@incident N1, @asvs 8.3.1)`, opensNothing({ [name]: value }));
  }

  const doesNothing = (from: Record<string, string>) => async (): Promise<void> => {
    const { cookie, id } = await withNote('mine');
    const headers: Record<string, string> = { ...from, Cookie: cookie };
    if (headers['Origin'] === 'own') headers['Origin'] = url;
    const drafted = await submit('/', { text: 'spam' }, headers);
    assert.ok(drafted.status >= 400);
    assert.deepEqual(drafted.headers.getSetCookie(), []);
    assert.ok((await submit('/notes', { text: 'spam' }, headers)).status >= 400);
    assert.ok((await submit(`/notes/${id}`, { id }, headers, 'name="id"')).status >= 400);
    const texts = (await notesOf(cookie)).map((note) => note.text);
    assert.deepEqual(texts, ['mine']);
    assert.doesNotMatch(await (await get('/', { Cookie: cookie })).text(), /spam/);
  };
  for (const from of [
    {},
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
    { 'Sec-Fetch-Site': 'cross-site', Origin: 'own' },
    { Origin: 'https://attacker.example' },
    { Origin: 'https://attacker.example', 'X-Forwarded-Host': 'attacker.example' },
    { Origin: 'null' },
  ]) {
    const title = `does nothing for a form of another site: ${JSON.stringify(from)}`;
    test(`${title} (@incident C1, @asvs 3.5.1)`, doesNothing(from));
  }

  test('has pages that ask no other host for anything', async () => {
    const { cookie } = await person();
    for (const path of ['/', '/notes', '/auth/sign-in']) {
      const page = await (await get(path, { Cookie: cookie })).text();
      for (const [, target = ''] of page.matchAll(/(?:src|href|action)="([^"]*)"/g)) {
        assert.ok(!/^(?:\w+:|\/\/)/.test(target), target);
      }
    }
  });

  test('prints no credential', async () => {
    const { email, cookie } = await person();
    await post('/auth/sign-in', { email, password: OTHER_PASSWORD });
    await submit('/notes', { text: 'x' }, own(`${cookie}; ${cookie}`)).catch(() => null);
    const printed = `${app?.output.stdout}${app?.output.stderr}`;
    assert.match(printed, /Ready in/);
    for (const secret of [TEST_SECRET, PASSWORD, OTHER_PASSWORD, email, 'lkc_']) {
      assert.ok(!printed.includes(secret), secret);
    }
  });
});
