/*
 * One node of two, as a process of its own, so that the two share nothing but the
 * database: no clock, no event loop, no module. It is the product as it is put
 * together for everybody, with two differences: a password costs no work but some
 * time, in which others can overtake its check; and its store may lie, where a
 * fault is to be caught. Beside the product's own routes it has two of an application,
 * and it says by what key a service may follow it.
 */
import { randomBytes, randomInt } from 'node:crypto';
import type { Server } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { createAdaptorServer } from '@hono/node-server';
import { systemClock } from '@latchkey/verify';
import { CODES, isFailure } from 'latchkey';
import { clientsOf } from '../../../packages/latchkey/src/clients.ts';
import { doorOf } from '../../../packages/latchkey/src/door.ts';
import { userIn } from '../../../packages/latchkey/src/flows/authenticate.ts';
import { revoke } from '../../../packages/latchkey/src/flows/revoke.ts';
import { handler } from '../../../packages/latchkey/src/http/handler.ts';
import { writeReceipt } from '../../../packages/latchkey/src/http/wire.ts';
import { passwordHasher } from '../../../packages/latchkey/src/identity/password-hash.ts';
import { parseTarget, type RevokeTarget } from '../../../packages/latchkey/src/revocation/target.ts';
import { compose } from '../../../packages/latchkey/src/system.ts';
import { cheapArgon2 } from '../../attacks/composed.ts';
import { ORIGIN, TEST_SECRET } from '../../http/world.ts';
import { FAULTS, type Fault } from './faulty-stores.ts';
import { SHARED_STORES, type SharedStoreName } from './shared-stores.ts';

/** What a node is started with, as JSON in its one argument. */
export interface NodeSetup {
  readonly store: SharedStoreName;
  readonly address: string;
  readonly fault: Fault | null;
  /** `log.maxStaleness` in seconds. */
  readonly bound: number;
}

const setup = JSON.parse(process.argv[2] ?? '') as NodeSetup;
const store = SHARED_STORES[setup.store].open(setup.address);
const many = { attempts: 1_000_000_000, within: '1m' } as const;
const system = compose(
  {
    url: ORIGIN,
    secret: TEST_SECRET,
    store: setup.fault === null ? store : FAULTS[setup.fault](store),
    clients: { web: 'session', spa: 'hybrid', mobile: 'jwt' },
    log: { maxStaleness: `${setup.bound}s` },
    throttle: { network: many, account: many },
    password: { concurrency: 16, queue: 1_000 },
    onEvent: ({ type, error }) => {
      if (type === 'failed') console.error(error);
    },
  },
  systemClock,
);
const { authenticator, services, authorizer, forwarder, allowed } = system;
const { rootSecret, origin } = system.rooms.config;
const hasher = passwordHasher({
  rootSecret,
  argon2: async (job) => {
    await setTimeout(randomInt(12));
    return cheapArgon2(job);
  },
});
const rooms = { ...system.rooms, hasher };
const answer = handler({ rooms, authenticator, services, authorizer, forwarder, allowed }, system.ready);

/** A page of an application: it asks who is there, and nothing else. */
async function whoIsThere({ headers }: Request): Promise<Response> {
  try {
    const principal = userIn(await authenticator.authenticate(headers, { safe: true, audience: origin }));
    if (principal === null) return new Response(null, { status: 401 });
    const { id, session } = principal;
    return Response.json({ id, session: { id: session.id } });
  } catch (error) {
    return new Response(null, { status: isFailure(error) ? CODES[error.code].status : 500 });
  }
}

async function administrate(request: Request): Promise<Response> {
  const target = parseTarget((await request.json()) as RevokeTarget);
  return Response.json({ receipt: writeReceipt(await revoke(rooms, target, { by: null, reason: null })) });
}

await system.ready();
// Of the service that follows this node.
const name = `service-${randomBytes(6).toString('hex')}`;
const { key } = await clientsOf(doorOf(() => system)).create({ name, audiences: [name] });
const server = createAdaptorServer({
  fetch: async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === '/who') return whoIsThere(request);
    return pathname === '/revoke' ? administrate(request) : answer(request, { peer: '203.0.113.7' });
  },
}) as Server;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : '';
  process.stdout.write(`ready ${port} ${key.reveal()}\n`);
});
const stop = (): void => {
  process.stdin.destroy();
  server.close(() => void system.close());
  server.closeAllConnections();
};
process.once('SIGTERM', stop);
// Nobody is left to tell it: the test has died.
process.stdin.once('end', stop).resume();
