/*
 * An application behind the gateway: it has never heard of cookies or sessions. Whoever is
 * let in by nginx comes with a token of one minute for `shop`, which is checked here all the
 * same, so that nobody who reaches this port past the gateway is believed.
 *
 *   ISSUER=http://127.0.0.1:3000 PORT=4000 node shop.ts
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const issuer = process.env['ISSUER'] ?? '';
const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer));

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const [, token = ''] = /^Bearer (\S+)$/.exec(incoming.headers.authorization ?? '') ?? [];
  outgoing.setHeader('Content-Type', 'application/json');
  try {
    // The gateway asked Latchkey a moment ago: its signature and its minute are enough here.
    const { payload } = await jwtVerify(token, keys, { issuer, audience: 'shop', typ: 'at+jwt' });
    outgoing.end(JSON.stringify({ hello: payload.sub }));
  } catch {
    outgoing.writeHead(401).end('{}');
  }
}

const server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
server.listen(Number(process.env['PORT'] ?? 4000), '127.0.0.1', () => {
  const address = server.address();
  console.log(`shop is ready on ${typeof address === 'object' && address !== null ? address.port : '?'}`);
});
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
