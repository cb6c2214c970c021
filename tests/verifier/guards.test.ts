import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import { serve } from '@hono/node-server';
import type { Verifier } from '@latchkey/verify';
import { express } from '@latchkey/verify/express';
import { fastify } from '@latchkey/verify/fastify';
import { hono } from '@latchkey/verify/hono';
import expressApp from 'express';
import fastifyApp from 'fastify';
import { Hono } from 'hono';
import { admit } from '../../packages/verify/src/guard.ts';
import { sendJson } from './issuer.ts';
import { listenOnLoopback } from './loopback.ts';
import { openScene } from './scene.ts';

interface Plan {
  readonly plan: 'free' | 'pro';
}

interface Host {
  readonly origin: string;
  readonly close: () => Promise<unknown>;
}

/** Applications that answer `/` with who asks and what they may, and `/sure` after a step-up. */
const HOSTS: readonly (readonly [
  name: string,
  open: (orders: Verifier<Plan>, onRun?: () => void) => Promise<Host>,
])[] = [
  [
    'Express',
    (orders, onRun = () => undefined) => {
      const { guard, principalOf } = express(orders);
      const app = expressApp();
      app.get('/', guard(), (req, res) => {
        onRun();
        const { id, claims } = principalOf(req);
        res.json({ id, plan: claims['plan'] });
      });
      app.get('/sure', guard({ acr: 'aal2', maxAge: 60 }), (_, res) => void res.json({}));
      return listenOnLoopback(createServer(app));
    },
  ],
  [
    'Fastify',
    async (orders, onRun = () => undefined) => {
      const { guard, principalOf } = fastify(orders);
      const app = fastifyApp();
      app.get('/', { onRequest: guard() }, async (request) => {
        onRun();
        const who = principalOf(request);
        return { id: who.id, plan: who.kind === 'user' ? who.claims.plan : null };
      });
      app.get('/sure', { onRequest: guard({ acr: 'aal2', maxAge: 60 }) }, async () => ({}));
      const origin = await app.listen({ host: '127.0.0.1', port: 0 });
      return { origin, close: () => app.close() };
    },
  ],
  [
    'Hono',
    async (orders, onRun = () => undefined) => {
      const { guard, principalOf } = hono(orders);
      const app = new Hono();
      app.get('/', guard(), (c) => {
        onRun();
        const { id, claims } = principalOf(c);
        return c.json({ id, plan: claims['plan'] });
      });
      app.get('/sure', guard({ acr: 'aal2', maxAge: 60 }), (c) => c.json({}));
      const { promise, resolve } = Promise.withResolvers<string>();
      const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) =>
        resolve(`http://127.0.0.1:${port}`),
      );
      return {
        origin: await promise,
        close: () => new Promise((closed) => void server.close(closed)),
      };
    },
  ],
];

for (const [name, open] of HOSTS) {
  describe(`a guard of ${name}`, () => {
    test('lets in whoever has a good token, and hands on who it is', async (t) => {
      const { issuer, orders } = await openScene(t);
      const host = await open(orders as Verifier<Plan>);
      t.after(() => host.close());
      const token = issuer.token({ plan: 'pro' });
      const { sub } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
        sub: string;
      };
      const answer = await fetch(host.origin, { headers: { authorization: `Bearer ${token}` } });
      assert.deepEqual([answer.status, await answer.json()], [200, { id: sub, plan: 'pro' }]);
    });

    test('answers everybody else with a problem, and tells nobody why a token is not good (@rfc 6750 §3, @rfc 9457)', async (t) => {
      const { issuer, orders } = await openScene(t);
      const host = await open(orders as Verifier<Plan>);
      t.after(() => host.close());
      const expired = issuer.token({ iat: issuer.now() - 600, exp: issuer.now() - 1 });
      const bodies = new Set<string>();
      for (const [authorization, challenge] of [
        [null, 'Bearer'],
        [`Bearer ${expired}`, 'Bearer error="invalid_token"'],
        [`Bearer ${issuer.token({ aud: 'billing' })}`, 'Bearer error="invalid_token"'],
        ['Basic YTpi', 'Bearer error="invalid_token"'],
      ] as const) {
        const answer = await fetch(host.origin, authorization === null ? {} : { headers: { authorization } });
        assert.equal(answer.status, 401);
        assert.equal(answer.headers.get('www-authenticate'), challenge);
        assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json\b/);
        assert.equal(answer.headers.get('cache-control'), 'no-store');
        bodies.add(await answer.text());
      }
      assert.equal(bodies.size, 1);
      assert.match([...bodies][0] ?? '', /"code":"LK_UNAUTHENTICATED"/);
    });

    test('runs nothing for whom it does not let in', async (t) => {
      const { issuer, orders } = await openScene(t);
      let ran = 0;
      const host = await open(orders as Verifier<Plan>, () => void (ran += 1));
      t.after(() => host.close());
      for (const [token, status, runs] of [
        ['x', 401, 0],
        [issuer.token(), 200, 1],
        [issuer.token({ aud: 'billing' }), 401, 1],
      ] as const) {
        const answer = await fetch(host.origin, { headers: { authorization: `Bearer ${token}` } });
        await answer.text();
        assert.deepEqual([answer.status, ran], [status, runs]);
      }
    });

    test('asks for a step-up where more must be proved (@rfc 9470 §3, @asvs 10.3.4)', async (t) => {
      const { issuer, orders } = await openScene(t);
      const host = await open(orders as Verifier<Plan>);
      t.after(() => host.close());
      const ask = (token: string): Promise<Response> =>
        fetch(`${host.origin}/sure`, { headers: { authorization: `Bearer ${token}` } });
      const refused = await ask(issuer.token());
      assert.equal(
        refused.headers.get('www-authenticate'),
        'Bearer error="insufficient_user_authentication", acr_values="aal2", max_age="60"',
      );
      assert.equal(refused.status, 401);
      assert.match(await refused.text(), /"code":"LK_STEP_UP_REQUIRED","acr":"aal2","max_age":60/);
      assert.equal((await ask(issuer.token({ acr: 'aal2' }))).status, 200);
    });

    test('answers 503 and when to come again where nobody can tell (@fault F8)', async (t) => {
      const { issuer, orders } = await openScene(t, { onUnknown: 'deny' }, ({ lies }) => {
        lies.set('/auth/feed/pull', (_, res) => sendJson(res, {}, 503));
      });
      const host = await open(orders as Verifier<Plan>);
      t.after(() => host.close());
      const answer = await fetch(host.origin, { headers: { authorization: `Bearer ${issuer.token()}` } });
      assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1']);
      assert.match(await answer.text(), /"code":"LK_NOT_FRESH"/);
    });
  });
}

test('a guard hands on what fails and is no refusal: whoever made it must know', async (t) => {
  const { orders } = await openScene(t);
  const broken = {
    get: (): never => {
      throw new RangeError('of a host');
    },
  };
  await assert.rejects(admit(orders, broken, {}), RangeError);
});
