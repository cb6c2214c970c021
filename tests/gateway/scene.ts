import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach } from 'node:test';
import { type ServicePrincipal, type Verifier, verifier } from '@latchkey/verify';
import { decodeJwt, type JWTPayload } from 'jose';
import { type Latchkey, latchkey, sqlite } from 'latchkey';
import { node } from 'latchkey/node';
import { freePort } from '../../tools/own-server.mjs';
import { PASSWORD, TEST_SECRET } from '../http/world.ts';

/** A request as the application behind the gateway has seen it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  /** Values of one name are joined. */
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A request as it came to Latchkey. */
export interface Asked {
  /** Method and target. */
  readonly line: string;
  readonly headers: IncomingHttpHeaders;
}

/** What the gateway answers. */
export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Where everything listens. */
export interface Ports {
  readonly gateway: number;
  readonly latchkey: number;
  readonly application: number;
}

/** A Latchkey, an application that records what reaches it, and a gateway in front of both. */
export interface Scene {
  readonly ports: Ports;
  readonly auth: Latchkey;
  /** What the application verifies tokens with. */
  readonly service: Verifier;
  /** What the application has seen, oldest first. */
  readonly seen: Seen[];
  /** What Latchkey was asked, and over how many connections. */
  readonly asked: { readonly requests: Asked[]; connections: number };
  ask(path: string, init?: Init): Promise<Answered>;
  /** Sends bytes as they stand, and `then` when something has come back; answers all until the gateway hangs up. */
  sendRaw(bytes: string, then?: string): Promise<string>;
  /** Signs somebody up through the gateway, and answers the cookie. */
  signUp(email: string): Promise<string>;
  /** Ends Latchkey's listener, or starts it again. */
  listen(up: boolean): Promise<void>;
  close(): Promise<void>;
}

interface Init {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

/** A gateway that was started. */
export interface Started {
  remove(): Promise<void>;
}

/** Starts a gateway, with a key of a client for the audience `orders`. */
type Start = (ports: Ports, key: string, origin: string) => Promise<Started>;

/**
 * A scene for all tests of a suite, with the gateway that `start` starts, and the cookie of
 * somebody who has signed up. What was seen and asked is forgotten before each test.
 */
export function sharedScene(start: Start): { readonly scene: Scene; readonly cookie: string } {
  let opened: { readonly scene: Scene; readonly cookie: string } | null = null;
  const now = (): { readonly scene: Scene; readonly cookie: string } => {
    assert.ok(opened !== null);
    return opened;
  };
  before(async () => {
    const scene = await openScene(start);
    opened = { scene, cookie: await scene.signUp('ada@example.com') };
  });
  after(async () => await opened?.scene.close());
  beforeEach(() => {
    now().scene.seen.length = 0;
    now().scene.asked.requests.length = 0;
  });
  return {
    get scene() {
      return now().scene;
    },
    get cookie() {
      return now().cookie;
    },
  };
}

async function openScene(start: Start): Promise<Scene> {
  const ports = { gateway: await freePort(), latchkey: await freePort(), application: await freePort() };
  const origin = `http://localhost:${ports.gateway}`;
  const rate = { attempts: 1_000_000, within: '1m' } as const;
  const auth = latchkey({
    url: origin,
    secret: TEST_SECRET,
    store: sqlite(':memory:'),
    clients: { web: 'session', mobile: 'jwt' },
    // Nearly as much as a token may say.
    claims: { notes: () => 'x'.repeat(900) },
    throttle: { network: rate, account: rate },
    trustedProxies: 1,
  });
  await auth.ready();
  const { key } = await auth.clients.create({ name: 'edge', audiences: ['orders'] });
  const asked: Scene['asked'] = { requests: [], connections: 0 };
  const answer = node(auth).routes((_incoming, outgoing) => outgoing.writeHead(404).end());
  // What the service asks goes past the gateway, and is not counted with it.
  const inside = createServer(answer);
  inside.listen(0, '127.0.0.1');
  await once(inside, 'listening');
  const via = `http://127.0.0.1:${(inside.address() as AddressInfo).port}`;
  const orders = await auth.clients.create({ name: 'orders', audiences: ['orders'] });
  const service = verifier({ issuer: origin, via, audience: 'orders', key: orders.key.reveal() });
  await service.ready();
  const listen = async (): Promise<Server> => {
    const server = createServer((incoming, outgoing) => {
      asked.requests.push({ line: `${incoming.method} ${incoming.url}`, headers: incoming.headers });
      answer(incoming, outgoing);
    });
    server.on('connection', () => {
      asked.connections += 1;
    });
    server.listen(ports.latchkey, '127.0.0.1');
    await once(server, 'listening');
    return server;
  };
  const stop = async (server: Server): Promise<void> => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  let server: Server | null = await listen();
  const seen: Seen[] = [];
  const application = applicationThatRecords(seen);
  application.listen(ports.application, '127.0.0.1');
  await once(application, 'listening');
  const gateway = await start(ports, key.reveal(), origin);
  const ask: Scene['ask'] = (path, init) => askAt(ports.gateway, path, init);
  return {
    ports,
    auth,
    service,
    seen,
    asked,
    ask,
    sendRaw: (bytes, then) => sendRaw(ports.gateway, bytes, then),
    signUp: async (email) => {
      const body = JSON.stringify({ email, password: PASSWORD });
      const headers = { 'Content-Type': 'application/json', Origin: origin };
      const answered = await ask('/auth/sign-up', { method: 'POST', headers, body });
      assert.equal(answered.status, 201, answered.body);
      return (answered.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';
    },
    listen: async (up) => {
      if (server !== null) await stop(server);
      server = up ? await listen() : null;
    },
    close: async () => {
      await gateway.remove();
      service.close();
      await stop(inside);
      if (server !== null) await stop(server);
      await stop(application);
      await auth.close();
    },
  };
}

/** Answers each request with what it has seen, a WebSocket with what it is told, and one path with 401. */
function applicationThatRecords(seen: Seen[]): Server {
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = incoming;
    const body = await text(incoming);
    seen.push({ method, url, headers, body });
    if (url === '/says-no') outgoing.writeHead(401, { 'WWW-Authenticate': 'Own' });
    outgoing.end(`application saw ${method} ${url}`);
  };
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  server.on('upgrade', ({ method = '', url = '', headers }, socket) => {
    seen.push({ method, url, headers, body: '' });
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    socket.on('data', (bytes) => socket.end(`echo ${String(bytes)}`));
    socket.on('error', () => undefined);
  });
  return server;
}

async function askAt(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body }: Init = {},
): Promise<Answered> {
  const asking = request({
    host: '127.0.0.1',
    port,
    path,
    method,
    headers: { Host: `localhost:${port}`, ...lengthOf(body), ...headers },
  });
  asking.end(body);
  const [incoming] = (await once(asking, 'response')) as [IncomingMessage];
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: await text(incoming) };
}

/** Node says no length with DELETE by itself. */
function lengthOf(body: string | undefined): OutgoingHttpHeaders {
  return body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
}

async function sendRaw(port: number, bytes: string, then?: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  if (then !== undefined) socket.once('data', () => socket.write(then));
  socket.write(bytes, 'latin1');
  return await text(socket);
}

/** Whom the token speaks for that the application was handed, as that finds it out: by a verifier that follows the log. */
export async function verified({ service }: Scene, seen: Seen | undefined): Promise<ServicePrincipal> {
  return await service.require(new Headers({ Authorization: seen?.headers.authorization ?? '' }));
}

/** What stands in that token. */
export function saidIn(seen: Seen | undefined): JWTPayload {
  return decodeJwt(seen?.headers.authorization?.replace('Bearer ', '') ?? '');
}
