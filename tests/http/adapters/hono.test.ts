import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { hono } from 'latchkey/hono';
import { listen } from './listen.ts';
import { type Documents, type Hosted, runSuite, type SuiteAuth } from './suite.ts';

function open(auth: SuiteAuth, documents: Documents, readsBodies: boolean): Promise<Hosted> {
  const { routes, signedIn, may, session } = hono(auth);
  const notes = hono(auth, { audience: 'notes' });
  const app = new Hono();
  app.onError((error, c) => ('getResponse' in error ? error.getResponse() : c.text(error.message, 500)));
  if (readsBodies) {
    app.use(async (c, next) => {
      await c.req.text();
      await next();
    });
  }
  app.use(routes);

  app.get('/me', signedIn, (c) => {
    const { id, via, user } = c.var.principal;
    return c.json({ id, via, email: user?.email ?? null });
  });
  app.post('/me', signedIn, (c) => c.text('done'));
  app.get('/notes/me', notes.signedIn, (c) => c.json({ id: c.var.principal.id }));

  const reads = may('document:read', (c) => documents.get(c.req.param('id')));
  const edits = may('document:edit', (c) => documents.get(c.req.param('id')));
  const removes = may('document:remove', (c) => documents.get(c.req.param('id')));
  app.get('/documents/:id', reads, (c) =>
    c.json({ id: c.var.resource.id, reader: c.var.principal?.id ?? null }),
  );
  app.put('/documents/:id', edits, async (c) => c.json({ id: c.var.resource.id, body: await c.req.text() }));
  app.get('/documents/:id/removal', removes, (c) => c.text('sure?'));
  app.delete('/documents/:id', removes, (c) => c.text('removed'));
  app.get('/reports', may('reports:view'), (c) => c.text('reports'));

  app.get('/cart', async (c) => c.json({ cart: await (await session(c)).get('cart') }));
  app.post('/cart', async (c) => {
    c.header('Set-Cookie', 'theme=dark', { append: true });
    const sku = c.req.query('sku') ?? '';
    await (await session(c)).update('cart', (cart) => [...cart, sku]);
    return c.redirect('/cart', 303);
  });
  app.all('*', (c) => c.text(`app ${c.req.path}`));
  const listener = getRequestListener(app.fetch);
  return listen(
    createServer((incoming, outgoing) => void listener(incoming, outgoing)),
    auth,
  );
}

runSuite({
  name: 'hono',
  open: (auth, documents) => open(auth, documents, false),
  openReadingBodies: (auth, documents) => open(auth, documents, true),
});
