import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createDatabase } from '../../tools/postgres-database.mjs';
import {
  call,
  cookieOf,
  type Ended,
  printed,
  run,
  startServer,
  type TestServer,
  temporaryFolder,
} from './process.ts';

const PASSWORD = 'lantern orchid gravel seven';
const OTHER_PASSWORD = 'marble fennel copper eight';

async function signUp(server: TestServer, email: string): Promise<string> {
  const response = await call(`${server.url}/auth/sign-up`, 'POST', { email, password: PASSWORD });
  assert.equal(response.status, 201);
  return cookieOf(response);
}

function signIn(server: TestServer, email: string, more: object = {}): Promise<Response> {
  return call(`${server.url}/auth/sign-in`, 'POST', { email, password: PASSWORD, ...more });
}

async function me(server: TestServer, cookie: string): Promise<number> {
  return (await call(`${server.url}/auth/me`, 'GET', undefined, cookie)).status;
}

async function meByToken(server: TestServer, token: string): Promise<number> {
  return (await fetch(`${server.url}/auth/me`, { headers: { Authorization: `Bearer ${token}` } })).status;
}

async function keyIds(server: TestServer): Promise<readonly string[]> {
  const { keys } = (await (await fetch(`${server.url}/.well-known/jwks.json`)).json()) as {
    keys: { kid: string }[];
  };
  return keys.map(({ kid }) => kid);
}

function assertRefused({ code, stdout, stderr }: Ended, says: RegExp): void {
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^latchkey: [^\n]+\n$/);
  assert.match(stderr, says);
}

/** Where the data of a server are, besides its folder; it is made before the server starts. */
type Data = () => Promise<{
  readonly environment: Readonly<Record<string, string>>;
  readonly drop: () => Promise<void>;
}>;

const SECRET = Buffer.from(Array.from({ length: 32 }, (_, index) => (index * 37) % 251)).toString('base64');

const postgresData: Data = async () => {
  const { url, drop } = await createDatabase();
  return { environment: { LATCHKEY_DATABASE_URL: url, LATCHKEY_SECRET: SECRET }, drop };
};

const STORES: readonly (readonly [name: string, make: Data])[] = [
  ['SQLite', async () => ({ environment: {}, drop: async () => {} })],
  ['PostgreSQL', postgresData],
];

for (const [name, make] of STORES) {
  test(`${name}: what was trusted before a restore ends on the running server, which goes on (@incident G3, @rule R8)`, async () => {
    const folder = temporaryFolder();
    const data = await make();
    const server = await startServer(folder.path, data.environment);
    const environment = { ...data.environment, LATCHKEY_DATA: folder.path };
    const backup = join(folder.path, 'backup.gz');
    try {
      await restoreBeside(server, backup, environment);
    } finally {
      await server.end('SIGTERM');
      folder.remove();
      await data.drop();
    }
  });
}

async function restoreBeside(
  server: TestServer,
  backup: string,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const ended = await signUp(server, 'ada@example.com');
  const ada = cookieOf(await signIn(server, 'ada@example.com'));
  const made = await run(['backup', backup], environment);
  assert.equal(made.code, 0, made.stderr);
  assert.match(
    made.stdout,
    /^Backed up 1 user and 2 sessions into .*backup\.gz\.\n.*keep .*(secret|LATCHKEY_SECRET)/,
  );

  // After the backup: one session ends, another password, another user, and tokens.
  const changed = await call(
    `${server.url}/auth/password`,
    'POST',
    { current_password: PASSWORD, new_password: OTHER_PASSWORD },
    ada,
  );
  assert.equal(changed.status, 200);
  const again = cookieOf(changed);
  assert.equal(await me(server, ended), 401, 'it ends with the password');
  const mobile = (await (
    await signIn(server, 'ada@example.com', { client: 'mobile', password: OTHER_PASSWORD })
  ).json()) as Record<string, string>;
  const bob = await signUp(server, 'bob@example.com');
  // Warm: what is in memory must be refused as well.
  for (const cookie of [again, bob]) assert.equal(await me(server, cookie), 200);
  assert.equal(await meByToken(server, mobile['access_token'] ?? ''), 200);
  const keys = await keyIds(server);

  const restored = await run(['restore', backup, '--replace', '--yes'], environment);
  assert.equal(restored.code, 0, restored.stderr);
  assert.match(
    restored.stdout,
    /^Restored 1 user and 2 sessions, as they were at 20.*All sessions are ended\.\n/,
  );
  await printed(server, /"msg":"log_restored"/);
  // It is said before the copy of the log has it; until then, for maxStaleness at most, memory answers.
  while ((await me(server, again)) === 200);

  for (const cookie of [ended, ada, again, bob]) assert.equal(await me(server, cookie), 401);
  assert.equal(await meByToken(server, mobile['access_token'] ?? ''), 401);
  const refreshed = await call(`${server.url}/auth/token`, 'POST', {
    grant_type: 'refresh_token',
    refresh_token: mobile['refresh_token'],
  });
  assert.equal(refreshed.status, 400);
  assert.deepEqual(
    (await keyIds(server)).filter((kid) => keys.includes(kid)),
    [],
  );

  assert.equal((await signIn(server, 'bob@example.com')).status, 401);
  const entered = await signIn(server, 'ada@example.com');
  assert.equal(entered.status, 200);
  assert.equal(await me(server, cookieOf(entered)), 200);
  const token = (await (await signIn(server, 'ada@example.com', { client: 'mobile' })).json()) as Record<
    string,
    string
  >;
  assert.equal(await meByToken(server, token['access_token'] ?? ''), 200);
  assert.equal((await fetch(`${server.url}/health/ready`)).status, 200);
}

describe('the commands', () => {
  const folder = temporaryFolder();
  const backup = join(folder.path, 'backup.gz');
  let server: TestServer;
  let environment: Readonly<Record<string, string>>;
  before(async () => {
    server = await startServer(join(folder.path, 'data'));
    environment = { LATCHKEY_DATA: join(folder.path, 'data'), PORT: String(server.port) };
    await signUp(server, 'ada@example.com');
    assert.equal((await run(['backup', backup], environment)).code, 0);
  });
  after(async () => {
    await server.end('SIGTERM');
    folder.remove();
  });

  test('a backup is a file for its owner alone, and is never written over another', async () => {
    const file = join(folder.path, 'once.jsonl');
    const { code, stdout } = await run(['backup', file, '--json'], environment);
    assert.equal(code, 0);
    assert.equal((JSON.parse(stdout) as { rows: { account: number } }).rows.account, 1);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const before = readFileSync(file);
    assertRefused(await run(['backup', file], environment), /is there already: name another file/);
    assert.deepEqual(readFileSync(file), before);
    assertRefused(await run(['backup', join(folder.path, 'no/folder')], environment), /is not there/);
  });

  test('a backup holds neither the root secret nor a signing key, whoever reads all of it', async () => {
    const text = gunzipSync(readFileSync(backup)).toString('utf8');
    const secret = readFileSync(join(folder.path, 'data/secret'), 'utf8').trim();
    const bytes = Buffer.from(secret, 'base64');
    for (const encoding of ['base64', 'base64url', 'hex'] as const)
      assert.equal(text.includes(bytes.toString(encoding).slice(0, 40)), false, encoding);
    assert.equal(text.includes(PASSWORD), false);
    assert.equal(text.includes('signing_key'), false);
  });

  test('a backup on standard output is the same text, and what is said is apart from it', async () => {
    const { code, stdout, stderr } = await run(['backup', '-'], environment);
    assert.equal(code, 0);
    assert.match(stdout, /^\{"format":"latchkey-backup"/);
    assert.match(stderr, /^Backed up 1 user/);
    const file = join(folder.path, 'piped.jsonl');
    writeFileSync(file, stdout);
    assert.equal((await run(['restore', file, '--replace', '--yes', '--json'], environment)).code, 0);
  });

  test('a restore over users needs a word and an answer, and nobody is signed out by one that is refused', async () => {
    const cookie = cookieOf(await signIn(server, 'ada@example.com'));
    const torn = join(folder.path, 'torn.gz');
    writeFileSync(torn, readFileSync(backup).subarray(0, -20));
    const cut = join(folder.path, 'cut');
    writeFileSync(cut, gunzipSync(readFileSync(backup)).subarray(0, -20));
    const always = ['--replace', '--yes'];
    for (const [args, says] of [
      [[backup], /is not empty.*--replace/],
      [[backup, '--yes'], /is not empty.*--replace/],
      [[backup, '--replace'], /no terminal to ask.*--yes/],
      [[torn, ...always], /torn\.gz is damaged: take another copy/],
      [[cut, ...always], /not as it was written: take another copy/],
      [[join(folder.path, 'nothing'), ...always], /is not there/],
      [[folder.path, ...always], /cannot be used \(EISDIR\)/],
      [[join(folder.path, 'data/latchkey.db'), ...always], /none of Latchkey|no lines/],
    ] as const) {
      assertRefused(await run(['restore', ...args], environment), says);
    }
    assert.equal(await me(server, cookie), 200);
  });

  test('a backup of another root secret is refused before anything is made of it', async () => {
    const data = join(folder.path, 'elsewhere');
    const elsewhere = { LATCHKEY_DATA: data };
    assertRefused(
      await run(['restore', backup], elsewhere),
      /needs the root secret \S+ \(here is \S+\).*LATCHKEY_SECRET=new,old/,
    );
    assert.equal(existsSync(join(data, 'latchkey.db')), false);
  });

  test('restored on another machine beside its secret, it goes on there (@fault F23)', async () => {
    const data = join(folder.path, 'moved');
    mkdirSync(data, { mode: 0o700 });
    cpSync(join(folder.path, 'data/secret'), join(data, 'secret'));
    const restored = await run(['restore', backup], { LATCHKEY_DATA: data });
    assert.equal(restored.code, 0, restored.stderr);
    const port = { PORT: String(server.port + 1) };
    const first = await startServer(data, port);
    const cookie = cookieOf(await signIn(first, 'ada@example.com'));
    await first.end('SIGTERM');
    const second = await startServer(data, port);
    assert.equal(await me(second, cookie), 200, 'a restore is one: the next start is not another');
    await second.end('SIGTERM');
  });

  test('an application that grows takes its SQLite to PostgreSQL (@fault F23)', async () => {
    const { environment: there, drop } = await postgresData();
    const secret = readFileSync(join(folder.path, 'data/secret'), 'utf8').trim();
    const grown = { ...there, LATCHKEY_SECRET: secret, LATCHKEY_DATA: join(folder.path, 'grown') };
    assertRefused(
      await run(['restore', backup], { ...grown, LATCHKEY_SECRET: SECRET }),
      /needs the root secret/,
    );
    const restored = await run(['restore', backup], grown);
    assert.equal(restored.code, 0, restored.stderr);
    const moved = await startServer(join(folder.path, 'grown'), grown);
    assert.equal(await me(moved, cookieOf(await signIn(moved, 'ada@example.com'))), 200);
    await moved.end('SIGTERM');
    const back = join(folder.path, 'back.jsonl');
    assert.equal((await run(['backup', back], grown)).code, 0);
    assert.equal((await run(['restore', back, '--replace', '--yes'], environment)).code, 0);
    assert.equal((await signIn(server, 'ada@example.com')).status, 200);
    await drop();
  });

  test('there is nothing to back up where nothing has ever run', async () => {
    const nowhere = { LATCHKEY_DATA: join(folder.path, 'nowhere') };
    const file = join(folder.path, 'nothing.jsonl');
    assertRefused(await run(['backup', file], nowhere), /nothing to back up/);
    assert.equal(existsSync(file), false);
  });
});
