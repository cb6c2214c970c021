import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';

/*
 * What is sent to another node when the first one fails, and why no more than that:
 *
 * - Nothing was written, because no connection came about: the next node gets it,
 *   whatever the method. Nobody has seen the request yet.
 * - It was written, nothing of an answer has begun, the method is safe and there is
 *   no body: the next node gets it. A proxy may repeat what is idempotent (RFC 9110
 *   §9.2.2), and what changes nothing is so. A body has been streamed away, and a
 *   DELETE that is repeated may answer 404 for what it did itself: those are not repeated.
 * - It was written and the method is another: 502. A refresh at /auth/token would be
 *   safe to repeat, but only its client can know that; a proxy must not guess.
 * - An answer has begun: the connection is cut, so that nobody takes half for all.
 *
 * A connection that was kept and is used again may have died unnoticed, and then it
 * looks as if the request had been in flight. So only what may be repeated goes over
 * kept connections; all else gets a new one, on which the node was there a moment ago.
 */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
/** RFC 9110 §7.6.1: they speak of one connection, and there are two. */
const OF_ONE_CONNECTION =
  /^(connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|expect)$/;
const HEALTH_EVERY_MS = 250;
const PATIENCE_MS = 1_000;

/** A request that a node has and has not answered. */
export interface UnderWay {
  readonly method: string;
  readonly path: string;
}

/** A node, as the balancer sees it. */
export interface Upstream {
  readonly name: string;
  readonly port: number;
  /** What the last look at its health said, or a connection to it that failed since. */
  up: boolean;
  /** When that changed, in milliseconds of `performance.now()`. */
  since: number;
  readonly underWay: Set<UnderWay>;
  /** How many requests it had and did not answer, because the connection broke off. */
  broken: number;
}

/** What became of one attempt at one node. `next`: another node may have it. */
type Outcome = 'done' | 'next' | 'lost';

/** Requests by turns to whichever node is healthy. For loopback: each answer says which node gave it. */
export class Balancer {
  readonly nodes: readonly Upstream[];
  readonly #careful: boolean;
  readonly #kept = new Agent({ keepAlive: true });
  readonly #server = createServer((incoming, outgoing) => {
    // What cannot be written as a request of ours is not passed on.
    this.#forward(incoming, outgoing).catch(() => outgoing.destroy());
  });
  readonly #timers: readonly NodeJS.Timeout[];
  #turn = 0;

  /** @param careful `false`: turns alone, no look at health and no second node, to show what that costs. */
  constructor(nodes: readonly { readonly name: string; readonly port: number }[], careful = true) {
    this.nodes = nodes.map((node) => ({ ...node, up: true, since: 0, underWay: new Set(), broken: 0 }));
    this.#careful = careful;
    this.#timers = careful
      ? this.nodes.map((node) => setInterval(() => this.#look(node), HEALTH_EVERY_MS))
      : [];
    this.#server.keepAliveTimeout = 60_000;
  }

  /** Listens on loopback, and answers the port. */
  async listen(port: number): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    this.#kept.destroy();
    await closed;
  }

  /** Active: a node counts as healthy while it says so itself, over a new connection. */
  #look(node: Upstream): void {
    const look = request({ ...at(node), path: '/health/ready', agent: false }, (answer) => {
      mark(node, answer.statusCode === 200);
      answer.resume();
    });
    look.on('error', () => mark(node, false));
    look.setTimeout(PATIENCE_MS, () => look.destroy(new Error('no answer')));
    look.end();
  }

  /** The healthy by turns, and then the others: being wrong about one of those costs a refused connection. */
  #order(): readonly Upstream[] {
    this.#turn += 1;
    const up = this.#careful ? this.nodes.filter(isUp) : this.nodes;
    const first = up.length === 0 ? 0 : this.#turn % up.length;
    const turns = [...up.slice(first), ...up.slice(0, first)];
    return this.#careful ? [...turns, ...this.nodes.filter((node) => !up.includes(node))] : turns.slice(0, 1);
  }

  async #forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    let outcome: Outcome = 'next';
    // A second try goes over a new connection: one that was kept has misled the first.
    let agent: Agent | false = this.#kept;
    for (const node of this.#order()) {
      outcome = await this.#attempt(node, agent, incoming, outgoing);
      if (outcome === 'lost') refuse(outgoing, 'The node that had this request is gone', node.name);
      if (outcome !== 'next') break;
      agent = false;
    }
    if (outcome === 'next') refuse(outgoing, 'No node can be reached', null);
    // What is left of a body that nobody wants would stand before the next request.
    incoming.resume();
  }

  #attempt(
    node: Upstream,
    kept: Agent | false,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const { method = 'GET', url: path = '/', headers } = incoming;
    const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
    const repeatable = this.#careful && SAFE.has(method) && !hasBody;
    const agent = repeatable && kept;
    const upstream = request({ ...at(node), method, path, headers: headersFor(incoming), agent });
    const underWay = { method, path };
    let written = false;
    let left = false;
    // Whoever asked has gone: so has the reason to ask, and the node is not to blame.
    const leave = (): void => {
      left = true;
      upstream.destroy();
    };
    outgoing.once('close', leave);
    const late = setTimeout(() => {
      if (!written) upstream.destroy(new Error('no connection'));
    }, PATIENCE_MS);
    upstream.once('socket', (socket) => {
      // The body is touched when there is somebody to read it; until then another node can have it.
      const write = (): void => {
        written = true;
        node.underWay.add(underWay);
        incoming.pipe(upstream);
      };
      if (socket.connecting) socket.once('connect', write);
      else write();
    });
    // Passive: whoever breaks off is asked last until they say that they are well.
    const broken = (): void => {
      if (this.#careful) mark(node, false);
      if (written) node.broken += 1;
    };
    upstream.once('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, { ...endToEnd(answer), 'x-answered-by': node.name });
      answer.once('error', () => {
        if (!left) broken();
      });
      pipeline(answer, outgoing, () => resolve('done'));
    });
    upstream.on('error', () => {
      if (left || outgoing.headersSent) return resolve('done');
      broken();
      resolve(written && !repeatable ? 'lost' : 'next');
    });
    return promise.finally(() => {
      clearTimeout(late);
      outgoing.off('close', leave);
      node.underWay.delete(underWay);
      incoming.unpipe(upstream);
    });
  }
}

function isUp({ up }: Upstream): boolean {
  return up;
}

function mark(node: Upstream, up: boolean): void {
  if (node.up === up) return;
  node.up = up;
  node.since = performance.now();
}

function at({ port }: Upstream): { readonly host: string; readonly port: number } {
  return { host: '127.0.0.1', port };
}

/** Each header as often as it came: two of a kind may mean something, and be refused by the node. */
function endToEnd({ headersDistinct }: IncomingMessage): NodeJS.Dict<string[]> {
  const named = (headersDistinct['connection'] ?? [])
    .join(',')
    .toLowerCase()
    .split(/[\s,]+/);
  return Object.fromEntries(
    Object.entries(headersDistinct).filter(
      ([name]) => !OF_ONE_CONNECTION.test(name) && !named.includes(name),
    ),
  );
}

function headersFor(incoming: IncomingMessage): NodeJS.Dict<string | string[]> {
  const { headers, socket } = incoming;
  // The last entry is what this proxy saw itself, and the one that the nodes believe.
  const seen = [headers['x-forwarded-for'] ?? [], socket.remoteAddress ?? []].flat().join(', ');
  return {
    ...endToEnd(incoming),
    host: headers.host ?? '',
    'x-forwarded-for': seen,
    // Whatever the method: a body without an end could be read as a second request.
    ...(headers['transfer-encoding'] === undefined ? {} : { 'transfer-encoding': 'chunked' }),
  };
}

/** @param lostOn the node that may have done what was asked, or `null` where none has seen it. */
function refuse(outgoing: ServerResponse, title: string, lostOn: string | null): void {
  outgoing.writeHead(502, {
    'content-type': 'application/problem+json',
    ...(lostOn === null ? {} : { 'x-lost-on': lostOn }),
  });
  outgoing.end(JSON.stringify({ title, status: 502 }));
}
