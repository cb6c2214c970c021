import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import { Hono } from 'hono';
import {
  type ApplicationSession,
  latchkey,
  me,
  permissions,
  type RequestHead,
  recent,
  resource,
  role,
  sqlite,
} from 'latchkey';
import { express as expressDoors } from 'latchkey/express';
import { hono as honoDoors } from 'latchkey/hono';
import { z } from 'zod';
import { freePort } from '../../tools/own-server.mjs';
import { Caller } from './adapters/caller.ts';
import { TEST_SECRET, type TestClock, testClock } from './world.ts';

function systemOn(port: number, clock: TestClock) {
  return latchkey({
    url: `http://localhost:${port}`,
    secret: TEST_SECRET,
    store: sqlite(':memory:'),
    session: z.object({ cart: z.array(z.string().max(8)).default([]) }),
    roles: ['auditor'],
    access: {
      document: resource<{ readonly ownerId: string }>()({ edit: [{ ownerId: me.id }] }),
      reports: permissions({ view: [role('auditor')], remove: [recent('5m')] }),
    },
    clock,
  });
}

type System = ReturnType<typeof systemOn>;
type Opened = Promise<ApplicationSession<{ cart: string[] }>>;

/** What a handler of an application has. */
interface Handed {
  readonly auth: System;
  readonly head: RequestHead;
  /** The session's data, through the adapter. */
  readonly session: () => Opened;
}

/** What handlers do that catch nothing and that no guard stands before. */
const DEEDS = new Map<string, (handed: Handed) => Promise<unknown>>([
  ['require', ({ auth, head }) => auth.require(head)],
  ['authenticate', ({ auth, head }) => auth.authenticate(head)],
  [
    'edit',
    async ({ auth, head }) =>
      auth.authorize(await auth.authenticate(head), 'document:edit', { ownerId: 'somebody else' }),
  ],
  ['view', async ({ auth, head }) => auth.authorize(await auth.require(head), 'reports:view')],
  ['remove', async ({ auth, head }) => auth.authorize(await auth.require(head), 'reports:remove')],
  ['data', async ({ auth, head }) => (await auth.session(head, () => undefined)).read()],
  [
    'update',
    async ({ auth, head }) =>
      (await auth.session(head, () => undefined)).update('cart', (cart) => [...cart, 'much too long']),
  ],
  ['update-here', async ({ session }) => (await session()).update('cart', () => ['much too long'])],
  ['set-here', async ({ session }) => (await session()).set('cart', ['much too long'])],
  [
    'late',
    async ({ auth, head, session }) => {
      const [{ session: own }, opened] = [await auth.require(head), await session()];
      await auth.revoke({ session: own.id });
      await opened.set('cart', ['tea']);
    },
  ],
  ['defect', ({ session }) => session().then((data) => data.update('cart', () => assert.fail('a defect')))],
]);

async function done(name: string | undefined, handed: Handed): Promise<string> {
  const deed = DEEDS.get(name ?? '');
  assert.ok(deed !== undefined, name);
  await deed(handed);
  return 'done';
}

const HOSTS: Readonly<Record<string, (auth: System) => Server>> = {
  hono: (auth) => {
    const { routes, session } = honoDoors(auth);
    const app = new Hono().use(routes);
    app.post('/:deed', async (c) =>
      c.text(await done(c.req.param('deed'), { auth, head: c.req.raw, session: () => session(c) })),
    );
    const listener = getRequestListener(app.fetch);
    return createServer((incoming, outgoing) => void listener(incoming, outgoing));
  },
  express: (auth) => {
    const { routes, session } = expressDoors(auth);
    // By this name it does not tell the console.
    const app = express().set('env', 'test').use(routes);
    app.post('/:deed', async (req, res) => {
      const headers = new Headers();
      for (const [name, value] of Object.entries(req.headers))
        if (typeof value === 'string') headers.set(name, value);
      const head = { method: req.method, headers };
      res.send(await done(req.params.deed, { auth, head, session: () => session(req, res) }));
    });
    return createServer(app);
  },
};

interface Case {
  readonly what: string;
  readonly deed: string;
  readonly status: number;
  readonly code: string;
  readonly signedIn?: boolean;
  /** Since sign-in, in milliseconds. */
  readonly passed?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const CASES: readonly Case[] = [
  { what: 'nobody where somebody must be', deed: 'require', status: 401, code: 'LK_UNAUTHENTICATED' },
  {
    what: 'a token that is none',
    deed: 'authenticate',
    status: 401,
    code: 'LK_UNAUTHENTICATED',
    headers: { Authorization: 'Bearer none' },
  },
  {
    what: 'two credentials at once',
    deed: 'require',
    status: 400,
    code: 'LK_CREDENTIALS_AMBIGUOUS',
    headers: { Authorization: 'Bearer one, Bearer two' },
  },
  { what: 'nobody who may', deed: 'edit', status: 401, code: 'LK_UNAUTHENTICATED' },
  { what: 'somebody who may not', deed: 'edit', status: 403, code: 'LK_FORBIDDEN', signedIn: true },
  { what: 'somebody without the role', deed: 'view', status: 403, code: 'LK_FORBIDDEN', signedIn: true },
  {
    what: 'a proof that is too old',
    deed: 'remove',
    status: 401,
    code: 'LK_STEP_UP_REQUIRED',
    signedIn: true,
    passed: 301_000,
  },
  {
    what: "another site's page that asks for data",
    deed: 'data',
    status: 403,
    code: 'LK_ORIGIN_REFUSED',
    headers: { 'Sec-Fetch-Site': 'cross-site' },
  },
  { what: 'data that do not fit', deed: 'update', status: 400, code: 'LK_REQUEST_INVALID', signedIn: true },
  { what: 'data that do not fit, of a visitor', deed: 'update', status: 400, code: 'LK_REQUEST_INVALID' },
  {
    what: 'data that do not fit, by the adapter',
    deed: 'update-here',
    status: 400,
    code: 'LK_REQUEST_INVALID',
  },
  { what: 'a value that does not fit', deed: 'set-here', status: 400, code: 'LK_REQUEST_INVALID' },
  {
    what: 'a session that ends meanwhile',
    deed: 'late',
    status: 401,
    code: 'LK_UNAUTHENTICATED',
    signedIn: true,
  },
];

for (const [name, host] of Object.entries(HOSTS)) {
  describe(`what a handler of ${name} lets pass`, () => {
    const clock = testClock();
    let auth: System;
    let server: Server;
    let people = 0;
    before(async () => {
      const port = await freePort();
      auth = systemOn(port, clock);
      server = host(auth);
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    });
    after(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await auth.close();
    });

    const asked = async (
      { deed, signedIn = false, passed = 0, headers = {} }: Omit<Case, 'what' | 'status' | 'code'>,
      extra: Readonly<Record<string, string>> = {},
    ): Promise<Response> => {
      people += 1;
      const caller = new Caller(auth.config.origin, `person-${people}@example.com`);
      if (signedIn) await caller.signUp();
      clock.advance(passed);
      return caller.call('POST', `/${deed}`, { headers: { ...headers, ...extra } });
    };

    const answered = async ({ what: _what, status, code, ...asks }: Case): Promise<void> => {
      const response = await asked(asks);
      assert.equal(response.status, status);
      // Express asks an error for its status alone.
      if (name === 'express') return;
      assert.equal(response.headers.get('content-type'), 'application/problem+json');
      const problem: unknown = await response.json();
      assert.ok(typeof problem === 'object' && problem !== null && 'code' in problem);
      assert.equal(problem.code, code);
      if (status === 401) assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer/);
    };
    for (const item of CASES) {
      test(`is answered as what it is, and not as a defect: ${item.what} is ${item.status} (@asvs 16.5.1)`, () =>
        answered(item));
    }

    if (name === 'express') {
      // Hono would tell the console of it.
      test('is a defect where it is one of the application', async () => {
        assert.equal((await asked({ deed: 'defect', signedIn: true })).status, 500);
      });
    } else {
      test('is a page for a person, where the adapter opened the session', async () => {
        const sent = { Accept: 'text/html', 'Content-Type': 'application/x-www-form-urlencoded' };
        const response = await asked({ deed: 'update-here' }, sent);
        assert.equal(response.status, 400);
        assert.match(response.headers.get('content-type') ?? '', /^text\/html/);
      });
    }
  });
}
