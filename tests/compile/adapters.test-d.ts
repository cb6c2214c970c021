/*
 * What must compile, and, after each `@ts-expect-error`, what must not: the
 * compiler is the test, and nothing here runs.
 */
import expressApp from 'express';
import { Hono } from 'hono';
import { type Latchkey, latchkey, me, permissions, resource, role, sqlite } from 'latchkey';
import { express } from 'latchkey/express';
import { hono } from 'latchkey/hono';
import { node } from 'latchkey/node';
import { z } from 'zod';

interface Document {
  readonly id: string;
  readonly ownerId: string;
}

interface Draft extends Document {
  readonly title: string;
}

interface Invoice {
  readonly customerId: string;
  readonly paid: boolean;
}

const common = {
  url: 'http://localhost:3000',
  secret: undefined,
  store: sqlite(':memory:'),
  user: z.object({ plan: z.enum(['free', 'pro']).default('free') }),
  session: z.object({ cart: z.array(z.string()).default([]) }),
  claims: { plan: () => 'free' as const },
  roles: ['auditor'],
  access: {
    document: resource<Document>()({ read: [{ ownerId: me.id }], edit: [{ ownerId: me.id }] }),
    invoice: resource<Invoice>()({ read: [{ customerId: me.id }] }),
    reports: permissions({ view: [role('auditor')] }),
  },
} as const;
/** Everybody presents a cookie. */
const site = latchkey({ ...common, clients: { web: 'session' } });
/** Somebody may present a token. */
const api = latchkey({ ...common, clients: { web: 'hybrid', mobile: 'jwt' } });

declare const drafts: ReadonlyMap<string, Draft>;
declare function findInvoice(id: string): Promise<Invoice | null>;
declare function text(value: string): void;
declare function number(value: number): void;

function inHono(): void {
  const { routes, signedIn, may, session } = hono(site);
  const app = new Hono().use(routes);
  app.get('/', signedIn, (c) => c.text(c.var.principal.user.email));
  app.get('/plan', signedIn, (c) => c.text(c.var.principal.user.fields.plan satisfies 'free' | 'pro'));
  app.get('/claim', signedIn, (c) => c.text(c.var.principal.claims.plan satisfies 'free'));
  const edits = may('document:edit', (c) => drafts.get(c.req.param('id')));
  app.put('/documents/:id', edits, (c) => c.text(c.var.resource.title + c.req.param('id')));
  app.put(
    '/d/:id',
    may('document:edit', (c) => drafts.get(c.req.param('id'))),
    (c) => c.text(`${c.var.resource.title} ${c.var.principal?.user.email}`),
  );
  app.get(
    '/i/:id',
    signedIn,
    may('invoice:read', (c) => findInvoice(c.req.param('id'))),
    (c) => c.json({ paid: c.var.resource.paid satisfies boolean, by: c.var.principal.user.email }),
  );
  app.get('/reports', may('reports:view'), (c) => c.text('reports'));
  app.get('/admin', may('latchkey:admin'), (c) => c.text('admin'));
  app.get('/cart', async (c) => c.json((await (await session(c)).get('cart')) satisfies string[]));

  app.get('/api', hono(api, { audience: 'notes' }).signedIn, (c) => {
    // @ts-expect-error: who presents a token is known by it alone
    text(c.var.principal.user.email);
    return c.text(c.var.principal.user?.email ?? '');
  });
  // @ts-expect-error: nobody has been let in here
  app.get('/', (c) => c.json(c.var.principal));
  // @ts-expect-error: a rule may let in everybody
  app.get('/x/:id', edits, (c) => c.text(c.var.principal.id));
  // @ts-expect-error: a document has no such property
  app.get('/x/:id', edits, (c) => c.text(c.var.resource.paid));
  // @ts-expect-error: no such claim
  app.get('/', signedIn, (c) => c.text(c.var.principal.claims.team));
  // @ts-expect-error: no such action
  may('document:burn', () => null);
  // @ts-expect-error: no such resource
  may('report:view');
  // @ts-expect-error: the permission is about a document
  may('document:edit');
  // @ts-expect-error: the permission is about none
  may('reports:view', () => drafts.get('x'));
  // @ts-expect-error: an invoice is no document
  may('document:edit', (c) => findInvoice(c.req.param('id')));
  // @ts-expect-error: true is no document
  may('document:edit', () => true);
  // @ts-expect-error: what may is asked by name
  hono(site, { audiences: 'notes' });
  // @ts-expect-error: no such key
  app.get('/', async (c) => c.json(await (await session(c)).get('basket')));
  // @ts-expect-error: a cart is a list
  app.get('/', async (c) => c.json(await (await session(c)).set('cart', 1)));
}

function inExpress(): void {
  const { routes, signedIn, may, session } = express(site);
  const app = expressApp().use(routes);
  app.get('/', signedIn, (_req, res) => res.send(res.locals.principal.user.email));
  app.get('/:id', signedIn, (req, res) => res.send(req.params.id satisfies string));
  const edits = may('document:edit', (req) => drafts.get(req.params['id'] ?? ''));
  app.put('/documents/:id', edits, (req, res) => res.send(res.locals.resource.title + req.params.id));
  app.put(
    '/files/*path',
    may('document:edit', (req: expressApp.Request<{ path: string[] }>) =>
      drafts.get(req.params.path.join('/')),
    ),
    (_req, res) => res.send(res.locals.principal?.user.email),
  );
  app.get('/reports', may('reports:view'), (_req, res) => res.send('reports'));
  app.get('/cart', (req, res, next) => {
    session(req, res)
      .then((data) => data.update('cart', (cart) => [...cart, 'tea']))
      .then(() => res.send('done'), next);
  });

  app.get('/api', express(api).signedIn, (_req, res) => {
    // @ts-expect-error: who presents a token is known by it alone
    text(res.locals.principal.user.email);
    res.send(res.locals.principal.id);
  });
  // @ts-expect-error: a rule may let in everybody
  app.get('/x/:id', edits, (_req, res) => text(res.locals.principal.id));
  // @ts-expect-error: a document has no such property
  app.get('/x/:id', edits, (_req, res) => res.send(res.locals.resource.paid));
  // @ts-expect-error: an address is no number
  app.get('/', signedIn, (_req, res) => number(res.locals.principal.user.email));
  // @ts-expect-error: no such action
  may('document:burn', () => null);
  // @ts-expect-error: the permission is about a document
  may('document:edit');
  // @ts-expect-error: the permission is about none
  may('reports:view', () => drafts.get('x'));
  // @ts-expect-error: an invoice is no document
  may('document:edit', (req) => findInvoice(req.params['id'] ?? ''));
  // @ts-expect-error: no such key
  app.get('/', (req, res) => session(req, res).then((data) => data.get('basket')));
}

function onNode(): void {
  const { routes, signedIn, may, session } = node(site);
  const find = (): Draft | null => null;
  routes(signedIn((_incoming, outgoing, { principal }) => outgoing.end(principal.user.email)));
  may('document:edit', find, (_incoming, outgoing, { principal, resource: draft }) =>
    outgoing.end(draft.title + (principal?.user.email ?? '')),
  );
  may(
    'invoice:read',
    () => findInvoice('x'),
    (_incoming, _outgoing, { resource: { paid } }) => paid satisfies boolean,
  );
  may('reports:view', (_incoming, outgoing) => outgoing.end('reports'));

  // @ts-expect-error: a rule may let in everybody
  may('document:edit', find, (_incoming, outgoing, { principal }) => outgoing.end(principal.id));
  // @ts-expect-error: no such action
  may('document:burn', find, (_incoming, outgoing) => outgoing.end());
  // @ts-expect-error: the permission is about a document, and nothing finds it
  may('document:edit', (_incoming, outgoing) => outgoing.end());
  // @ts-expect-error: the permission is about none
  may('reports:view', find, (_incoming, outgoing) => outgoing.end());
  const findOther = (): Promise<Invoice | null> => findInvoice('x');
  // @ts-expect-error: an invoice is no document
  may('document:edit', findOther, (_incoming, outgoing) => outgoing.end());
  // @ts-expect-error: no such key
  routes(async (incoming, outgoing) => (await session(incoming, outgoing)).get('basket'));
}

/** Of a system of which nothing is known, anything may be asked. */
function ofAny(auth: Latchkey): void {
  const { may } = hono(auth);
  may('document:edit', () => ({}));
  // @ts-expect-error: not a permission's form
  may('document', () => ({}));
}

export { inExpress, inHono, ofAny, onNode };
