import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CompiledQuery, type DatabaseConnection } from 'kysely';
import { isFailure } from 'latchkey';
import {
  PostgresDriver,
  type PostgresLimits,
} from '../../packages/latchkey/src/stores/sql/postgres-driver.ts';
import { passes, unavailable } from '../../packages/latchkey/src/stores/sql/postgres-errors.ts';
import { repeating } from '../../packages/latchkey/src/stores/sql/repeat.ts';
import { createDatabase, run } from '../../tools/postgres-database.mjs';
import { layWire, type Wire } from './postgres-wire.ts';

let database: Awaited<ReturnType<typeof createDatabase>>;
before(async () => {
  database = await createDatabase();
  await run(database.url, 'create table note (text text primary key)');
});
after(async () => await database.drop());

interface Opened {
  readonly driver: PostgresDriver;
  /** Lends a connection to `work` alone. */
  readonly lend: <T>(work: (connection: DatabaseConnection) => Promise<T>) => Promise<T>;
}

async function withDriver(
  work: (opened: Opened) => Promise<void>,
  { url, connections = 1, ...limits }: Partial<PostgresLimits> & { url?: string; connections?: number } = {},
): Promise<void> {
  const driver = new PostgresDriver({ url: url ?? database.url, connections, limits });
  await driver.open(async () => {});
  try {
    await work({
      driver,
      lend: async (use) => {
        const connection = await driver.acquireConnection();
        try {
          return await use(connection);
        } finally {
          await driver.releaseConnection(connection);
        }
      },
    });
  } finally {
    await driver.close();
  }
}

/** As `withDriver`, over a wire that can be cut. */
async function withWire(work: (opened: Opened, wire: Wire) => Promise<void>): Promise<void> {
  const wire = await layWire(database.url);
  try {
    await withDriver((opened) => work(opened, wire), { url: wire.url });
  } finally {
    await wire.close();
  }
}

const isUnavailable = (error: unknown): boolean => isFailure(error, 'LK_STORE_UNAVAILABLE');

/** A statement as the store has them, with a name by which it stays prepared. */
function named(sql: string, name: string, parameters: readonly unknown[] = []): CompiledQuery {
  return { ...CompiledQuery.raw(sql, [...parameters]), name } as CompiledQuery;
}

async function first(connection: DatabaseConnection, query: CompiledQuery): Promise<unknown> {
  const { rows } = await connection.executeQuery<Record<string, unknown>>(query);
  return Object.values(rows[0] ?? {})[0];
}

/** Ends a session of the server, and waits until it is gone: PostgreSQL 13 cannot wait by itself. */
async function terminate(url: string, pid: unknown): Promise<void> {
  const id = String(pid);
  await run(
    url,
    `do $$ begin
       perform pg_terminate_backend(${id});
       for tries in 1..500 loop
         perform pg_stat_clear_snapshot();
         exit when not exists (select from pg_stat_activity where pid = ${id});
         perform pg_sleep(0.01);
       end loop;
     end $$`,
  );
}

const PROCESS = named('select pg_backend_pid()', 'process');

async function noted(text: string): Promise<boolean> {
  let found = false;
  await withDriver(async ({ lend }) => {
    found = await lend(
      async (connection) =>
        (await first(connection, named('select 1 from note where text = $1', 'noted', [text]))) === 1,
    );
  });
  return found;
}

describe('a connection', () => {
  test('that did not answer in time is closed, and whoever comes next gets their own answer (@threat O3)', async () => {
    await withDriver(
      async ({ lend }) => {
        const late = await lend(async (connection) => {
          const before = await first(connection, PROCESS);
          const slow = named("select pg_sleep(0.4)::text || 'the answer of somebody else'", 'slow');
          await assert.rejects(connection.executeQuery(slow), isUnavailable);
          // Nor does it serve the one who had it.
          await assert.rejects(connection.executeQuery(PROCESS), isUnavailable);
          return before;
        });
        for (let turn = 0; turn < 10; turn += 1) {
          const answer = await lend(
            async (connection) => await first(connection, named('select $1::text', 'own', [`own ${turn}`])),
          );
          assert.equal(answer, `own ${turn}`);
        }
        assert.notEqual(await lend(async (connection) => await first(connection, PROCESS)), late);
      },
      { call: 150 },
    );
  });

  test('that is not to be had in time is LK_STORE_UNAVAILABLE, and is to be had afterwards', async () => {
    await withDriver(
      async ({ driver, lend }) => {
        const held = await Promise.all([driver.acquireConnection(), driver.acquireConnection()]);
        const waiting = Array.from({ length: 20 }, async () => await driver.acquireConnection());
        for (const outcome of await Promise.allSettled(waiting)) {
          assert.ok(outcome.status === 'rejected' && isUnavailable(outcome.reason));
        }
        for (const connection of held) await driver.releaseConnection(connection);
        assert.equal(typeof (await lend(async (connection) => await first(connection, PROCESS))), 'number');
      },
      { connections: 2, connect: 150 },
    );
  });

  test('that the server closes while nobody uses it is replaced', async () => {
    await withDriver(async ({ lend }) => {
      const before = await lend(async (connection) => await first(connection, PROCESS));
      await terminate(database.url, before);
      const after = await repeatingUntilServed(() =>
        lend(async (connection) => await first(connection, PROCESS)),
      );
      assert.notEqual(after, before);
    });
  });

  test('that the server closes under a transaction is LK_STORE_UNAVAILABLE and keeps nothing', async () => {
    await withDriver(async ({ driver, lend }) => {
      await lend(async (connection) => {
        await driver.beginTransaction(connection);
        await connection.executeQuery(named("insert into note values ('lost')", 'insert'));
        const own = await first(connection, PROCESS);
        await terminate(database.url, own);
        await assert.rejects(connection.executeQuery(PROCESS), isUnavailable);
        await assert.rejects(driver.commitTransaction(connection), isUnavailable);
        await driver.rollbackTransaction(connection);
      });
    });
    assert.equal(await noted('lost'), false);
  });

  test('asks nothing of the server at its start that a pooler refuses', async () => {
    let all: readonly string[] = [];
    await withWire(async ({ lend }, wire) => {
      await lend(async (connection) => await first(connection, PROCESS));
      all = wire.sent;
    });
    // Length and version, then names and values, each ended by a zero byte.
    const [start = ''] = all;
    const words = start.slice(8, Buffer.from(start, 'latin1').readUInt32BE(0)).split('\0');
    const names = words.filter((_, index) => index % 2 === 0 && words[index] !== '');
    assert.deepEqual(new Set(names), new Set(['user', 'database', 'application_name', 'client_encoding']));
    assert.doesNotMatch(all.join(''), /\bset\s+(?!local)/i);
  });

  test('beside the pool is the caller’s own', async () => {
    await withDriver(async ({ driver, lend }) => {
      const client = await driver.connect();
      await lend(async () => {
        const { promise, resolve } = Promise.withResolvers<string>();
        client.onNotification(resolve);
        await client.query('listen own');
        await run(database.url, "notify own, 'heard'");
        assert.equal(await promise, 'heard');
      });
      const { promise: ended, resolve } = Promise.withResolvers<undefined>();
      client.onEnd(() => resolve(undefined));
      client.end();
      await ended;
    });
  });
});

/** Until the pool has heard that its connection is gone. */
async function repeatingUntilServed<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
    }
  }
}

describe('a commit', () => {
  test('whose answer is lost has an unknown outcome, and is not run again', async () => {
    await withWire(async ({ driver, lend }, wire) => {
      let runs = 0;
      const work = repeating({ passes, unavailable }, () =>
        lend(async (connection) => {
          runs += 1;
          await driver.beginTransaction(connection);
          await connection.executeQuery(named("insert into note values ('committed')", 'insert'));
          wire.swallowAnswerTo('commit');
          await driver.commitTransaction(connection);
        }),
      );
      await assert.rejects(
        work,
        (error) => isFailure(error, 'LK_STORE_UNAVAILABLE') && /unknown/.test(String(error.cause)),
      );
      assert.equal(runs, 1);
    });
    assert.equal(await noted('committed'), true);
  });

  test('of a transaction in which a statement failed is refused with that error, whoever caught it', async () => {
    await withDriver(async ({ driver, lend }) => {
      await lend(async (connection) => {
        await driver.beginTransaction(connection);
        await connection.executeQuery(named("insert into note values ('kept?')", 'insert'));
        const failed = connection.executeQuery(named('select 1 / 0', 'zero'));
        await assert.rejects(failed, { code: '22012' });
        await assert.rejects(driver.commitTransaction(connection), { code: '22012' });
      });
    });
    assert.equal(await noted('kept?'), false);
  });
});

describe('a prepared statement', () => {
  const count = named('select count(*) from note', 'count');

  test('that a pooler has lost is done without, from then on', async () => {
    await withWire(async ({ lend }, wire) => {
      const ask = async (): Promise<unknown> =>
        await repeating({ passes, unavailable }, () =>
          lend(async (connection) => await first(connection, count)),
        );
      assert.equal(typeof (await ask()), 'number');
      // What putting another session under the connection comes to.
      await lend(async (connection) => await connection.executeQuery(CompiledQuery.raw('deallocate all')));
      assert.equal(typeof (await ask()), 'number');
      const sent = wire.sent.join('').length;
      assert.equal(typeof (await ask()), 'number');
      assert.doesNotMatch(wire.sent.join('').slice(sent), /latchkey_count/);
    });
  });

  test('that a migration has made outdated is prepared again on every connection', async () => {
    await run(database.url, 'create table grown (a integer)');
    await withDriver(
      async ({ driver, lend }) => {
        const all = named('select * from grown', 'all');
        const everywhere = async (): Promise<void> => {
          const held = await Promise.all(Array.from({ length: 8 }, () => driver.acquireConnection()));
          await Promise.all(
            held.map(async (connection) => {
              await connection.executeQuery(all).catch((error: unknown) => assert.ok(passes(error)));
              await driver.releaseConnection(connection);
            }),
          );
        };
        await everywhere();
        await run(database.url, 'alter table grown add column b integer');
        await Promise.all(
          Array.from({ length: 8 }, () =>
            repeating({ passes, unavailable }, () =>
              lend(async (connection) => await connection.executeQuery(all)),
            ),
          ),
        );
      },
      { connections: 8 },
    );
  });
});

describe('a value', () => {
  const ask = async (sql: string, ...parameters: readonly unknown[]): Promise<unknown> => {
    let answer: unknown;
    await withDriver(async ({ lend }) => {
      answer = await lend(async (connection) => await first(connection, named(sql, 'value', parameters)));
    });
    return answer;
  };

  test('of 64 bits is read exactly or not at all', async () => {
    assert.equal(await ask('select $1::bigint', Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
    assert.equal(await ask('select $1::bigint', Number.MIN_SAFE_INTEGER), Number.MIN_SAFE_INTEGER);
    await assert.rejects(ask('select 9007199254740992::bigint'), RangeError);
  });

  test('of bytes has memory of its own', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const answer = await ask('select $1::bytea', bytes);
    assert.ok(answer instanceof Uint8Array);
    assert.deepEqual([...answer], [...bytes]);
    assert.equal(answer.buffer.byteLength, 256);
  });

  for (const [what, value] of [
    ['a part of a number', 0.5],
    ['a number that a double does not hold exactly', 2 ** 53],
    ['an object', { a: 1 }],
    ['nothing that is not null', undefined],
  ] as const) {
    test(`cannot be ${what}`, async () => await assert.rejects(ask('select $1::text', value), TypeError));
  }

  test('cannot be a text with U+0000, which may be what somebody sent', async () => {
    await assert.rejects(ask('select $1::text', 'a\0b'), { code: 'LK_REQUEST_INVALID' });
  });
});
