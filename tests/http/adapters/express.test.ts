import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import express, { type ErrorRequestHandler, Router } from 'express';
import { express as doors } from 'latchkey/express';
import { freePort } from '../../../tools/own-server.mjs';
import { PASSWORD, testClock } from '../world.ts';
import { Caller, wire } from './caller.ts';
import { listen } from './listen.ts';
import { suiteAuth } from './scene.ts';
import { type Documents, type Hosted, runSuite, type SuiteAuth } from './suite.ts';

function open(auth: SuiteAuth, documents: Documents, readsBodies: boolean): Promise<Hosted> {
  const { routes, signedIn, may, session } = doors(auth);
  const notes = doors(auth, { audience: 'notes' });
  const app = express();
  // What a proxy may say to Express is nothing to us.
  app.set('trust proxy', true);
  if (readsBodies) app.use(express.json());
  app.use(routes);
  app.use(express.text({ type: () => true }));

  app.get('/me', signedIn, (_req, res) => {
    const { id, via, user } = res.locals.principal;
    res.json({ id, via, email: user?.email ?? null });
  });
  app.post('/me', signedIn, (_req, res) => res.send('done'));
  // Mounted, where `req.url` is only the rest of the path.
  const mounted = Router();
  mounted.get('/me', notes.signedIn, (_req, res) => res.json({ id: res.locals.principal.id }));
  app.use('/notes', mounted);

  const reads = may('document:read', (req) => documents.get(req.params['id'] ?? ''));
  const edits = may('document:edit', (req) => documents.get(req.params['id'] ?? ''));
  const removes = may('document:remove', (req) => documents.get(req.params['id'] ?? ''));
  app.get('/documents/:id', reads, (_req, res) =>
    res.json({ id: res.locals.resource.id, reader: res.locals.principal?.id ?? null }),
  );
  app.put('/documents/:id', edits, (req, res) =>
    res.json({ id: res.locals.resource.id, body: String(req.body) }),
  );
  app.get('/documents/:id/removal', removes, (_req, res) => res.send('sure?'));
  app.delete('/documents/:id', removes, (_req, res) => res.send('removed'));
  app.get('/reports', may('reports:view'), (_req, res) => res.send('reports'));

  app.get('/cart', async (req, res) => {
    res.json({ cart: await (await session(req, res)).get('cart') });
  });
  app.post('/cart', async (req, res) => {
    res.append('Set-Cookie', 'theme=dark');
    const { sku } = req.query;
    await (await session(req, res)).update('cart', (cart) =>
      typeof sku === 'string' ? [...cart, sku] : cart,
    );
    res.redirect(303, '/cart');
  });
  app.use((req, res) => res.send(`app ${req.path}`));
  // As Express does by itself, but in silence.
  const failed: ErrorRequestHandler = (error: { status?: number }, _req, res, _next) => {
    res.status(error.status ?? 500).end();
  };
  app.use(failed);
  return listen(createServer(app), auth);
}

runSuite({
  name: 'express',
  open: (auth, documents) => open(auth, documents, false),
  openReadingBodies: (auth, documents) => open(auth, documents, true),
});

test('what a middleware before the routes sets stands beside what they set', async () => {
  const auth = suiteAuth(await freePort(), testClock(), []);
  const app = express();
  app.use((_req, res, next) => {
    res.append('Set-Cookie', 'theme=dark').set('X-Frame-Options', 'SAMEORIGIN').set('X-Own', 'kept');
    next();
  });
  app.use(doors(auth).routes);
  const hosted = await listen(createServer(app), auth);
  const json = { email: 'ada@example.com', password: PASSWORD };
  const response = await new Caller(hosted.origin, json.email).call('POST', '/auth/sign-up', { json });
  const cookies = response.headers.getSetCookie();
  assert.equal(cookies.length, 2);
  assert.ok(cookies.includes('theme=dark'));
  assert.equal(response.headers.get('x-own'), 'kept');
  assert.equal(response.headers.get('x-frame-options'), 'DENY');
  await hosted.close();
  await auth.close();
});

test('the name and password in a target are dropped with its host (@incident J11)', async () => {
  const auth = suiteAuth(await freePort(), testClock(), []);
  const hosted = await listen(createServer(express().use(doors(auth).routes)), auth);
  const target = 'http://ada:secret@attacker.example/auth/me';
  assert.equal((await wire(hosted.origin, 'GET', target)).status, 401);
  await hosted.close();
  await auth.close();
});
