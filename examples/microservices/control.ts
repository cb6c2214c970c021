/*
 * What most services do today: fetch the issuer's public keys, check the signature and the
 * expiry. It does all of that right, and accepts a revoked token until it expires, because
 * nobody tells it.
 *
 *   ISSUER=http://127.0.0.1:3000 PORT=3012 node control.ts
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const issuer = process.env['ISSUER'] ?? '';
const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer));

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const [, token = ''] = /^Bearer (\S+)$/i.exec(incoming.headers.authorization ?? '') ?? [];
  outgoing.setHeader('Content-Type', 'application/json');
  try {
    const { payload } = await jwtVerify(token, keys, { issuer, audience: 'orders', typ: 'at+jwt' });
    outgoing.end(JSON.stringify({ sub: payload.sub }));
  } catch {
    outgoing.writeHead(401, { 'WWW-Authenticate': 'Bearer error="invalid_token"' }).end('{}');
  }
}

const server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
server.listen(Number(process.env['PORT'] ?? 3012), '127.0.0.1', () => {
  const address = server.address();
  console.log(`control is ready on ${typeof address === 'object' && address !== null ? address.port : '?'}`);
});
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
