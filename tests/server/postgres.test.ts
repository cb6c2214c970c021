import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort } from '../../tools/own-server.mjs';
import { createDatabase, run as query } from '../../tools/postgres-database.mjs';
import { call, cookieOf, run, startServer, type TestServer, temporaryFolder } from './process.ts';

const PASSWORD = 'lantern orchid gravel seven';
const SECRET = 'c2Vjb25kIHNlY3JldCB3aXRoIGVub3VnaCBieXRlcyAxMjM0NQ==';

describe('the standalone server on PostgreSQL', () => {
  const folder = temporaryFolder();
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let environment: Readonly<Record<string, string>>;
  const started: TestServer[] = [];
  const start = async (): Promise<TestServer> => {
    const server = await startServer(join(folder.path, 'data'), environment);
    started.push(server);
    return server;
  };
  before(async () => {
    database = await createDatabase();
    environment = {
      LATCHKEY_DATABASE_URL: database.url,
      LATCHKEY_SECRET: SECRET,
      // As behind a balancer: the cookie is of this origin on every node.
      LATCHKEY_URL: 'http://localhost:4000',
    };
  });
  after(async () => {
    for (const { child } of started) child.kill('SIGKILL');
    await database.drop();
    folder.remove();
  });

  const signIn = async (server: TestServer): Promise<Response> =>
    await call(`${server.url}/auth/sign-in`, 'POST', { email: 'root@example.com', password: PASSWORD });

  test('two nodes start at once, share everything, and one goes on when the other has stopped', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    // Each has printed a link, and the last is the one that is good.
    const links = [one.setupLink, other.setupLink].map((link) =>
      new URL(link ?? '').searchParams.get('token'),
    );
    const setUps = await Promise.all(
      links.map(
        async (token) =>
          await call(`${one.url}/auth/setup`, 'POST', {
            token,
            email: 'root@example.com',
            password: PASSWORD,
          }),
      ),
    );
    assert.deepEqual(new Set(setUps.map(({ status }) => status)), new Set([201, 401]));
    // A secret of a node's own would be of no use to the others.
    assert.equal(existsSync(join(folder.path, 'data', 'secret')), false);

    const signedIn = await signIn(one);
    assert.equal(signedIn.status, 200);
    const cookie = cookieOf(signedIn);
    assert.equal((await call(`${other.url}/auth/me`, 'GET', undefined, cookie)).status, 200);
    assert.equal(await one.end('SIGTERM'), 0);
    assert.equal((await call(`${other.url}/auth/me`, 'GET', undefined, cookie)).status, 200);
    assert.equal((await call(`${other.url}/auth/sign-out`, 'POST', undefined, cookie)).status, 200);
    assert.equal((await call(`${other.url}/auth/me`, 'GET', undefined, cookie)).status, 401);
    assert.equal(await other.end('SIGTERM'), 0);

    const again = await start();
    assert.equal(again.setupLink, null);
    assert.equal((await call(`${again.url}/auth/me`, 'GET', undefined, cookie)).status, 401);
    assert.equal((await signIn(again)).status, 200);
    assert.equal(await again.end('SIGTERM'), 0);
  });

  test('config says where the database is, and not with which password', async () => {
    const { stdout, code } = await run(['config'], environment);
    const { password, host, pathname, username } = new URL(database.url);
    assert.equal(code, 0);
    assert.ok(stdout.includes(`postgres://${username}@${host}${pathname} `), stdout);
    assert.ok(!stdout.includes(password));
  });

  test('a secret that is not the database’s is refused', async () => {
    const { code, stderr } = await run(['serve'], {
      ...environment,
      PORT: String(await freePort()),
      LATCHKEY_SECRET: 'dGhpcmQgc2VjcmV0IHdpdGggZW5vdWdoIGJ5dGVzIDEyMzQ1Njc=',
    });
    assert.equal(code, 1);
    assert.match(stderr, /^latchkey: [^\n]*not the one this database was made with[^\n]*\n$/);
  });

  test('a database that needs a newer build is refused', async () => {
    await query(database.url, 'update latchkey.schema_state set min_compatible_version = 999');
    const { code, stderr } = await run(['serve'], { ...environment, PORT: String(await freePort()) });
    assert.equal(code, 1);
    assert.match(stderr, /^latchkey: the PostgreSQL at [^\n]*999[^\n]*\n$/);
  });
});
