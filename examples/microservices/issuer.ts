/*
 * The issuer: people sign in here, tokens come from here, and the revocation log is kept here.
 *
 *   PORT=3000 LATCHKEY_SECRET=… DATABASE=issuer.db KEYS=./keys ADMIN_PASSWORD=… node issuer.ts
 *
 * Each service gets a key of its own, once, as a file in KEYS, from where it is carried to
 * wherever that service keeps its secrets.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { latchkey, sqlite } from 'latchkey';
import { node } from 'latchkey/node';

/** Who may follow the log, and what each is called in tokens. */
const SERVICES = [
  { name: 'orders', audiences: ['orders'] },
  // The same service, written in another language: it takes the same tokens.
  { name: 'orders-python', audiences: ['orders'] },
  { name: 'billing', audiences: ['billing'] },
  // The gateway asks about each request, and hands a token for the shop on.
  { name: 'gateway', audiences: ['shop'] },
];

const port = Number(process.env['PORT'] ?? 3000);
const auth = latchkey({
  url: `http://127.0.0.1:${port}`,
  secret: process.env['LATCHKEY_SECRET'], // openssl rand -base64 32
  store: sqlite(process.env['DATABASE'] ?? 'issuer.db'),
  // One session in a cookie, short access tokens made from it, 10 minutes each.
  profile: 'microservices',
  brand: 'Leaf & Latch',
  // 5 s where nobody says otherwise. Twice that leaves time to watch what happens meanwhile.
  log: { maxStaleness: '10s' },
});

await auth.ready();
if ((await auth.users.findByEmail('admin@example.com')) === null) {
  const password = process.env['ADMIN_PASSWORD'] ?? '';
  await auth.users.create({ email: 'admin@example.com', password, administrator: true });
}

const folder = process.env['KEYS'] ?? 'keys';
mkdirSync(folder, { recursive: true, mode: 0o700 });
const known = new Set((await auth.clients.list()).map(({ name }) => name));
for (const service of SERVICES.filter(({ name }) => !known.has(name))) {
  const { name, key } = await auth.clients.create(service);
  writeFileSync(join(folder, name), key.reveal(), { mode: 0o600 });
}

const { routes, signedIn } = node(auth);
/** The shop without a gateway: in the issuer's own process, by its cookie. */
const shop = signedIn((_incoming, outgoing, { principal }) => {
  outgoing.setHeader('Content-Type', 'application/json');
  outgoing.end(JSON.stringify({ hello: principal.id }));
});
const server = createServer(
  routes((incoming, outgoing) =>
    incoming.url === '/' ? shop(incoming, outgoing) : outgoing.writeHead(404).end(),
  ),
);
server.listen(port, '127.0.0.1', () => console.log(`issuer is ready on ${port}`));
process.once('SIGTERM', () => {
  auth.drain();
  server.close(() => void auth.close());
  server.closeIdleConnections();
});
