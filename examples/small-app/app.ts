import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { html } from 'hono/html';
import { latchkey, sqlite } from 'latchkey';
import { hono } from 'latchkey/hono';
import { z } from 'zod';

const port = Number(process.env['PORT'] ?? 3001);
const auth = latchkey({
  url: `http://localhost:${port}`,
  secret: process.env['LATCHKEY_SECRET'], // openssl rand -base64 32
  store: sqlite(process.env['DATABASE'] ?? 'notes.db'),
  brand: 'Notes',
  session: z.object({ draft: z.string().max(500).default('') }),
});
const { routes, signedIn, session } = hono(auth);
const notes = new Map<string, string[]>();

const app = new Hono().use(routes);

app.get('/', async (c) => {
  const draft = await (await session(c)).get('draft');
  return c.html(html`<!doctype html><html lang="en"><title>Notes</title><h1>Notes</h1>
    <form method="post" action="/draft"><label>A note <input name="text" value="${draft}" /></label><button>Keep</button></form>
    <a href="/notes">Save it to my notes</a></html>`);
});

app.post('/draft', async (c) => {
  const { text } = await c.req.parseBody();
  await (await session(c)).set('draft', typeof text === 'string' ? text : ''); // before sign-in too: signing in keeps it
  return c.redirect('/', 303);
});

app.get('/notes', signedIn, async (c) => {
  const { id, user } = c.var.principal;
  const draft = await (await session(c)).take('draft');
  const mine = notes.get(id) ?? [];
  if (draft !== '') notes.set(id, [...mine, draft]);
  return c.html(html`<!doctype html><html lang="en"><title>My notes</title><h1>Notes of ${user.email}</h1>
    <ul>${(notes.get(id) ?? []).map((note) => html`<li>${note}</li>`)}</ul><a href="/auth/account">Account</a></html>`);
});

await auth.ready();
const server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () =>
  console.log(`Notes is ready at http://localhost:${port}`),
);
process.once('SIGTERM', () => server.close(() => void auth.close()));
