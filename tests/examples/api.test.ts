import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../tools/own-server.mjs';
import { bodyOf, codeOf, TEST_SECRET } from '../http/world.ts';
import { type Running, startUntil, temporaryFolder } from '../server/process.ts';

const SERVER = fileURLToPath(new URL('../../examples/api/server.ts', import.meta.url));

interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

describe('examples/api', () => {
  const folder = temporaryFolder();
  let api: Running;
  let url: string;
  before(async () => {
    const port = await freePort();
    url = `http://localhost:${port}`;
    const environment = {
      PORT: String(port),
      LATCHKEY_SECRET: TEST_SECRET,
      DATABASE: join(folder.path, 'api.db'),
    };
    api = await startUntil(SERVER, [], environment, /The API is ready/);
  });
  after(async () => {
    await api.end('SIGTERM');
    folder.remove();
  });

  const call = (method: string, path: string, token: string | null, json?: unknown): Promise<Response> =>
    fetch(`${url}${path}`, {
      method,
      headers: {
        'Content-Type': 'application/json',
        ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
  const form = (path: string, fields: Record<string, string>): Promise<Response> =>
    fetch(`${url}${path}`, { method: 'POST', body: new URLSearchParams(fields) });
  const tokensOf = async (response: Response): Promise<Tokens> => {
    const { access_token: access, refresh_token: refresh } = await bodyOf(response);
    assert.ok(typeof access === 'string' && typeof refresh === 'string');
    return { access, refresh };
  };
  const signUp = async (email: string): Promise<Tokens> => {
    const response = await call('POST', '/auth/sign-up', null, {
      email,
      password: 'lantern orchid gravel seven',
    });
    assert.equal(response.status, 201);
    assert.deepEqual(response.headers.getSetCookie(), []);
    return tokensOf(response);
  };
  const forNotes = async ({ refresh }: Tokens): Promise<Tokens> =>
    tokensOf(
      await form('/auth/token', { grant_type: 'refresh_token', refresh_token: refresh, audience: 'notes' }),
    );

  test('has at most 120 lines', () => {
    assert.ok(readFileSync(SERVER, 'utf8').trimEnd().split('\n').length <= 120);
  });

  test('keeps notes for whoever has a token for it, and for nobody else', async () => {
    const ada = await forNotes(await signUp('ada@example.com'));
    const created = await call('POST', '/notes', ada.access, { text: 'buy milk' });
    assert.equal(created.status, 201);
    const path = created.headers.get('location') ?? '';
    assert.equal((await call('PUT', path, ada.access, { text: 'buy tea' })).status, 200);
    assert.equal((await bodyOf(await call('GET', path, ada.access)))['text'], 'buy tea');
    assert.equal((await call('PUT', path, ada.access, { text: '' })).status, 400);
    assert.equal((await call('POST', '/notes', ada.access)).status, 400);

    const bob = await forNotes(await signUp('bob@example.com'));
    assert.deepEqual(await bodyOf(await call('GET', '/notes', bob.access)), { items: [] });
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const response = await call(method, path, bob.access);
      assert.equal(response.status, 403);
      assert.equal(await codeOf(response), 'LK_FORBIDDEN');
      assert.equal((await call(method, path, null)).status, 401);
      assert.equal((await call(method, '/notes/none', bob.access)).status, 404);
    }
    assert.equal((await call('DELETE', path, ada.access)).status, 204);
    assert.equal((await call('GET', path, ada.access)).status, 404);
  });

  test('refuses a token for the issuer, as the issuer refuses one for the notes (@asvs 9.2.3)', async () => {
    const issuer = await signUp('grace@example.com');
    assert.equal((await call('GET', '/auth/me', issuer.access)).status, 200);
    const response = await call('GET', '/notes', issuer.access);
    assert.equal(response.status, 401);
    assert.equal(response.headers.get('www-authenticate'), 'Bearer error="invalid_token"');
    const notes = await forNotes(issuer);
    assert.equal((await call('GET', '/notes', notes.access)).status, 200);
    assert.equal((await call('GET', '/auth/me', notes.access)).status, 401);
    assert.equal(
      (
        await form('/auth/token', {
          grant_type: 'refresh_token',
          refresh_token: notes.refresh,
          audience: 'others',
        })
      ).status,
      400,
    );
  });

  test('refuses a token at once when its session is revoked', async () => {
    const tokens = await forNotes(await signUp('joan@example.com'));
    assert.equal((await call('GET', '/notes', tokens.access)).status, 200);
    assert.equal((await form('/auth/revoke', { token: tokens.refresh })).status, 200);
    assert.equal((await call('GET', '/notes', tokens.access)).status, 401);
  });

  test('says at its root where to go on', async () => {
    const paths = await bodyOf(await call('GET', '/', null));
    assert.deepEqual(paths, { notes: '/notes', description: '/openapi.json' });
    assert.equal((await call('GET', '/openapi.json', null)).status, 200);
    assert.equal((await call('GET', '/notes', null)).status, 401);
  });

  test('describes itself, with the scheme of its tokens', async () => {
    const document = await bodyOf(await call('GET', '/openapi.json', null));
    const text = JSON.stringify(document);
    assert.equal(document['openapi'], '3.1.0');
    assert.match(text, /"type":"http","scheme":"bearer"/);
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      assert.match(text, new RegExp(`"${name}":\\{"\\$schema"`));
    }
  });
});
