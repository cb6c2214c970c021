/*
 * A service: it verifies access tokens by itself, without a request to the issuer, and
 * follows the issuer's revocation log, so that what has been revoked is refused at once.
 *
 *   ISSUER=http://127.0.0.1:3000 CLIENT_KEY=lks_… BILLING=http://127.0.0.1:3011 PORT=3010 node orders.ts
 *
 * VIA is an address of the issuer inside the network, where that is another.
 */
import { isVerifierFailure, refusalOf, verifier } from '@latchkey/verify';
import { express as guards } from '@latchkey/verify/express';
import express, { type ErrorRequestHandler } from 'express';
import { serviceToken } from './service-token.ts';

interface Order {
  readonly id: number;
  readonly ownerId: string;
}

const { ISSUER: issuer = '', VIA: via = issuer, CLIENT_KEY: key = '', BILLING: billing = '' } = process.env;
const orders = verifier({
  issuer,
  via,
  audience: 'orders',
  key,
  // Where the log cannot be heard, the issuer cannot be asked about a token either.
  onUnknown: 'deny',
});
const { guard, principalOf } = guards(orders);
const tokenForBilling = serviceToken({ issuer: via, client: 'orders', key, audience: 'billing' });
const all: Order[] = [];

const app = express();
app.disable('x-powered-by');

app.get('/orders', guard(), (req, res) => {
  const who = principalOf(req);
  res.json({ items: all.filter(({ ownerId }) => ownerId === who.id) });
});

// A stream outlives the check of its token. `onRevoked` ends it; expiry is for us to see to.
app.get('/orders/events', guard(), (req, res) => {
  const who = principalOf(req);
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  res.write(': open\n\n');
  const end = (why: string): unknown => res.end(`event: end\ndata: ${why}\n\n`);
  const unwatch = orders.onRevoked(who, end);
  const expiry = setTimeout(() => end('expired'), who.expiresAt - Date.now());
  res.once('close', () => {
    unwatch();
    clearTimeout(expiry);
  });
});

// Who asked was checked before the upload began, which may have taken its time: so again, before it counts.
app.post('/orders', guard(), express.json({ limit: '100kb' }), async (req, res) => {
  const who = principalOf(req);
  await who.recheck();
  const order = { id: all.length + 1, ownerId: who.id };
  if (!(await charge(order))) {
    res.status(502).json({ title: 'Billing has not taken the order' });
    return;
  }
  all.push(order);
  res.status(201).json(order);
});

app.get('/status', (_req, res) => {
  res.json(orders.status());
});

/** Calls another service, in this one's own name. */
async function charge(order: Order): Promise<boolean> {
  const send = async (anew: boolean): Promise<Response> =>
    fetch(`${billing}/charges`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${await tokenForBilling(anew)}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ order: order.id }),
      signal: AbortSignal.timeout(2_000),
    });
  const response = await send(false);
  // The token may have ended before its time: a key that was rotated takes its tokens with it.
  return (response.status === 401 ? await send(true) : response).ok;
}

// What `recheck` throws is answered as a guard would.
const failed: ErrorRequestHandler = (error, req, res, next) => {
  if (!isVerifierFailure(error) || res.headersSent) return next(error);
  const { status, headers, body } = refusalOf(error, req);
  return res.writeHead(status, headers).end(body);
};
app.use(failed);

await orders.ready();
const server = app.listen(Number(process.env['PORT'] ?? 3010), '127.0.0.1', () => {
  const address = server.address();
  console.log(`orders is ready on ${typeof address === 'object' && address !== null ? address.port : '?'}`);
});
process.once('SIGTERM', () => {
  orders.close();
  server.close();
  server.closeAllConnections();
});
