/*
 * One variant of the authenticated GET by somebody else, in a process of its own:
 *
 *   peer-server.ts better-auth <database> <secret>
 *   peer-server.ts fastify | fastify-jwt <public key as PEM> <issuer> <id> <email>
 */
import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import fastifyJwt from '@fastify/jwt';
import { createAdaptorServer } from '@hono/node-server';
import fastify, { type FastifyInstance } from 'fastify';
import { Hono } from 'hono';
import { betterAuthOn } from './better-auth.ts';
import { LIMITS, listen } from './listening.ts';
import { answerParent, parameter } from './processes.ts';

/** Room for all tokens: one that overflows costs a signature for what it let go of. */
const CACHED_TOKENS = 10_000;

const variant = parameter(0);
if (variant === 'better-auth') await startBetterAuth(parameter(1), parameter(2));
else await startFastify(variant === 'fastify-jwt' ? parameter(1) : null);

/** On the same framework as Latchkey, with the same durability as its store. */
async function startBetterAuth(file: string, secret: string): Promise<void> {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  const auth = betterAuthOn(database, secret);
  const app = new Hono();
  app.get('/profile', async (c) => {
    const found = await auth.api.getSession({ headers: c.req.raw.headers });
    if (found === null) return c.json({ error: 'nobody is signed in' }, 401);
    return c.json({ id: found.user.id, email: found.user.email });
  });
  const server = createAdaptorServer({ fetch: app.fetch, serverOptions: LIMITS });
  answerParent(await listen(server), async () => database.close());
}

/** Fastify with one route, and where there is a key, with its plugin for tokens before it. */
async function startFastify(publicKey: string | null): Promise<void> {
  const known = { id: parameter(3), email: parameter(4) };
  const app: FastifyInstance = fastify({ serverFactory: (handler) => createServer(LIMITS, handler) });
  if (publicKey !== null) {
    await app.register(fastifyJwt, {
      secret: { public: publicKey },
      verify: {
        algorithms: ['EdDSA'],
        allowedIss: parameter(2),
        allowedAud: parameter(2),
        cache: CACHED_TOKENS,
      },
    });
  }
  app.get(
    '/profile',
    publicKey === null ? {} : { onRequest: async (request) => request.jwtVerify() },
    () => known,
  );
  await app.ready();
  answerParent(await listen(app.server), () => app.close());
}
