/*
 * A service behind one of the nodes, as a process of its own: it knows what the node's feed
 * tells it and nothing else. It answers as the page of an application on a node does, so
 * that the same rules are held against it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { LatchkeyError, verifier } from '@latchkey/verify';
import { acceptUntilExpiry } from '@latchkey/verify/unsafe';
import { ORIGIN } from '../../http/world.ts';

/** What a service is started with, as JSON in its one argument. */
export interface ServiceSetup {
  /** The node that it follows. */
  readonly via: string;
  readonly key: string;
  /** It reads the published keys alone, as a verifier does that knows of no feed. */
  readonly deaf: boolean;
}

const { via, key, deaf } = JSON.parse(process.argv[2] ?? '') as ServiceSetup;
const options = { issuer: ORIGIN, audience: ORIGIN, via } as const;
const service = verifier(
  deaf ? { ...options, onUnknown: acceptUntilExpiry } : { ...options, key, onUnknown: 'deny' },
);
const REFUSED = new Set(['LK_TOKEN_REFUSED', 'LK_TOKEN_EXPIRED', 'LK_TOKEN_REVOKED']);
/** Neither yes nor no: it cannot tell now, or there is to be another token first. */
const UNTOLD = new Set(['LK_NOT_FRESH', 'LK_ISSUER_UNAVAILABLE', 'LK_TOKEN_STALE']);

function statusOf(error: unknown): number {
  if (!(error instanceof LatchkeyError)) return 500;
  const code = String(error.code);
  if (REFUSED.has(code)) return 401;
  return UNTOLD.has(code) ? 503 : 500;
}

async function answer({ headers }: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const who = await service.require(new Headers({ authorization: headers.authorization ?? '' }));
    response.writeHead(200).end(JSON.stringify({ id: who.id, session: { id: who.session?.id } }));
  } catch (error) {
    const status = statusOf(error);
    if (status === 500) console.error(error);
    response.writeHead(status).end();
  }
}

await service.ready();
const server = createServer((request, response) => void answer(request, response));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`ready ${typeof address === 'object' && address !== null ? address.port : ''}\n`);
});
const stop = (): void => {
  process.stdin.destroy();
  service.close();
  server.close();
  server.closeAllConnections();
};
process.once('SIGTERM', stop);
// Nobody is left to tell it: the test has died.
process.stdin.once('end', stop).resume();
