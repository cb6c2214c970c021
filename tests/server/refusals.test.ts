import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { freePort } from '../../tools/own-server.mjs';
import { run, startServer, temporaryFolder } from './process.ts';

const OTHER_SECRET = 'c2Vjb25kIHNlY3JldCB3aXRoIGVub3VnaCBieXRlcyAxMjM0NQ==';

const SECRET = { LATCHKEY_SECRET: OTHER_SECRET };

interface Refusal {
  readonly what: string;
  readonly says: RegExp;
  readonly environment: Readonly<Record<string, string>>;
}

describe('the server refuses to start with one line that says what to do, and exit code 1', () => {
  const folder = temporaryFolder();
  before(async () => {
    // A folder with the data of a deployment that has run.
    await (await startServer(folder.path)).end('SIGTERM');
  });
  after(() => folder.remove());

  const refuse = async (environment: Readonly<Record<string, string>>, says: RegExp): Promise<void> => {
    const port = String(await freePort());
    const { code, stdout, stderr } = await run(['serve'], {
      LATCHKEY_DATA: folder.path,
      PORT: port,
      ...environment,
    });
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^latchkey: [^\n]+\n$/);
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, /pass-word/);
  };

  const refusals: readonly Refusal[] = [
    {
      what: 'a public http: URL',
      environment: { LATCHKEY_URL: 'http://app.example.com' },
      says: /use https, or http on localhost/,
    },
    {
      what: 'a URL with a path',
      environment: { LATCHKEY_URL: 'https://app.example.com/' },
      says: /without a path or a trailing slash/,
    },
    {
      what: 'a short secret',
      environment: { LATCHKEY_SECRET: 'c2hvcnQ=' },
      says: /has 5 bytes, and 32 is the least; make one with: openssl rand -base64 32/,
    },
    {
      what: 'a secret that repeats itself',
      environment: { LATCHKEY_SECRET: 'ab'.repeat(32) },
      says: /repeats itself/,
    },
    {
      what: 'a sample secret of words',
      environment: { LATCHKEY_SECRET: 'change me please, this is only an example' },
      says: /neither base64 nor hex/,
    },
    {
      what: 'the secret of another database',
      environment: { LATCHKEY_SECRET: OTHER_SECRET },
      says: /not the one this database was made with.*LATCHKEY_SECRET=new,old/,
    },
    {
      what: 'a variable that is not known',
      environment: { LATCHKEY_SECERT: 'x' },
      says: /LATCHKEY_SECERT is not known/,
    },
    {
      what: 'a profile that is not known',
      environment: { LATCHKEY_PROFILE: 'fast' },
      says: /knows no "fast"/,
    },
    {
      what: 'the profile high-security, which needs a second factor',
      environment: { LATCHKEY_PROFILE: 'high-security' },
      says: /needs a second factor/,
    },
    {
      what: 'another kind of database',
      environment: { LATCHKEY_DATABASE_URL: 'mysql://localhost/x' },
      says: /sqlite:path.* or postgres:/,
    },
    {
      what: 'PostgreSQL without a secret that other nodes could have too',
      environment: { LATCHKEY_DATABASE_URL: 'postgres://ada:pass-word@localhost/x' },
      says: /^latchkey: LATCHKEY_SECRET is needed with PostgreSQL.*openssl rand -base64 32$/m,
    },
    {
      what: 'a URL that is none',
      environment: { LATCHKEY_DATABASE_URL: 'postgres://ada:pass-word@local host/x', ...SECRET },
      says: /^latchkey: LATCHKEY_DATABASE_URL is no URL; .*%40 for @/,
    },
    {
      what: 'a PostgreSQL that is not there',
      environment: { LATCHKEY_DATABASE_URL: 'postgres://ada:pass-word@127.0.0.1:1/x', ...SECRET },
      says: /LK_STORE_UNAVAILABLE: connect ECONNREFUSED 127\.0\.0\.1:1/,
    },
    {
      what: 'a data folder that cannot be written',
      environment: { LATCHKEY_DATA: `${process.execPath}/data` },
      says: /cannot make the data folder.*LATCHKEY_DATA/,
    },
    { what: 'a port that is no number', environment: { PORT: 'http' }, says: /PORT must be a number/ },
    {
      what: 'a short secret for metrics',
      environment: { LATCHKEY_METRICS_SECRET: 'short' },
      says: /at least 16 characters/,
    },
  ];
  for (const { what, environment, says } of refusals) test(what, () => refuse(environment, says));

  test('a port in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await refuse({ PORT: String(port) }, /is in use.*PORT=/);
    taken.close();
  });

  test('a secret that others can read', async () => {
    chmodSync(join(folder.path, 'secret'), 0o644);
    await refuse({}, /can be read by others.*chmod 600/);
    chmodSync(join(folder.path, 'secret'), 0o600);
  });

  test('a lost secret beside an old database, and none is made in its place', async () => {
    const file = join(folder.path, 'secret');
    const secret = readFileSync(file);
    rmSync(file);
    await refuse({}, /bring it back from its backup/);
    assert.equal(existsSync(file), false);
    writeFileSync(file, secret, { mode: 0o600 });
  });

  test('a database that is none', async () => {
    const other = temporaryFolder();
    writeFileSync(
      join(other.path, 'notes.db'),
      'this is a text about databases, long enough to be read as one'.repeat(20),
    );
    await refuse({ LATCHKEY_DATABASE_URL: `sqlite:${join(other.path, 'notes.db')}` }, /database/);
    other.remove();
  });

  test('a database that needs a newer build', async () => {
    const other = temporaryFolder();
    await (await startServer(other.path)).end('SIGTERM');
    const file = join(other.path, 'latchkey.db');
    const database = new DatabaseSync(file);
    const tables = database
      .prepare("SELECT name, sql FROM sqlite_master WHERE sql LIKE '%min_compatible_version%'")
      .all();
    assert.equal(tables.length, 1);
    database.exec(
      `UPDATE "${String(tables[0]?.['name'])}" SET schema_version = 999, min_compatible_version = 999`,
    );
    database.close();
    const { code, stderr } = await run(['serve'], {
      LATCHKEY_DATA: other.path,
      PORT: String(await freePort()),
    });
    assert.equal(code, 1);
    assert.match(stderr, /^latchkey: [^\n]*999[^\n]*\n$/);
    other.remove();
  });

  test('after all of these it starts as before', async () => {
    const server = await startServer(folder.path);
    assert.equal((await fetch(`${server.url}/health/ready`)).status, 200);
    assert.equal(await server.end('SIGTERM'), 0);
  });
});
