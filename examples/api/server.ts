/*
 * Notes, as an API for programs: bearer tokens of an audience of its own, so
 * that a token for the notes opens nothing of the account, and the other way round.
 *
 *   export LATCHKEY_SECRET=$(openssl rand -base64 32)   # once: the database belongs to it
 *   npm start -w example-api
 *
 *   api=http://localhost:3002
 *   json='Content-Type: application/json'
 *   person='"email":"ada@example.com","password":"lantern orchid gravel seven"'
 *
 *   refresh=$(curl -s $api/auth/sign-up -H "$json" -d "{$person}" | jq -r .refresh_token)
 *   token=$(curl -s $api/auth/token -d grant_type=refresh_token -d audience=notes \
 *     -d refresh_token=$refresh | jq -r .access_token)
 *
 *   curl $api/notes -H "Authorization: Bearer $token" -H "$json" -d '{"text":"buy milk"}'
 *   curl $api/notes -H "Authorization: Bearer $token"
 *   curl $api/auth/revoke -d token=$refresh          # and the access token is refused at once
 */
import { randomUUID } from 'node:crypto';
import { serve } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { latchkey, me, resource, sqlite } from 'latchkey';
import { hono } from 'latchkey/hono';
import { describe, type Note, NoteText } from './openapi.ts';

const port = Number(process.env['PORT'] ?? 3002);
const auth = latchkey({
  url: `http://localhost:${port}`,
  secret: process.env['LATCHKEY_SECRET'],
  store: sqlite(process.env['DATABASE'] ?? 'api.db'),
  profile: 'api',
  brand: 'Notes',
  tokens: { audiences: ['notes'] },
  access: { note: resource<Note>()({ read: [{ ownerId: me.id }], write: [{ ownerId: me.id }] }) },
});
const { routes, signedIn, may } = hono(auth, { audience: 'notes' });
const notes = new Map<string, Note>();

const reads = may('note:read', (c) => notes.get(c.req.param('id')));
const writes = may('note:write', (c) => notes.get(c.req.param('id')));
const textOf = async (c: Context): Promise<string | null> => {
  const body = NoteText.safeParse(await c.req.json().catch(() => null));
  return body.success ? body.data.text : null;
};
const PROBLEM = { 'Content-Type': 'application/problem+json' };
const INVALID = { title: 'A note is {"text": "…"}, 2000 characters at most', status: 400 };

const app = new Hono().use(routes);

app.get('/notes', signedIn, (c) => {
  const { id } = c.var.principal;
  return c.json({ items: [...notes.values()].filter(({ ownerId }) => ownerId === id) });
});

app.post('/notes', signedIn, async (c) => {
  const text = await textOf(c);
  if (text === null) return c.json(INVALID, 400, PROBLEM);
  const note = { id: randomUUID(), ownerId: c.var.principal.id, text };
  notes.set(note.id, note);
  return c.json(note, 201, { Location: `/notes/${note.id}` });
});

app.get('/notes/:id', reads, (c) => c.json(c.var.resource));

app.put('/notes/:id', writes, async (c) => {
  const text = await textOf(c);
  if (text === null) return c.json(INVALID, 400, PROBLEM);
  const note = { ...c.var.resource, text };
  notes.set(note.id, note);
  return c.json(note);
});

app.delete('/notes/:id', writes, (c) => {
  notes.delete(c.var.resource.id);
  return c.body(null, 204);
});

app.get('/', (c) => c.json({ notes: '/notes', description: '/openapi.json' }));

app.get('/openapi.json', (c) => c.json(describe(auth.config.origin)));

await auth.ready();
const server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () =>
  console.log(`The API is ready at ${auth.config.origin}`),
);
process.once('SIGTERM', () => server.close(() => void auth.close()));
