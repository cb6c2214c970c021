/*
 * One variant of the authenticated GET, in a process of its own:
 *
 *   get-server.ts <variant> <database> <secret> <mode> <id> <email>
 */
import { createAdaptorServer } from '@hono/node-server';
import type { Mode } from '@latchkey/verify';
import { type Context, Hono } from 'hono';
import { latchkey, type UserPrincipal } from 'latchkey';
import { hono } from 'latchkey/hono';
import { LIMITS, listen } from './listening.ts';
import { answerParent, parameter } from './processes.ts';
import { optionsFor } from './seed.ts';
import { openServed } from './served.ts';

interface Measured {
  readonly fetch: Parameters<typeof createAdaptorServer>[0]['fetch'];
  readonly close: () => Promise<void>;
}

const variant = parameter(0);
const mode: Mode = parameter(3) === 'jwt' ? 'jwt' : 'session';
const known = { id: parameter(4), email: parameter(5) };

/** A token names no address, so the answer has the one that is known: as many bytes for all. */
function answer(c: Context, { id, user }: UserPrincipal): Response {
  return c.json({ id, email: user?.email ?? known.email });
}

/** The same framework on the same server, and nothing else: what the others are compared with. */
function bare(): Measured {
  const app = new Hono();
  app.get('/profile', (c) => c.json(known));
  return { fetch: app.fetch, close: () => Promise.resolve() };
}

/** Latchkey in an application's own Hono: one guard before the route. */
async function guarded(): Promise<Measured> {
  const auth = latchkey(optionsFor(parameter(1), parameter(2), mode));
  await auth.ready();
  const app = new Hono();
  app.get('/profile', hono(auth).signedIn, (c) => answer(c, c.var.principal));
  return { fetch: app.fetch, close: () => auth.close() };
}

/** What the standalone server runs, with a route of the application's own. */
async function served(): Promise<Measured> {
  const { auth, app, close } = await openServed({
    ...optionsFor(parameter(1), parameter(2), mode),
    ...(variant === 'cold' ? { nearCache: { life: '0ms' } } : {}),
  });
  if (variant === 'off') {
    app.get('/profile', (c) => c.json(known));
  } else {
    app.get('/profile', hono(auth).signedIn, (c) => answer(c, c.var.principal));
  }
  return { fetch: app.fetch, close };
}

const measured = variant === 'bare' ? bare() : variant === 'guard' ? await guarded() : await served();
const server = createAdaptorServer({ fetch: measured.fetch, serverOptions: LIMITS });
answerParent(await listen(server), measured.close);
