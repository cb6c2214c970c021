import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { type Listener, node } from 'latchkey/node';
import { freePort } from '../../../tools/own-server.mjs';
import { codeOf, testClock } from '../world.ts';
import { listen } from './listen.ts';
import { suiteAuth } from './scene.ts';
import { type Document, type Documents, type Hosted, runSuite, type SuiteAuth } from './suite.ts';

function open(auth: SuiteAuth, documents: Documents, readsBodies: boolean): Promise<Hosted> {
  const { routes, signedIn, may, session } = node(auth);
  const notes = node(auth, { audience: 'notes' });
  const urlOf = (incoming: IncomingMessage): URL => new URL(incoming.url ?? '/', auth.config.origin);
  const find = (incoming: IncomingMessage): Document | undefined =>
    documents.get(urlOf(incoming).pathname.split('/')[2] ?? '');
  const json = (outgoing: ServerResponse, value: unknown): void => {
    outgoing.setHeader('Content-Type', 'application/json');
    outgoing.end(JSON.stringify(value));
  };

  const table: Record<string, Listener> = {
    'GET /me': signedIn((_incoming, outgoing, { principal: { id, via, user } }) =>
      json(outgoing, { id, via, email: user?.email ?? null }),
    ),
    'POST /me': signedIn((_incoming, outgoing) => outgoing.end('done')),
    'GET /notes/me': notes.signedIn((_incoming, outgoing, { principal }) =>
      json(outgoing, { id: principal.id }),
    ),
    'GET /documents/:id': may('document:read', find, (_incoming, outgoing, { principal, resource }) =>
      json(outgoing, { id: resource.id, reader: principal?.id ?? null }),
    ),
    'PUT /documents/:id': may('document:edit', find, async (incoming, outgoing, { resource }) =>
      json(outgoing, { id: resource.id, body: await text(incoming) }),
    ),
    'GET /documents/:id/removal': may('document:remove', find, (_incoming, outgoing) =>
      outgoing.end('sure?'),
    ),
    'DELETE /documents/:id': may('document:remove', find, (_incoming, outgoing) => outgoing.end('removed')),
    'GET /reports': may('reports:view', (_incoming, outgoing) => outgoing.end('reports')),
    'GET /cart': async (incoming, outgoing) =>
      json(outgoing, { cart: await (await session(incoming, outgoing)).get('cart') }),
    'POST /cart': async (incoming, outgoing) => {
      outgoing.appendHeader('Set-Cookie', 'theme=dark');
      const sku = urlOf(incoming).searchParams.get('sku') ?? '';
      await (await session(incoming, outgoing)).update('cart', (cart) => [...cart, sku]);
      outgoing.writeHead(303, { Location: '/cart' }).end();
    },
  };
  const listener = routes((incoming, outgoing) => {
    const { pathname } = urlOf(incoming);
    const pattern = pathname.replace(/^\/documents\/[^/]+/, '/documents/:id');
    const act = table[`${incoming.method} ${pattern}`];
    return act === undefined ? outgoing.end(`app ${pathname}`) : act(incoming, outgoing);
  });
  const eager = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    incoming.once('end', () => listener(incoming, outgoing)).resume();
  };
  return listen(createServer(readsBodies ? eager : listener), auth);
}

runSuite({
  name: 'node',
  open: (auth, documents) => open(auth, documents, false),
  openReadingBodies: (auth, documents) => open(auth, documents, true),
});

describe('what a listener throws', () => {
  let auth: SuiteAuth;
  let hosted: Hosted;
  const warned: unknown[] = [];
  const note = (warning: unknown): number => warned.push(warning);
  const broken = new Error('the list of the shelves is gone');
  before(async () => {
    process.on('warning', note);
    auth = suiteAuth(await freePort(), testClock(), []);
    const { routes, may } = node(auth);
    const opened = may(
      'document:read',
      () => Promise.reject(broken),
      (_incoming, outgoing) => outgoing.end(),
    );
    const listener = routes(async (incoming, outgoing) => {
      if (incoming.url === '/load') return opened(incoming, outgoing);
      outgoing.setHeader('Content-Length', 3);
      if (incoming.url === '/late') outgoing.write('a');
      await Promise.resolve();
      throw incoming.url === '/ours'
        ? await auth.require(new Headers()).catch((error: unknown) => error)
        : broken;
    });
    hosted = await listen(createServer(listener), auth);
  });
  after(async () => {
    process.off('warning', note);
    await hosted.close();
    await auth.close();
  });

  test('is answered as 500 that tells nothing, and the process is warned of it', async () => {
    for (const path of ['/load', '/early']) {
      warned.length = 0;
      const response = await fetch(`${hosted.origin}${path}`);
      assert.equal(response.status, 500);
      const body = await response.text();
      assert.match(body, /"LK_INTERNAL"/);
      assert.doesNotMatch(body, /shelves/);
      assert.deepEqual(warned, [broken]);
    }
  });

  test('is answered by its code where it is ours, and nobody is warned', async () => {
    warned.length = 0;
    const response = await fetch(`${hosted.origin}/ours`);
    assert.equal(response.status, 401);
    assert.equal(await codeOf(response), 'LK_UNAUTHENTICATED');
    assert.deepEqual(warned, []);
  });

  test('breaks the connection off where an answer has begun', async () => {
    await assert.rejects(fetch(`${hosted.origin}/late`).then((response) => response.text()));
  });
});
