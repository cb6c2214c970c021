import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { UserId } from '@latchkey/verify';
import { isFailure, type Store, StoreRefused } from 'latchkey';
import { postgres } from 'latchkey/postgres';
import pg from 'pg';
import { newId } from '../../packages/latchkey/src/foundation/ids.ts';
import {
  createSession,
  sampleEntry,
  sampleSession,
  sampleUser,
} from '../../packages/latchkey/src/stores/conformance/samples.ts';
import { postgresDialect } from '../../packages/latchkey/src/stores/sql/postgres-dialect.ts';
import { sqlStore } from '../../packages/latchkey/src/stores/sql/sql-store.ts';
import { startPostgres } from '../../tools/postgres.mjs';
import { createDatabase, nameSchema, run } from '../../tools/postgres-database.mjs';
import { startUntil } from '../server/process.ts';

const NOW = Date.now();

let database: Awaited<ReturnType<typeof createDatabase>>;
before(async () => {
  database = await createDatabase();
});
after(async () => await database.drop());

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function withStore(work: (store: Store, schema: string) => Promise<void>): Promise<void> {
  const { url, schema, drop } = nameSchema(database);
  const store = postgres(url, { schema });
  await store.open(NOW);
  try {
    await work(store, schema);
  } finally {
    await store.close();
    await drop();
  }
}

const isUnavailable = (error: unknown): boolean => isFailure(error, 'LK_STORE_UNAVAILABLE');

/** Resolves when so many have come. */
function meeting(guests: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let here = 0;
  return async () => {
    here += 1;
    if (here === guests) resolve(undefined);
    await promise;
  };
}

describe('the beat', () => {
  test('that is not due locks nothing, so that nobody waits for the disk with each pull', async () => {
    await withStore(async (store, schema) => {
      const row = async (): Promise<unknown> =>
        (await query(database.url, `select at, xmin::text, xmax::text from ${schema}.log_beat`))[0];
      const move = async (millis: number): Promise<void> =>
        await run(database.url, `update ${schema}.log_beat set at = at + ${millis}`);
      await store.log.beat(NOW);
      await move(60_000);
      const beaten = await row();
      await Promise.all(Array.from({ length: 20 }, async () => await store.log.beat(NOW)));
      assert.deepEqual(await row(), beaten);
      await move(-120_000);
      await store.log.beat(NOW);
      assert.notDeepEqual(await row(), beaten);
    });
  });
});

describe('an entry that ends a session', () => {
  test('waits for its row before it takes the counter, so that meanwhile others append (@rule R7)', async () => {
    await withStore(async (store) => {
      const { id } = await createSession(store);
      const entry = sampleEntry({ subject: id, ends: 'session' });
      const waits = async (): Promise<boolean> =>
        (await query(database.url, 'select from pg_locks where not granted')).length > 0;
      const { ending, seq } = await store.transaction(async (tables) => {
        await tables.sessions.hold(id);
        const late = store.log.append([entry]);
        while (!(await waits())) await setImmediate();
        const other = await store.log.append([sampleEntry({ ends: 'session' })]);
        return { ending: { late }, seq: other.cursor.seq };
      });
      assert.equal((await ending.late).cursor.seq, seq + 1);
      assert.equal((await store.sessions.read(id))?.session.revokedSeq, seq + 1);
    });
  });
});

describe('transactions of several connections', () => {
  test('that lock the same rows in a circle all succeed: who lost runs again from the start', async () => {
    await withStore(async (store) => {
      const met = meeting(2);
      let runs = 0;
      const write = async (name: string, one: string, other: string): Promise<void> =>
        await store.transaction(async ({ meta }) => {
          runs += 1;
          await meta.put(one, name);
          await met();
          await meta.put(other, name);
        });
      await Promise.all([write('first', 'a', 'b'), write('second', 'b', 'a')]);
      assert.equal(runs, 3);
      assert.equal(await store.meta.find('a'), await store.meta.find('b'));
    });
  });

  test('do not wait for one that has only read', async () => {
    await withStore(async (store) => {
      await store.transaction(async ({ meta }) => {
        assert.equal(await meta.find('key'), null);
        await store.transaction(async (other) => await other.meta.put('key', 'value'));
        assert.equal(await meta.find('key'), 'value');
      });
    });
  });

  test('whose user is deleted before its role is written write none, and the store goes on', async () => {
    await withStore(async (store) => {
      const missing = Buffer.alloc(16, 7).toString('base64url') as Parameters<Store['users']['find']>[0];
      await assert.rejects(store.users.assignRole(missing, 'editor'), { code: '23503' });
      assert.equal(await store.users.countWithRole('editor'), 0);
    });
  });
});

describe('when sessions were seen', () => {
  /** Sessions, the oldest first, with a sighting each. */
  const seen = async (
    store: Store,
    count: number,
    expiresAt: number,
    userId: UserId | null = null,
  ): Promise<void> => {
    const sessions = Array.from({ length: count }, () =>
      sampleSession({ id: newId(NOW), userId, expiresAt }),
    );
    for (const session of sessions) assert.equal(await store.sessions.create(session), true);
    await store.sessions.seen(sessions.map(({ id }) => ({ id, at: NOW })));
  };
  const sightings = async (schema: string): Promise<number> => {
    const [row] = await query<{ count: number }>(
      database.url,
      `select count(*)::int as count from ${schema}.session_seen`,
    );
    return row?.count ?? 0;
  };

  test('is forgotten with them, however many older ones live on', async () => {
    await withStore(async (store, schema) => {
      await seen(store, 300, NOW + 1_000);
      await seen(store, 5, NOW - 1);
      assert.equal(await sightings(schema), 305);
      assert.equal(await store.sessions.sweep(NOW, 100), 5);
      assert.equal(await sightings(schema), 300);
    });
  });

  test('is forgotten with their user', async () => {
    await withStore(async (store, schema) => {
      const user = sampleUser();
      assert.equal(await store.users.create(user), true);
      await seen(store, 3, NOW + 1_000, user.id);
      await seen(store, 2, NOW + 1_000);
      assert.equal(await store.users.remove(user.id), true);
      assert.equal(await sightings(schema), 2);
    });
  });

  test('is forgotten in the end where it was written just after they went', async () => {
    await withStore(async (store, schema) => {
      await seen(store, 3, NOW + 1_000);
      await run(
        database.url,
        `insert into ${schema}.session_seen select uuid_send(gen_random_uuid()), ${NOW} from generate_series(1, 4)`,
      );
      assert.equal(await store.sessions.sweep(NOW, 100), 0);
      assert.equal(await sightings(schema), 3);
    });
  });
});

describe('opening', () => {
  test('by several at once makes the tables once, and all of them can use them', async () => {
    const { url, schema, drop } = nameSchema(database);
    const stores = Array.from({ length: 6 }, () => postgres(url, { schema, connections: 2 }));
    await Promise.all(stores.map((store) => store.open(NOW)));
    const heads = await Promise.all(stores.map((store) => store.log.head()));
    assert.equal(new Set(heads.map(({ epoch }) => epoch)).size, 1);
    await Promise.all(stores.map((store) => store.close()));
    await drop();
  });

  test('keeps two schemas of one database apart', async () => {
    await withStore(async (one) => {
      await withStore(async (other) => {
        await one.meta.put('key', 'value');
        assert.equal(await other.meta.find('key'), null);
      });
    });
  });

  test('gives tables the storage that their writes ask for', async () => {
    await withStore(async (_store, schema) => {
      const rows = await query<{ name: string; persistence: string; options: string[] | null }>(
        database.url,
        `select relname as name, relpersistence as persistence, reloptions as options
         from pg_class where relnamespace = '${schema}'::regnamespace and relkind = 'r'`,
      );
      const told = new Map(rows.map(({ name, persistence, options }) => [name, [persistence, options]]));
      assert.deepEqual(told.get('session'), ['p', ['fillfactor=85']]);
      assert.deepEqual(told.get('log_head'), ['p', ['fillfactor=10']]);
      assert.deepEqual(told.get('session_seen'), ['u', ['fillfactor=70']]);
      assert.deepEqual([...told.values()].filter(([persistence]) => persistence === 'u').length, 1);
    });
  });

  test('keeps no process alive that forgets to close it', async (context) => {
    const script = join(import.meta.dirname, 'forgetful.ts');
    const { child } = await startUntil(script, [database.url], {}, /it hears/);
    context.after(() => child.kill('SIGKILL'));
    await once(child, 'exit', { signal: AbortSignal.timeout(20_000) });
    assert.equal(child.exitCode, 0);
  });

  test('may be repeated after it was closed', async () => {
    const { url, schema, drop } = nameSchema(database);
    const store = postgres(url, { schema });
    await store.open(NOW);
    await store.meta.put('key', 'value');
    await store.close();
    await assert.rejects(store.meta.find('key'), TypeError);
    await store.open(NOW);
    assert.equal(await store.meta.find('key'), 'value');
    await store.close();
    await store.close();
    await drop();
  });

  test('a wrong call says what is right, and never what it was given', () => {
    for (const [url, options] of [
      ['mysql://ada:pass-word@localhost/app', {}],
      ['postgres://ada:pass-word@:x/app', {}],
      ['postgres://%zz:pass-word@localhost/app', {}],
      ['postgres://ada:pass-word@localhost/app', { schema: 'Latchkey"; drop' }],
      ['postgres://ada:pass-word@localhost/app', { schema: 'pg_own' }],
      ['postgres://ada:pass-word@localhost/app', { connections: 0 }],
    ] as const) {
      assert.throws(
        () => postgres(url, options),
        (error) => error instanceof TypeError && !error.message.includes('pass-word'),
      );
    }
  });
});

describe('a database that somebody has to do something about is refused in one line with the remedy', () => {
  let server: Awaited<ReturnType<typeof startPostgres>>;
  before(async () => {
    server = await startPostgres();
    await run(server.url, "create role plain login password 'pass-word'");
    await run(server.url, 'create database plain owner plain');
    await run(server.url, "create database old template template0 encoding 'LATIN1'");
  });
  after(async () => await server.remove());

  const urlOf = (user: string, name: string, password = 'pass-word'): string => {
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    if (user !== '') {
      url.username = user;
      url.password = password;
    }
    return url.href;
  };

  const refuse = async (url: string, says: RegExp, schema = 'latchkey'): Promise<void> => {
    const store = postgres(url, { schema });
    await assert.rejects(store.open(NOW), (error) => {
      assert.ok(error instanceof StoreRefused, String(error));
      assert.match(error.message, /^the PostgreSQL at "127\.0\.0\.1:\d+\/\w+" [^\n]+$/);
      assert.match(error.message, says);
      assert.doesNotMatch(`${error.stack} ${String(error.cause)}`, /pass-word/);
      return true;
    });
  };

  test('a wrong password', async () => {
    await refuse(urlOf('plain', 'plain', 'not-the-pass-word'), /does not let "plain" in: check/);
  });

  test('an unknown user', async () => await refuse(urlOf('nobody', 'plain'), /does not let "nobody" in/));

  test('no password', async () => await refuse(urlOf('plain', 'plain', ''), /asks for a password/));

  test('a database that is not there', async () => {
    await refuse(urlOf('plain', 'missing'), /CREATE DATABASE "missing" ENCODING 'UTF8'/);
  });

  test('a database of another encoding', async () => {
    await refuse(urlOf('', 'old'), /keeps text as LATIN1/);
  });

  test('no right to make the schema, and none to make tables in it', async () => {
    await refuse(urlOf('plain', 'postgres'), /GRANT ALL ON SCHEMA "latchkey" TO "plain"/);
    await run(server.url, 'create schema given');
    await run(server.url, 'grant usage on schema given to plain');
    await refuse(urlOf('plain', 'postgres'), /GRANT ALL ON SCHEMA "given" TO "plain"/, 'given');
    // The remedy is one.
    await run(server.url, 'grant all on schema given to plain');
    const store = postgres(urlOf('plain', 'postgres'), { schema: 'given' });
    await store.open(NOW);
    await store.close();
  });

  test('a server that asks for TLS where there is none', async () => {
    await refuse(`${urlOf('plain', 'plain')}?sslmode=verify-full`, /sslmode=disable/);
  });

  test('a user who may only read', async () => {
    await run(server.url, 'create role reader login superuser password $$pass-word$$');
    await run(server.url, 'alter role reader set default_transaction_read_only = on');
    await refuse(urlOf('reader', 'plain'), /can only be read/);
  });

  test('a standby', async () => {
    await server.stop();
    writeFileSync(join(server.dataFolder, 'standby.signal'), '');
    await server.restart();
    await refuse(urlOf('plain', 'plain'), /is a standby, which takes no writes: name the primary/);
  });
});

describe('a server that goes and comes back', () => {
  let server: Awaited<ReturnType<typeof startPostgres>>;
  let store: Store;
  before(async () => {
    server = await startPostgres();
    store = sqlStore(postgresDialect(server.url, {}, { connect: 2_000 }));
    await store.open(NOW);
  });
  after(async () => {
    await store.close();
    await server.remove();
  });

  const endings = [
    ['stopped', async () => await server.stop()],
    ['killed', async () => await server.kill()],
  ] as const;
  const survives = async (end: () => Promise<void>): Promise<void> => {
    await Promise.all(
      Array.from({ length: 10 }, async (_, index) => await store.meta.put('key', `${index}`)),
    );
    const underWay = store.transaction(async ({ meta }) => {
      await meta.put('key', 'half');
      await end();
      await meta.put('other', 'half');
    });
    await assert.rejects(underWay, isUnavailable);
    await assert.rejects(store.meta.find('key'), isUnavailable);
    await assert.rejects(
      store.transaction(async () => {}),
      isUnavailable,
    );
    await server.restart();
    assert.match((await store.meta.find('key')) ?? '', /^\d$/);
    assert.equal(await store.meta.find('other'), null);
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => await store.meta.put('key', `${index}`)),
    );
  };
  for (const [how, end] of endings) {
    test(`is used again after it was ${how}, and nothing half-done is there`, () => survives(end));
  }

  test('while it is away the store cannot be opened, and can be when it is back', async () => {
    await server.stop();
    const other = postgres(server.url);
    await assert.rejects(other.open(NOW), isUnavailable);
    await server.restart();
    await other.open(NOW);
    await other.close();
  });
});
