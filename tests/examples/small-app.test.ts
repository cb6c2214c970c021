import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../tools/own-server.mjs';
import { TEST_SECRET } from '../http/world.ts';
import { cookieOf, type Running, startUntil, temporaryFolder } from '../server/process.ts';

const APP = fileURLToPath(new URL('../../examples/small-app/app.ts', import.meta.url));

describe('examples/small-app', () => {
  const folder = temporaryFolder();
  let app: Running;
  let url: string;
  before(async () => {
    const port = await freePort();
    url = `http://localhost:${port}`;
    const environment = {
      PORT: String(port),
      LATCHKEY_SECRET: TEST_SECRET,
      DATABASE: join(folder.path, 'notes.db'),
    };
    app = await startUntil(APP, [], environment, /Notes is ready/);
  });
  after(async () => {
    await app.end('SIGTERM');
    folder.remove();
  });

  const post = (path: string, fields: Record<string, string>, cookie = ''): Promise<Response> =>
    fetch(`${url}${path}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'Sec-Fetch-Site': 'same-origin', Cookie: cookie },
      body: new URLSearchParams(fields),
    });

  test('has at most 60 lines', () => {
    assert.ok(readFileSync(APP, 'utf8').trimEnd().split('\n').length <= 60);
  });

  test('keeps what a visitor wrote before signing in, once', async () => {
    const visitor = cookieOf(await post('/draft', { text: 'buy milk' }));
    assert.match(visitor, /^latchkey-\d+=lkc_/);
    const page = await fetch(url, { headers: { Cookie: visitor } });
    assert.match(await page.text(), /value="buy milk"/);

    const fields = { email: 'ada@example.com', password: 'lantern orchid gravel seven', return_to: '/notes' };
    const signedUp = await post('/auth/sign-up', fields, visitor);
    assert.equal(signedUp.status, 303);
    assert.equal(signedUp.headers.get('location'), '/notes');
    const cookie = cookieOf(signedUp);
    assert.notEqual(cookie, visitor);
    const notes = await (await fetch(`${url}/notes`, { headers: { Cookie: cookie } })).text();
    assert.match(notes, /Notes of ada@example\.com/);
    assert.match(notes, /<li>buy milk<\/li>/);
    const again = await (await fetch(`${url}/notes`, { headers: { Cookie: cookie } })).text();
    assert.equal(again.match(/<li>/g)?.length, 1);
  });

  test('leads a person to the sign-in page and back, and tells a program', async () => {
    const person = await fetch(`${url}/notes?a=1`, { redirect: 'manual', headers: { Accept: 'text/html' } });
    assert.equal(person.status, 303);
    assert.equal(person.headers.get('location'), '/auth/sign-in?return_to=%2Fnotes%3Fa%3D1');
    const program = await fetch(`${url}/notes`);
    assert.equal(program.status, 401);
    assert.equal(program.headers.get('content-type'), 'application/problem+json');
  });

  test('refuses a draft that another site has a visitor send', async () => {
    const response = await fetch(`${url}/draft`, {
      method: 'POST',
      headers: { 'Sec-Fetch-Site': 'cross-site' },
      body: new URLSearchParams({ text: 'spam' }),
    });
    assert.notEqual(response.status, 303);
    assert.equal(response.headers.get('set-cookie'), null);
  });
});
