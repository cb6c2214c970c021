/*
 * A service that other services call: it takes tokens that `orders` got for itself, and no
 * person's. Node's own server, without a framework.
 *
 *   ISSUER=http://127.0.0.1:3000 CLIENT_KEY=lks_… PORT=3011 node billing.ts
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isVerifierFailure, refusalOf, verifier } from '@latchkey/verify';

const { ISSUER: issuer = '', CLIENT_KEY: key = '' } = process.env;
const billing = verifier({ issuer, audience: 'billing', key });

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  if (incoming.url === '/status') {
    outgoing.setHeader('Content-Type', 'application/json');
    outgoing.end(JSON.stringify(billing.status()));
    return;
  }
  if (incoming.method !== 'POST' || incoming.url !== '/charges') {
    outgoing.writeHead(404).end();
    return;
  }
  const who = await billing.require(incoming);
  const allowed = who.kind === 'client' && who.client === 'orders';
  outgoing.writeHead(allowed ? 204 : 403).end();
}

const server = createServer((incoming, outgoing) => {
  answer(incoming, outgoing).catch((error: unknown) => {
    if (!isVerifierFailure(error)) {
      console.error(error);
      outgoing.destroy();
      return;
    }
    const { status, headers, body } = refusalOf(error, incoming);
    outgoing.writeHead(status, headers).end(body);
  });
});

await billing.ready();
server.listen(Number(process.env['PORT'] ?? 3011), '127.0.0.1', () => {
  const address = server.address();
  console.log(`billing is ready on ${typeof address === 'object' && address !== null ? address.port : '?'}`);
});
process.once('SIGTERM', () => {
  billing.close();
  server.close();
  server.closeAllConnections();
});
