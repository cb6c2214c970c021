import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../tools/own-server.mjs';
import { createDatabase } from '../../tools/postgres-database.mjs';
import { bodyOf, PASSWORD, TEST_SECRET } from '../http/world.ts';
import { COMMAND, call, cookieOf, type Running, startUntil, temporaryFolder } from '../server/process.ts';
import { earlierCommits, layOut } from './other-build.ts';

/*
 * Two builds beside each other on one database, as they are while one is exchanged for
 * the other: expand first, contract later (@fault F22).
 */

const folder = temporaryFolder();
after(() => folder.remove());
const { previous, olderSchema } = earlierCommits();

interface Node extends Running {
  readonly url: string;
}

interface Person {
  readonly cookie: string;
  readonly access: string;
  readonly refresh: string;
}

async function start(command: string, environment: Readonly<Record<string, string>>): Promise<Node> {
  const port = String(await freePort());
  // One public address for both, as behind one balancer.
  const own = { PORT: port, LATCHKEY_URL: 'http://localhost:3000', LATCHKEY_LOG_LEVEL: 'info' };
  const running = await startUntil(command, ['serve'], { ...environment, ...own }, /"msg":"ready"/);
  return { ...running, url: `http://localhost:${port}` };
}

async function enter(node: Node, path: 'sign-up' | 'sign-in', email: string): Promise<Person> {
  const web = await call(`${node.url}/auth/${path}`, 'POST', { email, password: PASSWORD, client: 'web' });
  assert.ok(web.ok, await web.clone().text());
  const mobile = await call(`${node.url}/auth/sign-in`, 'POST', {
    email,
    password: PASSWORD,
    client: 'mobile',
  });
  const body = await bodyOf(mobile);
  return {
    cookie: cookieOf(web),
    access: String(body['access_token']),
    refresh: String(body['refresh_token']),
  };
}

/** What a node says of a cookie and a token. */
async function statusesOf({ url }: Node, { cookie, access }: Person): Promise<readonly number[]> {
  const byCookie = await call(`${url}/auth/me`, 'GET', undefined, cookie);
  const byToken = await fetch(`${url}/auth/me`, { headers: { Authorization: `Bearer ${access}` } });
  return [byCookie.status, byToken.status];
}

async function refresh({ url }: Node, token: string): Promise<number> {
  const grant = { grant_type: 'refresh_token', refresh_token: token };
  return (await call(`${url}/auth/token`, 'POST', grant)).status;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await holds()) return;
    await sleep(100);
  }
  assert.fail('it never came true');
}

/** The whole of an upgrade: the old build alone, both, and the new one alone. */
async function upgrade(oldCommand: string, environment: Readonly<Record<string, string>>): Promise<void> {
  const nodes: Node[] = [];
  const end = async (): Promise<void> => {
    for (const node of nodes) await node.end('SIGKILL');
  };
  after(end);
  const old = await start(oldCommand, environment);
  nodes.push(old);
  const before = await enter(old, 'sign-up', 'before@example.com');

  const fresh = await start(COMMAND, environment);
  nodes.push(fresh);
  const meanwhile = await enter(fresh, 'sign-up', 'meanwhile@example.com');
  const onOld = await enter(old, 'sign-in', 'meanwhile@example.com');
  for (const node of nodes) {
    for (const person of [before, meanwhile, onOld]) {
      assert.deepEqual(await statusesOf(node, person), [200, 200]);
      assert.equal(await refresh(node, person.refresh), 200);
    }
  }

  // What one ends, the other refuses within the bound, and each the other way round.
  for (const [here, there, person] of [
    [old, fresh, before],
    [fresh, old, onOld],
  ] as const) {
    const ended = await call(`${here.url}/auth/sign-out`, 'POST', undefined, person.cookie);
    assert.equal(ended.status, 200);
    await until(async () => (await statusesOf(there, person))[0] === 401);
  }
  assert.deepEqual(await statusesOf(old, meanwhile), [200, 200]);

  assert.equal(await old.end('SIGTERM'), 0);
  assert.deepEqual(await statusesOf(fresh, meanwhile), [200, 200], 'nobody is signed out');
  assert.equal((await statusesOf(fresh, before))[0], 401);
  assert.equal(await refresh(fresh, onOld.refresh), 200);
  await fresh.end('SIGTERM');
  nodes.length = 0;
}

describe('two builds on one database (@fault F22)', () => {
  test('the last one that knew one migration less, on SQLite', async () => {
    const build = temporaryFolder();
    after(() => build.remove());
    await upgrade(layOut(olderSchema, build.path), { LATCHKEY_DATA: folder.path });
  });

  for (const [store, provide] of [
    ['SQLite', async () => ({ environment: {}, drop: async () => undefined })],
    [
      'PostgreSQL',
      async () => {
        const { url, drop } = await createDatabase();
        return { environment: { LATCHKEY_DATABASE_URL: url, LATCHKEY_SECRET: TEST_SECRET }, drop };
      },
    ],
  ] as const) {
    test(`the commit before this one, on ${store}`, async () => {
      const build = temporaryFolder();
      const data = temporaryFolder();
      const { environment, drop } = await provide();
      after(async () => {
        await drop();
        build.remove();
        data.remove();
      });
      await upgrade(layOut(previous, build.path), { LATCHKEY_DATA: data.path, ...environment });
    });
  }
});
