import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../tools/own-server.mjs';
import { bodyOf, codeOf, PASSWORD, TEST_SECRET } from '../http/world.ts';
import { call, cookieOf, type Running, startUntil, temporaryFolder } from '../server/process.ts';

const FOLDER = fileURLToPath(new URL('../../examples/microservices/', import.meta.url));

describe('how the demo is called', () => {
  const demo = (...args: readonly string[]) =>
    spawnSync(process.execPath, ['--conditions=latchkey-source', join(FOLDER, 'demo/main.ts'), ...args], {
      encoding: 'utf8',
      timeout: 20_000,
    });

  test('--help says what there is, and starts nothing', () => {
    for (const help of ['--help', '-h']) {
      const { status, stdout, stderr } = demo(help);
      assert.deepEqual([status, stderr], [0, '']);
      for (const part of ['--without nginx', '--without python', '--help', 'PORT='])
        assert.ok(stdout.includes(part), part);
      assert.doesNotMatch(stdout, /Starting/);
    }
  });

  const all = 'there are --without nginx, --without python and --help';
  const parts = 'there are --without nginx and --without python';
  for (const [args, expected] of [
    [['--wihtout', 'nginx'], `--wihtout is not known: ${all}`],
    [['--port=3000'], `--port is not known: ${all}`],
    [['nginx'], `nginx is not known: ${all}`],
    [['--'], `-- is not known: ${all}`],
    [['--without', 'foo'], `--without foo is not known: ${parts}`],
    [['--without', 'nginx', '--without=Python'], `--without Python is not known: ${parts}`],
    [['--without'], `--without what: ${parts}`],
  ] as const) {
    test(`${args.join(' ')} is refused in one line that says what there is`, () => {
      const { status, stdout, stderr } = demo(...args);
      assert.deepEqual([status, stdout, stderr], [1, '', `${expected}\n`]);
    });
  }
});

describe('examples/microservices', () => {
  const folder = temporaryFolder();
  const running: Running[] = [];
  let issuer: string;
  let orders: string;
  let billing: string;
  let admin: string;

  const start = async (name: string, environment: Readonly<Record<string, string>>): Promise<string> => {
    const program = await startUntil(join(FOLDER, `${name}.ts`), [], environment, /is ready on \d+/);
    running.push(program);
    return `http://127.0.0.1:${/\d+/.exec(program.output.stdout)?.[0]}`;
  };
  const keyOf = (name: string): string => readFileSync(join(folder.path, 'keys', name), 'utf8');

  before(async () => {
    issuer = await start('issuer', {
      PORT: String(await freePort()),
      LATCHKEY_SECRET: TEST_SECRET,
      DATABASE: join(folder.path, 'issuer.db'),
      KEYS: join(folder.path, 'keys'),
      ADMIN_PASSWORD: PASSWORD,
    });
    billing = await start('billing', { PORT: '0', ISSUER: issuer, CLIENT_KEY: keyOf('billing') });
    const environment = { PORT: '0', ISSUER: issuer, CLIENT_KEY: keyOf('orders'), BILLING: billing };
    orders = await start('orders', environment);
    const credentials = { email: 'admin@example.com', password: PASSWORD };
    admin = cookieOf(await call(`${issuer}/auth/sign-in`, 'POST', credentials));
  });
  after(async () => {
    for (const program of running.toReversed()) assert.equal(await program.end('SIGTERM'), 0);
    folder.remove();
  });

  const signUp = async (email: string): Promise<{ user: string; token: string }> => {
    const response = await call(`${issuer}/auth/sign-up`, 'POST', { email, password: PASSWORD });
    const { user } = (await response.clone().json()) as { user: { id: string } };
    const fields = { grant_type: 'urn:latchkey:grant:session', audience: 'orders' };
    const made = await bodyOf(await call(`${issuer}/auth/token`, 'POST', fields, cookieOf(response)));
    return { user: user.id, token: String(made['access_token']) };
  };
  const serviceToken = async (client: string, audience: string): Promise<string> => {
    const response = await fetch(`${issuer}/auth/token`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${keyOf(client)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', audience }),
    });
    return String((await bodyOf(response))['access_token']);
  };
  const ask = (url: string, token: string, method = 'GET'): Promise<Response> =>
    fetch(url, {
      method,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      ...(method === 'POST' ? { body: '{}' } : {}),
    });
  const revoke = async (user: string): Promise<void> => {
    assert.equal((await call(`${issuer}/auth/admin/revoke`, 'POST', { user }, admin)).status, 200);
  };

  test('has files of at most 200 lines', () => {
    const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    assert.ok(files.length > 8);
    for (const file of files) {
      const { length } = readFileSync(join(FOLDER, file), 'utf8').trimEnd().split('\n');
      assert.ok(length <= 200, `${file} has ${length}`);
    }
  });

  test('takes an order, and charges it by a token of its own', async () => {
    const { user, token } = await signUp('ada@example.com');
    const created = await ask(`${orders}/orders`, token, 'POST');
    assert.equal(created.status, 201);
    assert.deepEqual(await bodyOf(await ask(`${orders}/orders`, token)), {
      items: [{ id: 1, ownerId: user }],
    });
  });

  test('lets nobody but orders charge', async () => {
    const { token } = await signUp('bob@example.com');
    assert.equal((await ask(`${billing}/charges`, token, 'POST')).status, 401, 'of a person, for another');
    const own = await serviceToken('billing', 'billing');
    assert.equal((await ask(`${billing}/charges`, own, 'POST')).status, 403, 'of another service');
    const good = await serviceToken('orders', 'billing');
    assert.equal((await ask(`${billing}/charges`, good, 'POST')).status, 204);
    assert.equal((await ask(`${orders}/orders`, good)).status, 401, 'which is for billing alone');
  });

  test('takes no order of somebody who was revoked while it was sent', async () => {
    const { user, token } = await signUp('joan@example.com');
    const remembered = async (): Promise<number> =>
      Number((await bodyOf(await fetch(`${orders}/status`)))['remembered']);
    const before = await remembered();
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    const sending = request(`${orders}/orders`, { method: 'POST', headers, agent: false });
    const { promise: answered, resolve } = Promise.withResolvers<number>();
    sending.once('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sending.write('{');
    // The guard has let it pass: the token is remembered.
    while ((await remembered()) === before);
    await revoke(user);
    sending.end('}');
    assert.equal(await answered, 401);
  });

  test('ends a stream when trust ends, and refuses the next request', async () => {
    const { user, token } = await signUp('grace@example.com');
    const stream = await ask(`${orders}/orders/events`, token);
    assert.equal(stream.status, 200);
    await revoke(user);
    assert.match(await stream.text(), /event: end\ndata: revoked/);
    const refused = await ask(`${orders}/orders`, token);
    assert.deepEqual([refused.status, await codeOf(refused)], [401, 'LK_UNAUTHENTICATED']);
  });
});
