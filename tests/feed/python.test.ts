import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Latchkey, latchkey, type RevokeTarget, sqlite } from 'latchkey';
import { node } from 'latchkey/node';
import { freePort } from '../../tools/own-server.mjs';
import { CLIENTS } from '../http/program.ts';
import { PASSWORD, TEST_SECRET } from '../http/world.ts';

/*
 * The verifier that was written from docs/feed.md in another language. It runs where there
 * is a Python with PyJWT and cryptography: `.ci/run` sees to it.
 */

const FOLDER = fileURLToPath(new URL('../../examples/verifier-python/', import.meta.url));
const VECTORS = fileURLToPath(new URL('../../docs/feed/vectors.json', import.meta.url));
const environment = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };

/** A Python that can run it, the system's first; `null` where there is none. */
function findPython(): string | null {
  for (const python of ['/usr/bin/python3', 'python3']) {
    try {
      execFileSync(python, ['-c', 'import jwt, cryptography'], { stdio: 'ignore' });
      return python;
    } catch {
      // Not there, or not with what it needs.
    }
  }
  return null;
}

const python = findPython();

if (python === null) {
  process.stderr.write(
    'tests/feed/python: no Python with PyJWT and cryptography here, so the second verifier was not run\n',
  );
} else {
  describe('a verifier in Python, written from docs/feed.md', () => {
    let auth: Latchkey;
    let server: Server;
    let verifier: ChildProcess;
    let service: string;

    const get = async (
      path: string,
      token?: string,
    ): Promise<{ status: number; body: Record<string, unknown> }> => {
      const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
      const response = await fetch(`${service}${path}`, { headers });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    /** Asks until the answer is the one that is waited for, and says for how long. */
    const until = async (
      path: string,
      token: string | undefined,
      wanted: (answer: Awaited<ReturnType<typeof get>>) => boolean,
    ): Promise<number> => {
      const began = performance.now();
      while (!wanted(await get(path, token))) await new Promise((resolve) => setTimeout(resolve, 5));
      return performance.now() - began;
    };
    const signUp = async (email: string): Promise<{ token: string; session: string; user: string }> => {
      const post = (path: string, body: object, form = false): Promise<Response> =>
        fetch(`${auth.config.origin}${path}`, {
          method: 'POST',
          headers: form ? {} : { 'Content-Type': 'application/json' },
          body: form ? new URLSearchParams({ ...body }) : JSON.stringify(body),
        });
      const made = (await (
        await post('/auth/sign-up', { email, password: PASSWORD, client: 'mobile' })
      ).json()) as {
        refresh_token: string;
        session: { id: string };
        user: { id: string };
      };
      const fields = { grant_type: 'refresh_token', refresh_token: made.refresh_token, audience: 'orders' };
      const { access_token: token } = (await (await post('/auth/token', fields, true)).json()) as {
        access_token: string;
      };
      return { token, session: made.session.id, user: made.user.id };
    };

    before(async () => {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const tokens = { audiences: ['orders'] };
      auth = latchkey({ url, secret: TEST_SECRET, store: sqlite(':memory:'), clients: CLIENTS, tokens });
      await auth.ready();
      server = createServer(node(auth).routes((_incoming, outgoing) => outgoing.writeHead(404).end()));
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      const { key } = await auth.clients.create({ name: 'orders', audiences: ['orders'] });
      verifier = spawn(python, ['verifier.py'], {
        cwd: FOLDER,
        env: { ...environment, ISSUER: url, AUDIENCE: 'orders', CLIENT_KEY: key.reveal(), PORT: '0' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      assert.ok(verifier.stdout !== null);
      const [line] = (await once(verifier.stdout, 'data')) as [Buffer];
      service = `http://127.0.0.1:${/\d+/.exec(line.toString())?.[0] ?? ''}`;
      await until('/status', undefined, ({ body }) => body['fresh'] === true);
    });
    after(async () => {
      verifier.kill();
      auth.drain();
      server.closeAllConnections();
      server.close();
      await auth.close();
    });

    test('holds the vectors', () => {
      const said = execFileSync(python, ['check_vectors.py', VECTORS], { cwd: FOLDER, env: environment });
      assert.match(said.toString(), /verdicts and \d+ subjects hold/);
    });

    /** Runs it with other settings, and says what it wrote to its standard error once that is `expected`, or it ended. */
    const complaintOf = async (settings: Record<string, string>, expected: RegExp): Promise<string> => {
      const env = { ...environment, ISSUER: auth.config.origin, AUDIENCE: 'orders', PORT: '0', ...settings };
      const child = spawn(python, ['verifier.py'], { cwd: FOLDER, env, stdio: ['ignore', 'ignore', 'pipe'] });
      let said = '';
      for await (const piece of child.stderr) {
        said += String(piece);
        if (expected.test(said)) break;
      }
      child.kill();
      return said;
    };

    test('says what is missing or wrong in its settings', async () => {
      const CLIENT_KEY = `lks_${'A'.repeat(22)}.${'A'.repeat(43)}`;
      for (const [settings, expected] of [
        [{ CLIENT_KEY: '' }, /^CLIENT_KEY missing\. ISSUER=.*python3 verifier\.py\n$/],
        [{ CLIENT_KEY }, /issuer refuses CLIENT_KEY/],
        [
          { CLIENT_KEY, ISSUER: auth.config.origin.replace('127.0.0.1', 'localhost') },
          /write ISSUER=http:\/\/127/,
        ],
      ] as const) {
        assert.match(await complaintOf(settings, expected), expected);
      }
    });

    test('accepts a token for its audience, and neither one for another nor none', async () => {
      const { token, user } = await signUp('ada@example.com');
      assert.deepEqual(await get('/', token), { status: 200, body: { sub: user, client_id: 'mobile' } });
      assert.equal((await get('/')).status, 401);
      assert.equal((await get('/', `${token.slice(0, -16)}${'A'.repeat(16)}`)).status, 401);
      const [header = '', payload = ''] = token.split('.');
      assert.equal((await get('/', `${header}.${payload}.`)).status, 401);
    });

    test('refuses whatever trust ends in, and its receipt settles by what it confirms', async (t) => {
      type Somebody = Awaited<ReturnType<typeof signUp>>;
      const endings: readonly (readonly [name: string, target: (somebody: Somebody) => RevokeTarget])[] = [
        ['session', ({ session }) => ({ session })],
        ['user', ({ user }) => ({ user })],
        ['client', () => ({ client: 'mobile' })],
        ['all', () => ({ all: true })],
      ];
      for (const [name, target] of endings) {
        const somebody = await signUp(`${name}@example.com`);
        assert.equal((await get('/', somebody.token)).status, 200);
        const receipt = await auth.revoke(target(somebody));
        const took = await until('/', somebody.token, ({ status }) => status === 401);
        t.diagnostic(`${name}: ${took.toFixed(0)} ms`);
        const settled = await receipt.settledWithin({ timeout: '4s' });
        assert.equal(settled.settled, true);
        assert.deepEqual(settled.followers, { confirmed: 2, pending: 0 }, 'a node and a service');
        const next = await signUp(`after-${name}@example.com`);
        assert.equal((await get('/', next.token)).status, 200, 'who begins anew is let in');
      }
    });

    test('refuses by itself within the bound when it hears nothing more, and accepts again', async () => {
      const { token } = await signUp('cut@example.com');
      const handler: Latchkey['handler'] = auth.handler.bind(auth);
      auth.handler = async () => new Response(null, { status: 503 });
      auth.drain();
      const took = await until('/', token, ({ status }) => status === 503);
      assert.ok(took < 7_000, `${took} ms`);
      auth.handler = handler;
      await until('/', token, ({ status }) => status === 200);
    });
  });
}
