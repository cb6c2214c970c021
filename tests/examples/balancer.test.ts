import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type RequestOptions,
  request,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Balancer } from '../../examples/distributed/balancer.ts';
import { freePort } from '../../tools/own-server.mjs';

type Handler = (...args: Parameters<RequestListener>) => void;

interface Scene {
  readonly balancer: Balancer;
  readonly port: number;
  readonly url: string;
  /** What the nodes were asked, but for their health. */
  readonly seen: string[];
}

/** A node for each handler behind a balancer; `null` is one where nobody listens. */
async function scene(t: TestContext, handlers: readonly (Handler | null)[], careful = true): Promise<Scene> {
  const seen: string[] = [];
  const nodes = await Promise.all(
    handlers.map(async (handler, index) => {
      const name = `node-${index + 1}`;
      if (handler === null) return { name, port: await freePort() };
      const server = createServer((incoming, outgoing) => {
        if (incoming.url !== '/health/ready') {
          seen.push(`${name} ${incoming.method} ${incoming.url}`);
          return handler(incoming, outgoing);
        }
        outgoing.writeHead(handler === unwell ? 503 : 200).end();
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      t.after(() => {
        server.close();
        server.closeAllConnections();
      });
      return { name, port: (server.address() as AddressInfo).port };
    }),
  );
  const balancer = new Balancer(nodes, careful);
  const port = await balancer.listen(0);
  t.after(() => balancer.close());
  return { balancer, port, url: `http://127.0.0.1:${port}`, seen };
}

const well: Handler = (incoming, outgoing) => {
  void text(incoming).then((body) => outgoing.end(`${incoming.method} ${body}`));
};
/** Answers requests, and says that it should not be sent any. */
const unwell: Handler = (_, outgoing) => void outgoing.writeHead(500).end();
/** Has the request, and goes away before anything of an answer. */
const dies: Handler = (incoming) => {
  incoming.resume().once('end', () => incoming.socket.destroy());
};
const diesInTheMiddle: Handler = (incoming, outgoing) => {
  outgoing.write('the first half', () => incoming.socket.destroy());
};

/** Turns begin with the second node, so that the first request goes there. */
const second = (handler: Handler | null): readonly (Handler | null)[] => [well, handler];

describe('the balancer of examples/distributed', () => {
  test('asks by turns, and says who answered', async (t) => {
    const { url } = await scene(t, [well, well, well]);
    const names: string[] = [];
    for (let count = 0; count < 6; count += 1) names.push(answeredBy(await fetch(url)));
    assert.deepEqual(names.toSorted(), ['node-1', 'node-1', 'node-2', 'node-2', 'node-3', 'node-3']);
  });

  for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
    test(`hands on a ${method}, its body untouched, where there was no connection`, async (t) => {
      const { url, balancer } = await scene(t, second(null));
      const body = method === 'GET' ? '' : 'word '.repeat(100_000);
      const response = await fetch(url, { method, ...(method === 'GET' ? {} : { body }) });
      assert.equal(response.status, 200);
      assert.equal(await response.text(), `${method} ${body}`);
      assert.equal(answeredBy(response), 'node-1');
      assert.equal(balancer.nodes[1]?.up, false, 'noticed by the request, not by the look at health');
    });
  }

  test('repeats what is safe where a node went away before it answered', async (t) => {
    const { url, seen, balancer } = await scene(t, second(dies));
    const response = await fetch(url);
    assert.equal(response.status, 200);
    assert.deepEqual(seen, ['node-2 GET /', 'node-1 GET /']);
    assert.equal(balancer.nodes[1]?.broken, 1);
  });

  for (const [method, body] of [
    ['POST', 'grant_type=refresh_token'],
    ['PUT', 'x'],
    ['DELETE', undefined],
  ] as const) {
    test(`repeats no ${method} that a node had`, async (t) => {
      const { url, seen } = await scene(t, second(dies));
      const response = await fetch(url, { method, ...(body === undefined ? {} : { body }) });
      assert.equal(response.status, 502);
      assert.equal(response.headers.get('x-lost-on'), 'node-2');
      assert.deepEqual(seen, [`node-2 ${method} /`]);
    });
  }

  test('repeats no GET with a body, which has been streamed away', async (t) => {
    const { port, seen } = await scene(t, second(dies));
    const { status } = await send(port, { method: 'GET', headers: { 'content-length': '1' } }, 'x');
    assert.equal(status, 502);
    assert.deepEqual(seen, ['node-2 GET /']);
  });

  test('sends nothing that it may not repeat over a connection that was kept', async (t) => {
    const ports = new Map<string, Set<number | undefined>>();
    const { url } = await scene(t, [
      (incoming, outgoing) => {
        const of = ports.get(incoming.method ?? '') ?? new Set();
        ports.set(incoming.method ?? '', of.add(incoming.socket.remotePort));
        well(incoming, outgoing);
      },
    ]);
    for (let count = 0; count < 3; count += 1) await (await fetch(url)).text();
    for (let count = 0; count < 3; count += 1) await (await fetch(url, { method: 'POST' })).text();
    assert.equal(ports.get('GET')?.size, 1);
    assert.equal(ports.get('POST')?.size, 3);
    assert.deepEqual(
      [...(ports.get('GET') ?? [])].filter((port) => ports.get('POST')?.has(port)),
      [],
    );
  });

  test('tries a second time over a new connection, since one that was kept has misled it', async (t) => {
    const served = new WeakSet<object>();
    const once: Handler = (incoming, outgoing) => {
      if (served.has(incoming.socket)) incoming.socket.destroy();
      else well(incoming, outgoing);
      served.add(incoming.socket);
    };
    const { url } = await scene(t, [once, once]);
    for (let count = 0; count < 3; count += 1) assert.equal((await fetch(url)).status, 200);
  });

  test('cuts an answer that was cut, so that nobody takes half for all', async (t) => {
    const { url, seen, balancer } = await scene(t, second(diesInTheMiddle));
    const response = await fetch(url);
    assert.equal(response.status, 200);
    await assert.rejects(response.text());
    assert.deepEqual(seen, ['node-2 GET /']);
    assert.equal(balancer.nodes[1]?.broken, 1);
  });

  test('asks a node that is not ready only when there is no other', async (t) => {
    const { url, balancer } = await scene(t, [well, unwell]);
    while (balancer.nodes[1]?.up !== false) await setImmediate();
    for (let count = 0; count < 4; count += 1) {
      assert.equal(answeredBy(await fetch(url)), 'node-1');
    }
    const alone = await scene(t, [unwell]);
    while (alone.balancer.nodes[0]?.up !== false) await setImmediate();
    assert.equal(answeredBy(await fetch(alone.url)), 'node-1');
  });

  test('says 502 where nobody can be reached, and on nobody was anything lost', async (t) => {
    const { url } = await scene(t, [null, null]);
    const response = await fetch(url, { method: 'POST', body: 'x' });
    assert.equal(response.status, 502);
    assert.equal(response.headers.get('x-lost-on'), null);
  });

  test('that is not careful repeats nothing and forgets nothing', async (t) => {
    const { url } = await scene(t, second(null), false);
    const statuses: number[] = [];
    for (let count = 0; count < 4; count += 1) statuses.push((await fetch(url)).status);
    assert.deepEqual(statuses, [502, 200, 502, 200]);
  });

  test('streams: what a node has written is there before it has written all', async (t) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { url } = await scene(t, [
      (_, outgoing) => {
        outgoing.write('first ');
        void promise.then(() => outgoing.end('second'));
      },
    ]);
    const { body } = await fetch(url);
    assert.ok(body !== null);
    const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), 'first ');
    resolve();
    assert.equal(new TextDecoder().decode((await reader.read()).value), 'second');
  });

  test('breaks off towards the node when whoever asked has gone, and does not blame it', async (t) => {
    const { promise, resolve } = Promise.withResolvers<IncomingMessage>();
    const { url, balancer } = await scene(t, [(incoming) => resolve(incoming)]);
    const leaving = new AbortController();
    const answer = fetch(url, { method: 'POST', body: 'x', signal: leaving.signal });
    const incoming = await promise;
    const closed = once(incoming.socket, 'close');
    leaving.abort();
    await assert.rejects(answer);
    await closed;
    const [node] = balancer.nodes;
    assert.ok(node !== undefined);
    while (node.underWay.size > 0) await setImmediate();
    assert.ok(node.up);
    assert.equal(node.broken, 0);
  });

  test('adds whom it saw to X-Forwarded-For, and leaves out what speaks of one connection', async (t) => {
    let headers: NodeJS.Dict<string[]> = {};
    const { port } = await scene(t, [
      (incoming, outgoing) => {
        headers = incoming.headersDistinct;
        well(incoming, outgoing);
      },
    ]);
    await send(port, {
      method: 'POST',
      headers: [
        ['host', 'auth.example.com'],
        ['x-forwarded-for', '203.0.113.7'],
        ['connection', 'close, x-private'],
        ['x-private', '1'],
        ['te', 'trailers'],
        ['authorization', 'Bearer one'],
        ['authorization', 'Bearer two'],
      ].flat(),
    });
    assert.deepEqual(headers['host'], ['auth.example.com']);
    assert.deepEqual(headers['x-forwarded-for'], ['203.0.113.7, 127.0.0.1']);
    assert.deepEqual(headers['authorization'], ['Bearer one', 'Bearer two'], 'for the node to refuse');
    assert.equal(headers['x-private'], undefined);
    assert.equal(headers['te'], undefined);
  });

  test('lets no body be taken for a request, whatever its method', async (t) => {
    const { port, seen } = await scene(t, [well]);
    const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n';
    const socket = connect(port, '127.0.0.1');
    socket.write(
      `DELETE / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n` +
        `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
    );
    assert.match(await text(socket), /^HTTP\/1\.1 200 [^]*DELETE GET \/hidden/);
    assert.deepEqual(seen, ['node-1 DELETE /']);
  });

  test('goes on on the same connection after a body that was read in part', async (t) => {
    const { port } = await scene(t, [(incoming) => incoming.socket.destroy()]);
    const socket = connect(port, '127.0.0.1');
    const body = 'x'.repeat(10_000_000);
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    assert.equal((await text(socket)).match(/^HTTP\/1\.1 502/gm)?.length, 2);
  });
});

function answeredBy({ headers }: Response): string {
  return headers.get('x-answered-by') ?? 'nobody';
}

/** For what `fetch` does not send. */
async function send(
  port: number,
  options: Pick<RequestOptions, 'method' | 'headers'>,
  body?: string,
): Promise<{ status: number | undefined }> {
  const sent = request({ host: '127.0.0.1', port, agent: false, ...options });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  await text(answer);
  return { status: answer.statusCode };
}
