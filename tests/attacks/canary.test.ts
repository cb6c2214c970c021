import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const MAIN = join(ROOT, 'packages', 'latchkey', 'src', 'command', 'main.ts');

/** Every secret by its name, so that a hit says which. */
const PASSWORDS = {
  'the password': 'canary lantern orchid gravel 1f9e',
  'the new password': 'canary marble teapot bridge 2a7c',
  'a wrong password': 'canary wrong walnut harbour 3c55',
  'a wrong current password': 'canary current velvet rooster 4b18',
  'the password of nobody': 'canary nobody pepper lighthouse 5d60',
  'a password in the wrong place': 'canary misplaced copper meadow 6e22',
  'a password in broken JSON': 'canary broken willow anchor 7f31',
  'a password of the wrong type': 'canary typed saffron glacier 8a09',
  'a password that is too short': 'canry9b4e',
  'the password of the administrator': 'canary admin thistle compass ac3d',
  'a forged cookie': `lkc_AZ3_______-_____AAAAAA.${'canaryForgedCookieSecret'.padEnd(42, 'x')}A`,
  'a bearer token': 'canary.bearer.token.bd47',
  'a token that is not the right one': 'lku_canaryTokenOfNobodyA',
} as const;

/** How answers begin whose bodies hand tokens to their owner. */
const HANDED_OUT = 'handed out:';

interface Secret {
  readonly name: string;
  readonly bytes: Buffer;
}

interface Sent {
  readonly method?: 'POST';
  readonly body?: string | URLSearchParams;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookie?: string | null;
  /** A program, which sends no header that only browsers send. */
  readonly program?: true;
}

/** One answer: what was asked, and all of it but `Set-Cookie`. */
interface Heard {
  readonly what: string;
  readonly text: string;
  readonly cookie: string | null;
  readonly status: number;
}

/** How bytes may be written down. */
function formsOf(bytes: Buffer): Buffer[] {
  const text = bytes.toString('utf8');
  const forms = [bytes.toString('hex'), bytes.toString('hex').toUpperCase()];
  if (Buffer.from(text).equals(bytes)) {
    forms.push(
      encodeURIComponent(text),
      new URLSearchParams({ a: text }).toString().slice(2),
      JSON.stringify(text).slice(1, -1),
    );
  }
  for (const encoding of ['base64', 'base64url'] as const) {
    forms.push(bytes.toString(encoding).replaceAll('=', ''));
    // In the midst of something longer it begins at any of three places.
    for (const offset of [1, 2]) {
      forms.push(
        Buffer.concat([Buffer.alloc(offset), bytes])
          .toString(encoding)
          .slice(4, -4),
      );
    }
  }
  return [bytes, ...forms.map((form) => Buffer.from(form))];
}

/** The names of the secrets that stand in a text or a file, in whatever form. */
function hits(haystack: Buffer | string, secrets: readonly Secret[]): string[] {
  const bytes = typeof haystack === 'string' ? Buffer.from(haystack) : haystack;
  return secrets
    .filter((secret) => formsOf(secret.bytes).some((form) => bytes.includes(form)))
    .map(({ name }) => name);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  server.close();
  await once(server, 'close');
  return address.port;
}

/** The server as it is started by its command, with everything that it says. */
class Server {
  readonly folder = mkdtempSync(join(tmpdir(), 'latchkey-canary-'));
  readonly heard: Heard[] = [];
  output = '';
  #child: ChildProcess | null = null;
  #origin = '';

  async start(): Promise<void> {
    const port = await freePort();
    this.#origin = `http://localhost:${port}`;
    const env = {
      PATH: process.env['PATH'],
      PORT: String(port),
      LATCHKEY_DATA: this.folder,
      LATCHKEY_LOG_LEVEL: 'trace',
    };
    const child = spawn(process.execPath, ['--conditions=latchkey-source', MAIN, 'serve'], {
      cwd: this.folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        this.output += chunk.toString('utf8');
        if (this.output.includes('Make the first administrator')) resolve();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('exit', () => reject(new Error(`the server ended: ${this.output}`)));
    });
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null) return;
    const exit = once(child, 'close');
    child.kill('SIGTERM');
    await exit;
  }

  async send(what: string, path: string, sent: Sent = {}): Promise<Heard> {
    const { cookie, program, ...rest } = sent;
    const headers = new Headers({
      ...(program === true ? {} : { 'Sec-Fetch-Site': 'same-origin' }),
      ...sent.headers,
    });
    if (cookie !== undefined && cookie !== null) headers.set('Cookie', cookie);
    const response = await fetch(`${this.#origin}${path}`, { ...rest, headers, redirect: 'manual' });
    const [set = null] = response.headers.getSetCookie();
    const shown = [...response.headers].filter(([name]) => name !== 'set-cookie');
    const heard = {
      what,
      status: response.status,
      text: `${JSON.stringify(shown)}\n${await response.text()}`,
      cookie: set === null ? null : set.slice(0, set.indexOf(';')),
    };
    this.heard.push(heard);
    return heard;
  }

  post(what: string, path: string, json: unknown, cookie: string | null = null): Promise<Heard> {
    const body = typeof json === 'string' ? json : JSON.stringify(json);
    return this.send(what, path, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json' },
      cookie,
    });
  }

  form(
    what: string,
    path: string,
    fields: Record<string, string>,
    cookie: string | null = null,
  ): Promise<Heard> {
    return this.send(what, path, { method: 'POST', body: new URLSearchParams(fields), cookie });
  }

  /** The files of the database, the write-ahead log included. */
  files(): { readonly name: string; readonly bytes: Buffer }[] {
    return ['latchkey.db', 'latchkey.db-wal', 'latchkey.db-shm']
      .map((name) => ({ name, file: join(this.folder, name) }))
      .filter(({ file }) => existsSync(file))
      .map(({ name, file }) => ({ name, bytes: readFileSync(file) }));
  }
}

describe('secrets that went through the server', () => {
  const server = new Server();
  const secrets: Secret[] = Object.entries(PASSWORDS).map(([name, text]) => ({
    name,
    bytes: Buffer.from(text),
  }));
  let filesWhileRunning: { readonly name: string; readonly bytes: Buffer }[] = [];
  let token = '';

  const remember = (name: string, cookie: string | null): string => {
    const secret = /\.([\w-]{43})$/.exec(cookie ?? '')?.[1];
    assert.ok(cookie !== null && secret !== undefined, `${name} was not handed out`);
    secrets.push(
      { name, bytes: Buffer.from(secret) },
      { name: `${name}, decoded`, bytes: Buffer.from(secret, 'base64url') },
    );
    return cookie;
  };

  before(async () => {
    await server.start();
    const root = readFileSync(join(server.folder, 'secret'), 'utf8').trim();
    secrets.push({ name: 'the root secret', bytes: Buffer.from(root) });
    secrets.push({ name: 'the root secret, decoded', bytes: Buffer.from(root, 'base64') });
    token = /token=(lku_[\w-]{22})/.exec(server.output)?.[1] ?? '';
    assert.notEqual(token, '');
    secrets.push({ name: 'the one-time token', bytes: Buffer.from(token) });
    secrets.push({ name: 'the one-time token, decoded', bytes: Buffer.from(token.slice(4), 'base64url') });
    await liveThrough(server, token, remember);
    await liveWithTokens(server, (name, text, bytes) => {
      secrets.push({ name, bytes: Buffer.from(text) }, { name: `${name}, decoded`, bytes });
    });
    filesWhileRunning = server.files();
    await server.stop();
  });
  after(async () => {
    await server.stop();
    rmSync(server.folder, { recursive: true });
  });

  test('are found by the search in each form in which they could be written', () => {
    for (const secret of secrets) {
      for (const form of formsOf(secret.bytes)) {
        assert.ok(
          hits(Buffer.concat([Buffer.from('{"x":"'), form, Buffer.from('"}')]), secrets).includes(
            secret.name,
          ),
        );
      }
    }
    const password = secrets.filter(({ name }) => name === 'the password');
    const inside = Buffer.from(`..${PASSWORDS['the password']}..`).toString('base64');
    assert.deepEqual(hits(inside, password), ['the password']);
  });

  test('are in no line of its output, at level trace, but for the link that is printed once (@incident G1, @asvs 16.2.5)', () => {
    const lines = server.output.split('\n');
    const links = lines.filter((line) => line.startsWith('Make the first administrator'));
    assert.equal(links.length, 1);
    const rest = lines.filter((line) => !links.includes(line)).join('\n');
    assert.ok(
      rest.includes('"sign_in_refused"') && rest.includes('"password_changed"'),
      'it logs what happens',
    );
    assert.deepEqual(hits(rest, secrets), []);
  });

  test('are in no answer, headers but Set-Cookie included (@incident G1)', () => {
    for (const { what, text } of server.heard) {
      // The page behind the link hands the token on in its form.
      const expected =
        what === 'the page of the link' ? ['the one-time token', 'the one-time token, decoded'] : [];
      const found = hits(text, secrets);
      // A body hands a token to its owner, once.
      const others = what.startsWith(HANDED_OUT) ? found.filter((name) => !name.startsWith('token:')) : found;
      assert.deepEqual(others, expected, what);
    }
  });

  test('are not in the bytes of the database, nor of its write-ahead log (@incident G1, @asvs 16.2.5)', () => {
    assert.ok(filesWhileRunning.some(({ name }) => name === 'latchkey.db-wal'));
    for (const { name, bytes } of [...filesWhileRunning, ...server.files()]) {
      assert.deepEqual(hits(bytes, secrets), [], name);
    }
    const [written] = server.files();
    assert.ok(written?.bytes.includes('ada@example.com'), 'what is no secret is found by the same search');
  });
});

/** Everything that holds a secret, right and wrong, as people and attackers send it. */
async function liveThrough(
  server: Server,
  token: string,
  remember: (name: string, cookie: string | null) => string,
): Promise<void> {
  const email = 'ada@example.com';
  const said = (name: keyof typeof PASSWORDS): string => PASSWORDS[name];
  const statuses: [Heard, number][] = [];
  const expect = (heard: Heard, status: number): Heard => {
    statuses.push([heard, status]);
    return heard;
  };

  const password = said('the password');
  const first = expect(await server.post('sign-up', '/auth/sign-up', { email, password }), 201);
  let cookie = remember('the cookie of sign-up', first.cookie);
  const wrong = { email, password: said('a wrong password') };
  expect(await server.post('wrong sign-in', '/auth/sign-in', wrong), 401);
  const nobody = { email: 'nobody@example.com', password: said('the password of nobody') };
  expect(await server.post('sign-in of nobody', '/auth/sign-in', nobody), 401);
  expect(await server.form('wrong sign-in by a form', '/auth/sign-in', wrong), 401);
  const again = expect(await server.form('sign-in by a form', '/auth/sign-in', { email, password }), 303);
  const second = remember('the cookie of sign-in', again.cookie);

  const proof = { password: said('a wrong current password') };
  expect(await server.post('wrong proof', '/auth/reauthenticate', proof, cookie), 401);
  const proven = expect(await server.post('proof', '/auth/reauthenticate', { password }, cookie), 200);
  cookie = remember('the cookie of proof', proven.cookie);
  const next = said('the new password');
  const notChanged = { current_password: said('a wrong current password'), new_password: next };
  expect(await server.post('wrong change', '/auth/password', notChanged, cookie), 401);
  const change = { current_password: password, new_password: next };
  const changed = expect(await server.post('change', '/auth/password', change, cookie), 200);
  cookie = remember('the cookie of the change', changed.cookie);
  expect(await server.send('a session that ended', '/auth/me', { cookie: second }), 401);
  expect(await server.send('the sessions', '/auth/sessions', { cookie }), 200);

  await sendBadInput(server, said, expect);

  expect(await server.send('the page of the link', `/auth/setup?token=${token}`), 200);
  const admin = { token, email: 'admin@example.com', password: said('the password of the administrator') };
  const unknown = { ...admin, token: said('a token that is not the right one') };
  expect(await server.post('a wrong token', '/auth/setup', unknown), 401);
  const made = expect(await server.post('set-up', '/auth/setup', admin), 201);
  remember('the cookie of the administrator', made.cookie);
  expect(await server.post('set-up again', '/auth/setup', admin), 401);
  expect(await server.post('sign-out', '/auth/sign-out', {}, cookie), 200);
  expect(await server.send('a session that was signed out', '/auth/me', { cookie }), 401);
  for (const [heard, status] of statuses) assert.equal(heard.status, status, heard.what);
}

/** Tokens as a program gets, uses, mistypes and loses them. */
async function liveWithTokens(
  server: Server,
  remember: (name: string, text: string, bytes: Buffer) => void,
): Promise<void> {
  const program = { method: 'POST', program: true } as const;
  const form = (fields: Record<string, string>): Sent => ({ ...program, body: new URLSearchParams(fields) });
  const bearer = (token: string): Sent => ({ program: true, headers: { Authorization: `Bearer ${token}` } });
  const keep = (name: string, heard: Heard): { access: string; refresh: string } => {
    assert.equal(heard.status, 200, heard.what);
    const access = /"access_token":"([^"]+)"/.exec(heard.text)?.[1] ?? '';
    const refresh = /"refresh_token":"lkr_([^"]+)"/.exec(heard.text)?.[1] ?? '';
    const signature = access.split('.')[2] ?? '';
    assert.ok(signature !== '' && refresh !== '', heard.text);
    remember(`token: ${name}, access`, signature, Buffer.from(signature, 'base64url'));
    // What makes it a secret: the MAC at its end.
    remember(`token: ${name}, refresh`, refresh.slice(-40), Buffer.from(refresh, 'base64url').subarray(-32));
    return { access, refresh: `lkr_${refresh}` };
  };
  const expect = (heard: Heard, status: number): void => assert.equal(heard.status, status, heard.what);

  const body = { email: 'ada@example.com', password: PASSWORDS['the new password'], client: 'mobile' };
  const headers = { 'Content-Type': 'application/json' };
  const signIn: Sent = { ...program, body: JSON.stringify(body), headers };
  const first = keep('of sign-in', await server.send(`${HANDED_OUT} sign-in`, '/auth/sign-in', signIn));
  const grant = { grant_type: 'refresh_token', refresh_token: first.refresh };
  keep('refreshed', await server.send(`${HANDED_OUT} refresh`, '/auth/token', form(grant)));
  expect(await server.send('a good token', '/auth/me', bearer(first.access)), 200);
  expect(await server.send('a token cut short', '/auth/me', bearer(first.access.slice(0, -1))), 401);
  expect(await server.send('a refresh token as bearer', '/auth/me', bearer(first.refresh)), 401);
  const swapped = { ...grant, refresh_token: first.access };
  expect(await server.send('an access token as refresh token', '/auth/token', form(swapped)), 400);
  const unknown = { ...grant, grant_type: first.refresh };
  expect(await server.send('a refresh token as grant', '/auth/token', form(unknown)), 400);
  const other = { ...grant, client_id: 'web' };
  expect(await server.send('another client', '/auth/token', form(other)), 400);
  const query = new URLSearchParams({ access_token: first.access, token: first.refresh }).toString();
  expect(await server.send('tokens in a query', `/auth/me?${query}`, bearer(first.access)), 400);
  for (const token of [first.refresh, first.access])
    expect(await server.send('a token in a path', `/auth/receipts/${token}`, bearer(first.access)), 404);
  expect(await server.send('a revocation', '/auth/revoke', form({ token: first.access })), 200);
  expect(await server.send('a revoked token', '/auth/me', bearer(first.access)), 401);
  expect(await server.send('a refresh after it', '/auth/token', form(grant)), 400);
}

async function sendBadInput(
  server: Server,
  said: (name: keyof typeof PASSWORDS) => string,
  expect: (heard: Heard, status: number) => Heard,
): Promise<void> {
  const email = 'eve@example.com';
  const broken = `{"email":"${email}","password":"${said('a password in broken JSON')}"`;
  expect(await server.post('broken JSON', '/auth/sign-in', broken), 400);
  expect(await server.post('a key twice', '/auth/sign-in', `${broken},"email":"x"}`), 400);
  const typed = { email, password: [said('a password of the wrong type')] };
  expect(await server.post('a wrong type', '/auth/sign-in', typed), 400);
  const misplaced = said('a password in the wrong place');
  expect(
    await server.post('a password as address', '/auth/sign-in', { email: misplaced, password: 'x' }),
    400,
  );
  const unknown = { email, password: 'x', secret: misplaced };
  expect(await server.post('an unknown field', '/auth/sign-in', unknown), 400);
  const short = { email, password: said('a password that is too short') };
  expect(await server.post('a short password', '/auth/sign-up', short), 400);
  expect(await server.form('a short password by a form', '/auth/sign-up', short), 400);
  const query = new URLSearchParams({
    password: misplaced,
    token: said('a token that is not the right one'),
  }).toString();
  expect(await server.send('a path that is not there', `/auth/nothing?${query}`), 404);
  expect(await server.send('a page with a query', `/auth/sign-in?${query}`), 200);
  expect(
    await server.post('a query where none is read', `/auth/sign-in?${query}`, { email, password: 'x' }),
    400,
  );
  const plain: Sent = { method: 'POST', body: misplaced, headers: { 'Content-Type': 'text/plain' } };
  expect(await server.send('a body of another type', '/auth/sign-in', plain), 415);
  const [name = ''] = /^latchkey-\d+/.exec(server.heard[0]?.cookie ?? '') ?? [];
  const forged = `${name}=${said('a forged cookie')}`;
  expect(await server.send('a forged cookie', '/auth/me', { cookie: forged }), 401);
  expect(await server.send('a cookie twice', '/auth/me', { cookie: `${forged}; ${forged}` }), 400);
  const bearer = { headers: { Authorization: `Bearer ${said('a bearer token')}` } };
  expect(await server.send('a token', '/auth/me', bearer), 401);
}
