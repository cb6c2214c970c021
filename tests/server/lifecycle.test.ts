import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { accepts } from '../../tools/own-server.mjs';
import { call, cookieOf, run, startServer, type TestServer, temporaryFolder } from './process.ts';

const PASSWORD = 'lantern orchid gravel seven';

describe('the standalone server', () => {
  const folder = temporaryFolder();
  let server: TestServer;
  before(async () => {
    server = await startServer(folder.path);
  });
  after(async () => {
    await server.end('SIGTERM');
    folder.remove();
  });

  test('its first start makes the secret and the database, which nobody else can read', () => {
    for (const name of ['secret', 'latchkey.db']) {
      assert.equal(statSync(join(folder.path, name)).mode & 0o777, 0o600, name);
    }
    assert.match(readFileSync(join(folder.path, 'secret'), 'utf8'), /^[A-Za-z0-9+/]{43}=\n$/);
  });

  test('it says where it is, and prints the link that makes the first administrator', () => {
    const [ready, link] = server.output.stdout.split('\n');
    assert.equal(ready, `Latchkey is ready at ${server.url}`);
    assert.match(
      link ?? '',
      /^Make the first administrator, once, within the hour: http:\/\/localhost:\d+\/auth\/setup\?token=lku_[\w-]{22}$/,
    );
  });

  test('a second start prints a new link, the old one is void, and with an administrator there is none', async () => {
    const own = temporaryFolder();
    const first = await startServer(own.path);
    await first.end('SIGTERM');
    const second = await startServer(own.path);
    assert.notEqual(second.setupLink, first.setupLink);
    const token = (link: string | null): string => new URL(link ?? '').searchParams.get('token') ?? '';
    const setUp = (link: string | null): Promise<Response> =>
      call(`${second.url}/auth/setup`, 'POST', {
        token: token(link),
        email: 'root@example.com',
        password: PASSWORD,
      });
    assert.equal((await setUp(first.setupLink)).status, 401);
    assert.equal((await setUp(second.setupLink)).status, 201);
    await second.end('SIGTERM');
    const third = await startServer(own.path);
    assert.equal(third.setupLink, null);
    await third.end('SIGTERM');
    own.remove();
  });

  test('health, metrics, the reference and the first page answer', async () => {
    for (const [path, type] of [
      ['/', 'text/html'],
      ['/docs', 'text/html'],
      ['/openapi.json', 'application/json'],
      ['/health/live', 'application/json'],
      ['/health/ready', 'application/json'],
      ['/metrics', 'text/plain'],
    ] as const) {
      const response = await fetch(`${server.url}${path}`);
      assert.equal(response.status, 200, path);
      assert.ok(response.headers.get('content-type')?.startsWith(type), path);
      assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/, path);
      await response.arrayBuffer();
    }
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    for (const name of [
      'latchkey_store_up 1',
      'latchkey_log_fresh 1',
      'latchkey_log_heard 1',
      'latchkey_http_request_duration_seconds_count',
    ]) {
      assert.ok(metrics.includes(name), name);
    }
  });

  test('every route of the OpenAPI document answers, and every reference in it resolves', async () => {
    const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
      components: { schemas: Record<string, unknown> };
    };
    assert.equal(document.openapi, '3.1.0');
    const reference = await (await fetch(`${server.url}/docs`)).text();
    for (const [path, methods] of Object.entries(document.paths)) {
      assert.ok(reference.includes(path), `${path} stands in the reference`);
      for (const [method, operation] of Object.entries(methods)) {
        const url = `${server.url}${path.replaceAll(/\{\w+\}/g, 'AaIH_sUBcEy6T3vPL-TqQQ')}`;
        const response = await call(url, method.toUpperCase());
        assert.ok(
          String(response.status) in operation.responses,
          `${method} ${path} answers ${response.status}`,
        );
        await response.arrayBuffer();
      }
    }
    for (const [, name = ''] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      assert.ok(name in document.components.schemas, name);
    }
  });

  test('what is not there is a page for people and a problem for programs', async () => {
    const page = await fetch(`${server.url}/nothing`, { headers: { Accept: 'text/html' } });
    assert.equal(page.status, 404);
    assert.match(await page.text(), /The address may be mistyped/);
    const problem = await fetch(`${server.url}/nothing`);
    assert.equal(problem.headers.get('content-type'), 'application/problem+json');
    assert.equal(((await problem.json()) as { code: string }).code, 'LK_NOT_FOUND');
  });

  test('metrics off loopback ask for their secret, and without one are not there', async () => {
    const own = temporaryFolder();
    const secret = 'a secret for the metrics';
    const guarded = await startServer(own.path, { LATCHKEY_METRICS_SECRET: secret });
    assert.equal((await fetch(`${guarded.url}/metrics`)).status, 404);
    const headers = { Authorization: `Bearer ${secret}` };
    assert.equal((await fetch(`${guarded.url}/metrics`, { headers })).status, 200);
    await guarded.end('SIGTERM');
    const open = await startServer(own.path, { LATCHKEY_URL: 'https://app.example.com' });
    assert.equal((await fetch(`${open.url}/metrics`)).status, 404);
    await open.end('SIGTERM');
    own.remove();
  });

  test('logs are JSON lines, without queries', async () => {
    await fetch(`${server.url}/auth/setup?token=lku_CANARYCANARYCANARYCAN`);
    await fetch(`${server.url}/health/live`);
    const own = temporaryFolder();
    const short = await startServer(own.path);
    await fetch(`${short.url}/auth/setup?token=lku_CANARYCANARYCANARYCAN`);
    await short.end('SIGTERM');
    const lines = short.output.stdout.split('\n').filter((line) => line.startsWith('{'));
    const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      records.map((record) => record['msg']),
      ['ready', 'request', 'draining', 'stopped'],
    );
    assert.equal(records[1]?.['path'], '/auth/setup');
    assert.equal(short.output.stdout.includes('CANARY'), false);
    own.remove();
  });

  test('headers beyond 16 kB are answered with 431, and the server is as before (@incident C3)', async () => {
    const cookies = Array.from({ length: 100 }, (_, index) => `c${index}=${'x'.repeat(4_000)}`).join('; ');
    const request = httpRequest(server.url, { headers: { Cookie: cookies } });
    request.end();
    const status = await new Promise<number>((resolve) => {
      request.once('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      // The server may hang up while the rest is still being sent.
      request.once('error', () => resolve(431));
    });
    assert.equal(status, 431);
    assert.equal((await fetch(`${server.url}/health/live`)).status, 200);
  });

  test('what is no request is answered with a code all the same (@incident C3)', async () => {
    const exchange = async (head: string): Promise<string> => {
      const socket = connect(server.port, '127.0.0.1');
      await once(socket, 'connect');
      const answer = text(socket);
      socket.write(head);
      return answer;
    };
    const large = `X-Large: ${'x'.repeat(17_000)}\r\n`;
    const host = `Host: localhost:${server.port}\r\nConnection: close\r\n`;
    assert.match(
      await exchange(`GET /auth/me HTTP/1.1\r\n${host}${large}\r\n`),
      /^HTTP\/1\.1 431 [^]*LK_HEADERS_TOO_LARGE/,
    );
    assert.match(
      await exchange(`GET / HTTP/1.1\r\n${host}${large.repeat(3)}\r\n`),
      /^HTTP\/1\.1 431 [^]*LK_HEADERS_TOO_LARGE/,
    );
    assert.match(await exchange('no request at all\r\n\r\n'), /^HTTP\/1\.1 400 [^]*LK_REQUEST_INVALID/);
  });

  test('variables that are set to nothing are not set', async () => {
    const own = temporaryFolder();
    const { stdout } = await run(['config'], { HOST: '', LATCHKEY_URL: '', LATCHKEY_DATA: '' }, '', own.path);
    assert.match(stdout, /^host +127\.0\.0\.1 +default$/m);
    assert.equal(existsSync(join(own.path, 'data', 'secret')), true);
    own.remove();
  });

  test('told to stop, it finishes what is under way, takes nothing new, and exits with 0', async () => {
    const own = temporaryFolder();
    const stopping = await startServer(own.path);
    const body = JSON.stringify({ email: 'drain@example.com', password: PASSWORD });
    const socket = connect(stopping.port, '127.0.0.1');
    await once(socket, 'connect');
    const answer = text(socket);
    socket.write(
      `POST /auth/sign-up HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
    );
    // Answered by the same process, so the first half has been read by then.
    await fetch(`${stopping.url}/health/live`);
    const ended = stopping.end('SIGTERM');
    while (await accepts(stopping.port)) await setImmediate();
    socket.write(body.slice(10));
    assert.match(await answer, /^HTTP\/1\.1 201 /);
    assert.equal(await ended, 0);
    const again = await startServer(own.path);
    const signIn = await call(`${again.url}/auth/sign-in`, 'POST', {
      email: 'drain@example.com',
      password: PASSWORD,
    });
    assert.equal(signIn.status, 200);
    await again.end('SIGTERM');
    own.remove();
  });

  test('the command creates users beside a running server, and lets a locked one try again', async () => {
    const environment = { LATCHKEY_DATA: folder.path, PORT: String(server.port) };
    const created = await run(
      ['users', 'create', 'cli@example.com', '--admin', '--password-stdin', '--json'],
      environment,
      `${PASSWORD}\n`,
    );
    assert.equal(created.code, 0, created.stderr);
    assert.equal((JSON.parse(created.stdout) as { administrator: boolean }).administrator, true);
    const signIn = await call(`${server.url}/auth/sign-in`, 'POST', {
      email: 'cli@example.com',
      password: PASSWORD,
    });
    assert.equal(signIn.status, 200);
    const me = (await (await call(`${server.url}/auth/me`, 'GET', undefined, cookieOf(signIn))).json()) as {
      user: { roles: string[] };
    };
    assert.deepEqual(me.user.roles, ['administrator']);

    for (const [args, input, says] of [
      [['users', 'create', 'cli@example.com', '--password-stdin'], PASSWORD, /already has an account/],
      [['users', 'create', 'weak@example.com', '--password-stdin'], 'short', /at least 15 characters/],
      [['users', 'create', 'no address', '--password-stdin'], PASSWORD, /email/],
      [['users', 'create', 'new@example.com'], '', /--password-stdin/],
      [['users', 'unlock', 'nobody@example.com'], '', /no user has the address/],
    ] as const) {
      const refused = await run(args, environment, input);
      assert.equal(refused.code, 1, args.join(' '));
      assert.match(refused.stderr, /^latchkey: [^\n]+\n$/);
      assert.match(refused.stderr, says);
    }
    assert.equal((await run(['users', 'unlock', 'cli@example.com'], environment)).code, 0);
  });

  test('config prints each value with where it comes from', async () => {
    const environment = { LATCHKEY_DATA: folder.path, LATCHKEY_PROFILE: 'small-app,distributed' };
    const { code, stdout } = await run(['config', '--json'], environment);
    assert.equal(code, 0);
    const lines = JSON.parse(stdout) as { name: string; value: string; source: string }[];
    const line = (name: string): unknown => lines.find((candidate) => candidate.name === name);
    assert.deepEqual(line('profile'), {
      name: 'profile',
      value: 'small-app, distributed',
      source: 'LATCHKEY_PROFILE',
    });
    assert.deepEqual(line('sessions.idle'), {
      name: 'sessions.idle',
      value: '1d',
      source: 'profile distributed',
    });
    assert.deepEqual(line('log.maxStaleness'), { name: 'log.maxStaleness', value: '5s', source: 'default' });
    assert.equal(stdout.includes(readFileSync(join(folder.path, 'secret'), 'utf8').trim()), false);
    const table = await run(['config'], environment);
    assert.match(table.stdout, /^sessions\.idle +1d +profile distributed$/m);
  });

  test('a latchkey.config.ts in the working directory says the rest, and a bad one is refused by name', async () => {
    const own = temporaryFolder();
    const file = join(own.path, 'latchkey.config.ts');
    writeFileSync(file, "export default { brand: 'Notes', sessions: { idle: '2h' } };\n");
    const { stdout } = await run(['config'], {}, '', own.path);
    assert.match(stdout, /^brand +Notes +latchkey\.config\.ts$/m);
    assert.match(stdout, /^sessions\.idle +2h +latchkey\.config\.ts$/m);
    assert.match(stdout, /^sessions\.absolute +30d +profile small-app$/m);
    for (const text of [
      'export default 1;',
      'export const brand = 1;',
      'export default {',
      "export default { sessions: { idle: 'soon' } };",
    ]) {
      writeFileSync(file, text);
      const refused = await run(['config'], {}, '', own.path);
      assert.equal(refused.code, 1, text);
      assert.match(refused.stderr, /^latchkey: [^\n]+\n$/, text);
    }
    own.remove();
  });

  test('--help leads to everything, and a mistyped command is guessed', async () => {
    const { stdout } = await run(['--help'], {});
    for (const name of ['serve', 'users', 'config']) assert.ok(stdout.includes(name));
    assert.match((await run(['serve', '--help'], {})).stdout, /LATCHKEY_METRICS_SECRET/);
    const typo = await run(['serv'], {});
    assert.equal(typo.code, 1);
    assert.match(typo.stderr, /Did you mean serve/);
    assert.equal(existsSync(join(folder.path, 'secret')), true);
  });
});
