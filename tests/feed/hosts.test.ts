import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createAdaptorServer } from '@hono/node-server';
import { createApp, createLog, createMetrics } from '@latchkey/server';
import type { Entry } from '@latchkey/verify';
import express from 'express';
import { Hono } from 'hono';
import { type Latchkey, latchkey, sqlite } from 'latchkey';
import { express as expressDoors } from 'latchkey/express';
import { hono as honoDoors } from 'latchkey/hono';
import { node as nodeDoors } from 'latchkey/node';
import { freePort } from '../../tools/own-server.mjs';
import { type Door, door, overriding } from '../attacks/scene.ts';
import { TEST_SECRET } from '../http/world.ts';
import { followerId, Service, SNAPSHOT } from './service.ts';

/*
 * Streams and snapshots through every way in which the handler is hosted: what is written
 * is heard at once, a reader that stops reading costs a bounded buffer, and no end of a
 * connection is left over.
 */

const HOSTS: readonly (readonly [name: string, serve: (auth: Latchkey) => Server])[] = [
  ['node:http', (auth) => createServer(nodeDoors(auth).routes((_incoming, outgoing) => outgoing.end()))],
  ['Express', (auth) => createServer(express().use(expressDoors(auth).routes))],
  ['Hono', (auth) => createAdaptorServer({ fetch: new Hono().use(honoDoors(auth).routes).fetch }) as Server],
  [
    'the server',
    (auth) => {
      const log = createLog('silent');
      const options = { auth, log, metrics: createMetrics(), metricsSecret: null, open: true };
      return createAdaptorServer({ fetch: createApp(options).fetch }) as Server;
    },
  ],
];

/** Two hundred things that somebody says were revoked. */
function hintedFrom(first: number): readonly Entry[] {
  return Array.from({ length: 200 }, (_, index) => ({
    seq: 2 ** 52 + first + index,
    kind: 'revoke',
    scope: 'session',
    subject: followerId(),
    expiresAt: 2e12,
  }));
}

for (const [name, serve] of HOSTS) {
  describe(`the feed through ${name}`, () => {
    const hearing = new Set<(entries: readonly Entry[], atOnce: boolean) => void>();
    let auth: Latchkey;
    let server: Server;
    let key: string;
    let gate: Door | null = null;
    let spelled = 2;
    const sockets = (): Promise<number> =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
      );
    const streamsOf = async (count: number): Promise<void> => {
      while ((await auth.status()).streams !== count) await new Promise(setImmediate);
    };
    const service = (): Service =>
      new Service((asked) => fetch(asked.url.replace(/^[^/]+\/\/[^/]+/, auth.config.origin), asked), key);
    const end = async (): Promise<void> => {
      await auth.revoke({ client: 'web' });
    };

    before(async () => {
      const port = await freePort();
      const clients = { web: 'session' } as const;
      const own = sqlite(':memory:');
      const onHint: typeof own.onHint = (listener) => {
        hearing.add(listener);
        return own.onHint(listener);
      };
      const services: typeof own.services = overriding(own.services, {
        read: async (subject) => {
          await gate?.pass();
          return await own.services.read(subject);
        },
      });
      const store = { ...own, onHint, services };
      auth = latchkey({ url: `http://127.0.0.1:${port}`, secret: TEST_SECRET, store, clients });
      await auth.ready();
      server = serve(auth);
      // As short as a server may have them: none may cut a stream.
      server.requestTimeout = 300;
      server.headersTimeout = 200;
      server.keepAliveTimeout = 100;
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      key = (await auth.clients.create({ name: 'orders', audiences: ['orders'] })).key.reveal();
    });
    after(async () => {
      server.closeAllConnections();
      server.close();
      await auth.close();
    });

    /** A reader that reads nothing but what it is told to. */
    const slowReader = async (path: string): Promise<IncomingMessage> => {
      const { port } = server.address() as AddressInfo;
      const headers = { Authorization: `Bearer ${key}`, Accept: SNAPSHOT };
      const sent = request({ port, host: '127.0.0.1', path, headers }).end();
      const [incoming] = (await once(sent, 'response')) as [IncomingMessage];
      incoming.pause();
      return incoming;
    };

    test('a hint is heard at once, through times in which any other request is over', async () => {
      const stream = await service().listen();
      assert.equal(await stream.next(), 'retry: 1000\n: open');
      await new Promise((resolve) => setTimeout(resolve, 700));
      await end();
      assert.equal((await stream.entry())?.[2], 'client');
      await stream.close();
      await streamsOf(0);
    });

    test('who hangs up leaves nothing behind', async () => {
      const open = await Promise.all(Array.from({ length: 5 }, () => service().listen()));
      await streamsOf(5);
      for (const stream of open) await stream.close();
      await streamsOf(0);
    });

    const hangUpEarly = async (path: string): Promise<void> => {
      const { port } = server.address() as AddressInfo;
      // More than one client may have on a node.
      for (let index = 0; index < 65; index += 1) {
        gate = door();
        // A spelling that is not remembered, so that the store is asked who it is.
        const headers = { Authorization: `Bearer${' '.repeat(spelled)}${key}`, Accept: SNAPSHOT };
        spelled += 1;
        const arrived = once(server, 'request');
        const sent = request({ port, host: '127.0.0.1', path, headers }).end();
        sent.on('error', () => undefined);
        const [, outgoing] = (await arrived) as [IncomingMessage, ServerResponse];
        const gone = once(outgoing, 'close');
        await gate.reached;
        sent.destroy();
        await gone;
        gate.open();
        gate = null;
        for (let turns = 0; turns < 5; turns += 1) await new Promise(setImmediate);
      }
      await streamsOf(0);
      const response = await service().send('GET', path, { headers: { Accept: SNAPSHOT } });
      assert.equal(response.status, 200, response.status === 200 ? '' : await response.text());
      await response.body?.cancel();
      await streamsOf(0);
    };

    test('who hangs up before a stream begins leaves nothing behind', () => hangUpEarly('/auth/feed'));

    test('who hangs up before a snapshot begins leaves nothing behind', () =>
      hangUpEarly('/auth/feed/snapshot'));

    test('who does not read is cut off when its buffer is full, and others hear on', async () => {
      const other = await service().listen();
      const slow = await slowReader('/auth/feed');
      const closed = new Promise((resolve) => slow.on('close', resolve));
      slow.on('error', () => undefined);
      await streamsOf(2);
      let sent = 0;
      // What the system buffers for a connection is beyond us, and has an end.
      while ((await auth.status()).streams === 2) {
        assert.ok(sent < 600_000, 'it is never cut off');
        const entries = hintedFrom(sent);
        for (const tell of hearing) tell(entries, false);
        for (let read = 0; read < 200; read += 1) await other.entry();
        sent += 200;
      }
      slow.resume();
      await closed;
      await end();
      while ((await other.entry())?.[2] !== 'client');
      await other.close();
      await streamsOf(0);
    });

    test('a stream ends within a second when its client is disabled', async () => {
      const made = await auth.clients.create({ name: 'gone', audiences: ['orders'] });
      const stream = await new Service(
        (asked) => fetch(asked.url.replace(/^[^/]+\/\/[^/]+/, auth.config.origin), asked),
        made.key.reveal(),
      ).listen();
      const began = performance.now();
      await auth.clients.disable(made.name);
      await stream.ended();
      assert.ok(performance.now() - began < 1_000);
      await streamsOf(0);
    });

    test('a server that stops has nothing to wait for', async () => {
      const stream = await service().listen();
      auth.drain();
      await stream.ended();
      assert.equal((await service().send('GET', '/auth/feed')).status, 503);
      const gone = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      await gone;
      assert.equal(await sockets(), 0);
    });
  });
}
