import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { freePort } from '../../tools/own-server.mjs';
import {
  call,
  cookieOf,
  printed,
  run,
  startServer,
  type TestServer,
  temporaryFolder,
} from '../server/process.ts';

const PASSWORD = 'lantern orchid gravel seven';
const RESTORED = /"msg":"log_restored"/;

/** A data folder, and servers on it that all listen on one port: on loopback the cookie's name carries it. */
interface Place {
  readonly path: string;
  readonly database: string;
  start(more?: Readonly<Record<string, string>>): Promise<TestServer>;
}

async function inPlace(work: (place: Place) => Promise<void>): Promise<void> {
  const folder = temporaryFolder();
  const port = String(await freePort());
  const running: TestServer[] = [];
  const start = async (more: Readonly<Record<string, string>> = {}): Promise<TestServer> => {
    const server = await startServer(folder.path, { PORT: port, ...more });
    running.push(server);
    return server;
  };
  try {
    await work({ path: folder.path, database: join(folder.path, 'latchkey.db'), start });
  } finally {
    for (const server of running) await server.end('SIGKILL');
    folder.remove();
  }
}

async function signUp(server: TestServer, email: string): Promise<string> {
  const response = await call(`${server.url}/auth/sign-up`, 'POST', { email, password: PASSWORD });
  assert.equal(response.status, 201);
  return cookieOf(response);
}

async function signIn(server: TestServer, email: string): Promise<string> {
  const response = await call(`${server.url}/auth/sign-in`, 'POST', { email, password: PASSWORD });
  assert.equal(response.status, 200);
  return cookieOf(response);
}

async function signOut(server: TestServer, cookie: string): Promise<void> {
  assert.equal((await call(`${server.url}/auth/sign-out`, 'POST', undefined, cookie)).status, 200);
}

async function me(server: TestServer, cookie: string): Promise<number> {
  return (await call(`${server.url}/auth/me`, 'GET', undefined, cookie)).status;
}

/** Runs statements on the database, as somebody beside Latchkey would. */
function tamper(database: string, work: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(database, { timeout: 5_000 });
  db.exec('BEGIN IMMEDIATE');
  work(db);
  db.exec('COMMIT');
  db.close();
}

/** Two sessions, an old copy of the database, and after it the end of one of them. */
async function revokedAfterCopy(place: Place): Promise<{ revoked: string; other: string; copy: string }> {
  const first = await place.start();
  const revoked = await signUp(first, 'ada@example.com');
  const other = await signIn(first, 'ada@example.com');
  await first.end('SIGTERM');
  const copy = join(place.path, 'yesterday.db');
  copyFileSync(place.database, copy);
  const second = await place.start();
  await signOut(second, revoked);
  assert.equal(await me(second, revoked), 401);
  await second.end('SIGTERM');
  return { revoked, other, copy };
}

/** The file in which is noted how far the log of its one database was seen. */
function watermarkOf(place: Place): string {
  const [name, ...more] = readdirSync(place.path).filter((each) => /^watermark\.[\w-]+$/.test(each));
  assert.ok(name !== undefined && more.length === 0, 'one database was seen');
  return join(place.path, name);
}

/** Puts an old copy of the file in the place of the database. */
function putBack(place: Place, copy: string): void {
  for (const log of ['-wal', '-shm']) rmSync(`${place.database}${log}`, { force: true });
  copyFileSync(copy, place.database);
}

describe('a database that is put back to an older state (@incident G3, @fault F23, @rule R8)', () => {
  test('is noticed by the next start: what was revoked stays so, and everybody signs in anew', async () => {
    await inPlace(async (place) => {
      const { revoked, other, copy } = await revokedAfterCopy(place);
      putBack(place, copy);
      const server = await place.start();
      assert.match(server.output.stdout, RESTORED);
      for (const cookie of [revoked, other]) assert.equal(await me(server, cookie), 401);
      const anew = await signIn(server, 'ada@example.com');
      assert.equal(await me(server, anew), 200);
      await server.end('SIGTERM');
      const again = await place.start();
      assert.equal(await me(again, anew), 200, 'once noticed, it is over');
      assert.doesNotMatch(again.output.stdout, RESTORED);
    });
  });

  test('is noticed by a command as well, before it does anything', async () => {
    await inPlace(async (place) => {
      const { revoked, copy } = await revokedAfterCopy(place);
      putBack(place, copy);
      const roles = await run(['users', 'roles', 'ada@example.com'], { LATCHKEY_DATA: place.path });
      assert.equal(roles.code, 0, roles.stderr);
      assert.equal(await me(await place.start(), revoked), 401);
    });
  });

  test('is not noticed where nothing remembers it, as the documentation says', async () => {
    await inPlace(async (place) => {
      const { revoked, copy } = await revokedAfterCopy(place);
      putBack(place, copy);
      rmSync(watermarkOf(place));
      assert.equal(await me(await place.start(), revoked), 200);
    });
  });

  test('is noticed under a running server, which goes on', async () => {
    await inPlace(async (place) => {
      const server = await place.start();
      const revoked = await signUp(server, 'ada@example.com');
      const other = await signIn(server, 'ada@example.com');
      const old = new DatabaseSync(place.database, { readOnly: true });
      const head = old.prepare('SELECT seq, tag FROM log_head').get();
      old.close();
      await signOut(server, revoked);
      assert.equal(await me(server, revoked), 401);
      assert.equal(await me(server, other), 200);
      tamper(place.database, (db) => {
        db.prepare('UPDATE log_head SET seq = ?, tag = ?').run(Number(head?.['seq']), Number(head?.['tag']));
        db.prepare('DELETE FROM revocation WHERE seq > ?').run(Number(head?.['seq']));
        db.exec('UPDATE session SET revoked_seq = NULL');
      });
      await printed(server, RESTORED);
      // It is said before the copy of the log has it; until then, for maxStaleness at most, memory answers.
      while ((await me(server, other)) === 200);
      for (const cookie of [revoked, other]) assert.equal(await me(server, cookie), 401);
      assert.equal(await me(server, await signIn(server, 'ada@example.com')), 200);
      assert.equal((await fetch(`${server.url}/health/ready`)).status, 200);
    });
  });

  test('is noticed under a running server though its log has grown again meanwhile', async () => {
    await inPlace(async (place) => {
      const server = await place.start();
      const revoked = await signUp(server, 'ada@example.com');
      await signOut(server, revoked);
      // Another entry at the position of the one that is forgotten: as long, and another history.
      tamper(place.database, (db) => {
        db.exec(`UPDATE revocation SET tag = tag + 1, subject = x'00112233445566778899aabbccddeeff'
          WHERE seq = (SELECT seq FROM log_head)`);
        db.exec('UPDATE log_head SET tag = tag + 1');
        db.exec('UPDATE session SET revoked_seq = NULL');
      });
      await printed(server, RESTORED);
      assert.equal(await me(server, revoked), 401);
    });
  });
});

test('a restore by the command is not taken for another one, though more was seen before (@rule R8)', async () => {
  await inPlace(async (place) => {
    const server = await place.start();
    const environment = { LATCHKEY_DATA: place.path };
    const revoked = await signUp(server, 'ada@example.com');
    assert.equal((await run(['backup', join(place.path, 'backup')], environment)).code, 0);
    await signOut(server, revoked);
    await server.end('SIGTERM');
    const restored = await run(['restore', join(place.path, 'backup'), '--replace', '--yes'], environment);
    assert.equal(restored.code, 0, restored.stderr);
    const first = await place.start();
    assert.equal(await me(first, revoked), 401);
    const cookie = await signIn(first, 'ada@example.com');
    await first.end('SIGTERM');
    const second = await place.start();
    assert.equal(await me(second, cookie), 200);
    assert.doesNotMatch(second.output.stdout, RESTORED);
  });
});

/** What must not end anybody's session, each from a server that stands and a person who is signed in. */
const HARMLESS: readonly (readonly [
  title: string,
  work: (place: Place, server: TestServer, cookie: string) => Promise<TestServer>,
])[] = [
  [
    'a restart',
    async (place, server) => {
      await signOut(server, await signIn(server, 'ada@example.com'));
      await server.end('SIGTERM');
      return place.start();
    },
  ],
  [
    'a kill between a commit and the note of it',
    async (place, server) => {
      const mark = readFileSync(watermarkOf(place), 'utf8');
      await signOut(server, await signIn(server, 'ada@example.com'));
      await server.end('SIGKILL');
      writeFileSync(watermarkOf(place), mark);
      return place.start();
    },
  ],
  [
    'a note that was lost, or torn',
    async (place, server) => {
      await server.end('SIGTERM');
      writeFileSync(watermarkOf(place), 'half a li');
      return place.start();
    },
  ],
  [
    'a command beside the server',
    async (place, server) => {
      await signOut(server, await signIn(server, 'ada@example.com'));
      const environment = { LATCHKEY_DATA: place.path };
      for (const role of ['--add', '--remove', '--add']) {
        const { code } = await run(['users', 'roles', 'ada@example.com', role, 'administrator'], environment);
        // The last administrator keeps the role.
        assert.ok(code === 0 || role === '--remove');
      }
      return server;
    },
  ],
  [
    'two servers on one file, which stop one after the other',
    async (place, server) => {
      const beside = await place.start({ PORT: String(await freePort()) });
      await signOut(beside, await signIn(beside, 'ada@example.com'));
      await server.end('SIGTERM');
      await signOut(beside, await signIn(beside, 'ada@example.com'));
      await beside.end('SIGKILL');
      return place.start();
    },
  ],
  [
    'another database with the same data folder',
    async (place, server) => {
      await server.end('SIGTERM');
      const other = await place.start({ LATCHKEY_DATABASE_URL: 'sqlite:other.db' });
      await signOut(other, await signUp(other, 'bob@example.com'));
      await other.end('SIGTERM');
      return place.start();
    },
  ],
  [
    'a backup beside the server',
    async (place, server) => {
      const { code } = await run(['backup', join(place.path, 'backup')], { LATCHKEY_DATA: place.path });
      assert.equal(code, 0);
      return server;
    },
  ],
  [
    'a database of the build before, which named no lineage and no epoch',
    async (place, server) => {
      await signOut(server, await signIn(server, 'ada@example.com'));
      await server.end('SIGTERM');
      rmSync(watermarkOf(place));
      // What the third step of the schema and all later ones add, with what they fill in.
      tamper(place.database, (db) => {
        for (const column of [
          'lineage',
          'tag',
          'epoch_start',
          'epoch_cause',
          'previous_epoch',
          'previous_seq',
          'previous_beat',
          'fingerprint',
        ]) {
          db.exec(`ALTER TABLE log_head DROP COLUMN ${column}`);
        }
        db.exec('ALTER TABLE revocation DROP COLUMN tag');
        db.exec('ALTER TABLE signing_key DROP COLUMN activates_at');
        db.exec('ALTER TABLE receipt DROP COLUMN client');
        for (const column of ['relayed', 'relayed_version', 'kept_until', 'registered_seq'])
          db.exec(`ALTER TABLE follower DROP COLUMN ${column}`);
        db.exec('DROP TABLE log_beat');
        db.exec('DROP TABLE log_epoch');
        db.exec('DROP TABLE disabled_client');
        db.exec('DROP TABLE service_client');
        db.exec('UPDATE schema_state SET schema_version = 2');
      });
      const upgraded = await place.start();
      await signOut(upgraded, await signIn(upgraded, 'ada@example.com'));
      await upgraded.end('SIGTERM');
      return place.start();
    },
  ],
];

describe('nobody is signed out by', () => {
  for (const [title, work] of HARMLESS) {
    test(title, async () => {
      await inPlace(async (place) => {
        const server = await place.start();
        const cookie = await signUp(server, 'ada@example.com');
        const last = await work(place, server, cookie);
        assert.equal(await me(last, cookie), 200);
        assert.doesNotMatch(last.output.stdout, RESTORED);
      });
    });
  }
});
