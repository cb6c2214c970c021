import { randomUUID } from 'node:crypto';
import express, { type ErrorRequestHandler } from 'express';
import { CODES, isFailure, latchkey, me, resource, sqlite } from 'latchkey';
import { express as doors } from 'latchkey/express';
import { z } from 'zod';
import { linesOf, type Order, PRODUCTS } from './catalogue.ts';
import { cartPage, cataloguePage, checkoutPage, orderPage, problemPage, STYLE } from './pages.ts';

/** A cart with more is no cart, and what a session keeps is bounded. */
const FULL = 50;

const port = Number(process.env['PORT'] ?? 3003);
const auth = latchkey({
  url: `http://localhost:${port}`,
  secret: process.env['LATCHKEY_SECRET'], // openssl rand -base64 32
  store: sqlite(process.env['DATABASE'] ?? 'shop.db'),
  profile: 'server-rendered',
  brand: 'Leaf & Latch',
  session: z.object({ cart: z.array(z.string()).max(FULL).default([]), notice: z.string().optional() }),
  access: { order: resource<Order>()({ read: [{ ownerId: me.id }] }) },
});
const { routes, signedIn, may, session } = doors(auth);
const orders = new Map<string, Order>();

const Choice = z.object({ sku: z.enum(PRODUCTS.map(({ sku }) => sku)) });
const Delivery = z.object({ address: z.string().trim().min(1).max(500) });

const app = express();
app.disable('x-powered-by');
app.use(routes); // before any parser: /auth/* reads its own bodies
app.use(express.urlencoded({ extended: false, limit: '16kb' }));
app.use((_req, res, next) => {
  res.set({
    'Cache-Control': 'no-store',
    'Content-Security-Policy':
      "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    // Not `no-referrer`: a browser would then send `Origin: null` with a form.
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
  });
  next();
});

app.get('/style.css', (_req, res) => {
  res.type('css').send(STYLE);
});

app.get('/', async (req, res) => {
  const data = await session(req, res);
  res.send(cataloguePage((await data.take('notice')) ?? null));
});

app.get('/cart', async (req, res) => {
  const data = await session(req, res);
  const notice = (await data.take('notice')) ?? null;
  res.send(cartPage(linesOf(await data.get('cart')), notice));
});

// `session` refuses what another site's page sends, so it comes first wherever something changes.
app.post('/cart', async (req, res) => {
  const data = await session(req, res);
  const { sku } = Choice.parse(req.body);
  const full = (await data.get('cart')).length >= FULL;
  // Another request may have filled it meanwhile, so the change looks for itself.
  await data.update('cart', (cart) => (cart.length < FULL ? [...cart, sku] : cart));
  await data.set('notice', full ? 'Your cart is full.' : `${nameOf(sku)} is in your cart.`);
  res.redirect(303, '/cart');
});

app.post('/cart/remove', async (req, res) => {
  const data = await session(req, res);
  const { sku } = Choice.parse(req.body);
  await data.update('cart', (cart) => cart.toSpliced(cart.indexOf(sku), cart.includes(sku) ? 1 : 0));
  res.redirect(303, '/cart');
});

app.get('/checkout', signedIn, async (req, res) => {
  const data = await session(req, res);
  const lines = linesOf(await data.get('cart'));
  if (lines.length === 0) return res.redirect(303, '/cart');
  const notice = (await data.take('notice')) ?? null;
  return res.send(checkoutPage(lines, res.locals.principal.user.email, notice));
});

app.post('/orders', signedIn, async (req, res) => {
  const data = await session(req, res);
  const delivery = Delivery.safeParse(req.body);
  if (!delivery.success) {
    await data.set('notice', 'Please say where we shall send it.');
    return res.redirect(303, '/checkout');
  }
  // Of two requests at once, one gets it: whoever presses the button twice orders once.
  const lines = linesOf(await data.take('cart'));
  if (lines.length === 0) return res.redirect(303, '/cart');
  const order = { id: randomUUID(), ownerId: res.locals.principal.id, address: delivery.data.address, lines };
  orders.set(order.id, order);
  await data.set('notice', 'Thank you. Your order has reached us.');
  return res.redirect(303, `/orders/${order.id}`);
});

const orderOf = may('order:read', (req) => orders.get(String(req.params['id'])));
app.get('/orders/:id', orderOf, async (req, res) => {
  const data = await session(req, res);
  res.send(orderPage(res.locals.resource, (await data.take('notice')) ?? null));
});

app.use((_req, res) => {
  res.status(404).send(problemPage('There is no such page.'));
});

const failed: ErrorRequestHandler = (error, _req, res, next) => {
  if (res.headersSent) return next(error);
  const status = statusOf(error);
  if (status >= 500) console.error(error);
  return res.status(status).send(problemPage(SAID[status] ?? 'Go back and try again.'));
};
app.use(failed);

const SAID: Readonly<Record<number, string>> = {
  400: 'We could not read that form.',
  401: 'Your session has ended. Sign in again.',
  403: 'Another site sent this, so nothing has been done.',
  413: 'That is too much.',
  500: 'Something broke here. Try again later.',
};

function nameOf(sku: string): string {
  return PRODUCTS.find((product) => product.sku === sku)?.name ?? sku;
}

/** Latchkey's errors have a code, and those of Express a status. */
function statusOf(error: unknown): number {
  if (error instanceof z.ZodError) return 400;
  if (isFailure(error)) return CODES[error.code].status;
  if (typeof error !== 'object' || error === null || !('status' in error)) return 500;
  return typeof error.status === 'number' && error.status >= 400 ? error.status : 500;
}

await auth.ready();
const server = app.listen(port, '127.0.0.1', () => console.log(`The shop is ready at ${auth.config.origin}`));
process.once('SIGTERM', () => server.close(() => void auth.close()));
