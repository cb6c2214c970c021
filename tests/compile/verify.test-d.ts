/*
 * What must compile, and, after each `@ts-expect-error`, what must not: the
 * compiler is the test, and nothing here runs.
 */
import { verifier } from '@latchkey/verify';
import { express } from '@latchkey/verify/express';
import { fastify } from '@latchkey/verify/fastify';
import { hono } from '@latchkey/verify/hono';
import { acceptUntilExpiry } from '@latchkey/verify/unsafe';
import expressApp from 'express';
import fastifyApp from 'fastify';
import { Hono } from 'hono';

interface Plan {
  readonly plan: 'free' | 'pro';
}

const options = { issuer: 'https://auth.example.com', audience: 'orders' };
const orders = verifier<Plan>({ ...options, onUnknown: acceptUntilExpiry });

export async function claims(request: Request): Promise<'free' | 'pro' | null> {
  const who = await orders.require(request);
  if (who.kind === 'client') {
    // @ts-expect-error a service that asks for itself has no claims of a user
    const plan: 'free' | 'pro' = who.claims['plan'];
    return plan;
  }
  // @ts-expect-error what no configuration says
  who.claims.plans satisfies unknown;
  return who.claims.plan;
}

const onExpress = express(orders);
expressApp().get('/', onExpress.guard({ acr: 'aal2' }), (req, res) => {
  const who = onExpress.principalOf(req);
  res.json(who.kind === 'user' ? who.claims.plan : who.client);
});
// @ts-expect-error no such demand
onExpress.guard({ role: 'admin' });

const onFastify = fastify(orders);
fastifyApp().get('/', { onRequest: onFastify.guard() }, async (request) => {
  const who = onFastify.principalOf(request);
  return who.kind === 'user' ? who.claims.plan : who.client;
});

const onHono = hono(orders);
new Hono().get('/', onHono.guard(), (c) => {
  const who = onHono.principalOf(c);
  return c.text(who.kind === 'user' ? who.claims.plan : who.client);
});

// @ts-expect-error an opt-out has a name that can be searched for
verifier({ ...options, onUnknown: 'accept' });
// @ts-expect-error a misspelt option
verifier({ ...options, onUnkown: 'deny' });
