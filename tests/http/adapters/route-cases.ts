import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { freePort } from '../../../tools/own-server.mjs';
import { bodyOf, PASSWORD, testClock } from '../world.ts';
import { Caller, oneConnection, wire } from './caller.ts';
import { type Case, caller, owner, refused } from './case.ts';
import { suiteAuth } from './scene.ts';

/** How requests reach Latchkey, and what falls through. */
export const ROUTE_CASES: readonly Case[] = [
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
