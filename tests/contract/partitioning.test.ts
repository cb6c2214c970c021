import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { SessionId } from '@latchkey/verify';
import { Kysely } from 'kysely';
import { postgres } from 'latchkey/postgres';
import pg from 'pg';
import { idBytes } from '../../packages/latchkey/src/foundation/ids.ts';
import {
  createSession,
  createUser,
  DAY,
  sampleId,
} from '../../packages/latchkey/src/stores/conformance/samples.ts';
import { sessionDataConformance } from '../../packages/latchkey/src/stores/conformance/session-data.ts';
import { sessionLifeConformance } from '../../packages/latchkey/src/stores/conformance/session-life.ts';
import { sessionListConformance } from '../../packages/latchkey/src/stores/conformance/session-list.ts';
import { sessionConformance } from '../../packages/latchkey/src/stores/conformance/sessions.ts';
import type { StoreTest } from '../../packages/latchkey/src/stores/conformance/store-test.ts';
import { tokenConformance } from '../../packages/latchkey/src/stores/conformance/tokens.ts';
import { migrate } from '../../packages/latchkey/src/stores/migrations/migrate.ts';
import { MIGRATIONS } from '../../packages/latchkey/src/stores/migrations/migrations.ts';
import { ROOT_KEY, type SessionRecord } from '../../packages/latchkey/src/stores/records.ts';
import { postgresDialect } from '../../packages/latchkey/src/stores/sql/postgres-dialect.ts';
import type { Schema } from '../../packages/latchkey/src/stores/sql/schema.ts';
import { sessionStatements } from '../../packages/latchkey/src/stores/sql/session-statements.ts';
import type { Store } from '../../packages/latchkey/src/stores/store.ts';
import { createDatabase, nameSchema } from '../../tools/postgres-database.mjs';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/partitioning.md'), 'utf8');
const BLOCKS: ReadonlyMap<string, string> = new Map(
  [...PAGE.matchAll(/^```sql\n-- (\w+)\n([\s\S]*?)^```$/gm)].map(([, name = '', text = '']) => [name, text]),
);

let database: Awaited<ReturnType<typeof createDatabase>>;
before(async () => {
  database = await createDatabase();
});
after(async () => await database.drop());

/** A schema, and what the page says to do with it. */
interface Scene {
  readonly schema: string;
  readonly store: Store;
  readonly query: (sql: string, values?: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>;
  /** Runs a block of the page as if it were that day. */
  readonly follow: (name: string, day: string) => Promise<void>;
}

async function withScene(work: (scene: Scene) => Promise<void>): Promise<void> {
  const { url, schema, drop } = nameSchema(database);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`set search_path = ${schema}`);
  const store = postgres(url, { schema });
  const scene: Scene = {
    schema,
    store,
    query: async (sql, values = []) => (await client.query<Record<string, unknown>>(sql, [...values])).rows,
    follow: async (name, day) => {
      const text = BLOCKS.get(name);
      assert.ok(text !== undefined, `the page has no block ${name}`);
      const moved = text
        .replaceAll(/\blatchkey\b/g, schema)
        .replaceAll(/\bnow\(\)/g, `timestamptz '${day} 12:00+00'`);
      try {
        await client.query(moved);
      } catch (error) {
        await client.query('rollback');
        throw error;
      }
    },
  };
  try {
    await work(scene);
  } finally {
    await client.end();
    await store.close();
    await drop();
  }
}

/** A session of a day, that ends thirty days later. */
function sessionOf(store: Store, day: string, changes: Partial<SessionRecord> = {}): Promise<SessionRecord> {
  const at = Date.parse(`${day}T00:00Z`);
  return createSession(store, {
    id: sampleId(at),
    createdAt: at,
    idleUntil: at + 30 * DAY,
    expiresAt: at + 30 * DAY,
    ...changes,
  });
}

async function partitionOf({ query }: Scene, id: SessionId): Promise<unknown> {
  const [row] = await query('select tableoid::regclass::text as name from session where id = $1', [
    Buffer.from(idBytes(id)),
  ]);
  return row?.['name'];
}

async function partitions({ query }: Scene): Promise<readonly unknown[]> {
  const rows = await query(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'session'::regclass order by 1`,
  );
  return rows.map(({ name }) => name);
}

/** All that the catalogue says of the tables, in words. */
async function described({ query, schema }: Scene): Promise<unknown> {
  const tables = `('${schema}.session'::regclass, '${schema}.session_data'::regclass)`;
  return [
    await query(
      `select relname, relkind, relpersistence, reloptions from pg_class where oid in ${tables} order by 1`,
    ),
    await query(
      `select attrelid::regclass::text, attname, attnotnull, format_type(atttypid, atttypmod) as type, attcollation,
         (select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = attrelid and adnum = attnum) as value
       from pg_attribute where attrelid in ${tables} and attnum > 0 order by 1, attnum`,
    ),
    await query(`select indexdef from pg_indexes where schemaname = '${schema}' order by 1`),
    await query(
      `select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid in ${tables} order by 1`,
    ),
    await query(`select proname from pg_proc where pronamespace = '${schema}'::regnamespace`),
  ];
}

describe('the table of sessions, converted as docs/partitioning.md says', () => {
  test('keeps every session with its data, and puts new ones where they belong', async () => {
    await withScene(async (scene) => {
      const { store, query, follow } = scene;
      await store.open(Date.now());
      const user = await createUser(store);
      const kept: SessionRecord[] = [];
      for (const day of ['2026-01-05', '2026-02-05', '2026-03-05']) {
        const session = await sessionOf(store, day, { userId: user.id });
        await store.data.write(session.id, 'cart', `"${day}"`, 0);
        kept.push(session);
      }
      await follow('convert', '2026-03-10');
      await follow('create', '2026-03-10');
      await follow('create', '2026-03-10');
      assert.deepEqual(await partitions(scene), [
        'session_2026_03',
        'session_2026_04',
        'session_2026_05',
        'session_2026_06',
        'session_default',
      ]);
      const options = await query(
        `select distinct reloptions from pg_class where relkind = 'r' and relname ~ '^session_(2|def)'
         and relnamespace = '${scene.schema}'::regnamespace`,
      );
      assert.deepEqual(options, [{ reloptions: ['fillfactor=85'] }]);
      for (const { id, expiresAt } of kept) {
        assert.equal((await store.sessions.read(id))?.session.expiresAt, expiresAt);
        assert.equal((await store.data.read(id)).size, 1);
        assert.equal(await partitionOf(scene, id), 'session_2026_03');
      }
      for (const [day, partition] of [
        ['2026-03-31', 'session_2026_03'],
        ['2026-04-01', 'session_2026_04'],
        ['2026-06-30', 'session_2026_06'],
        ['2026-07-01', 'session_default'],
      ] as const) {
        const { id } = await sessionOf(store, day, { userId: user.id });
        assert.equal(await partitionOf(scene, id), partition);
      }
      const listed = await store.sessions.list(user.id, Date.parse('2026-01-10T00:00Z'), 100, null);
      assert.equal(listed.length, 7);
      // What goes with its user goes from every partition.
      await query('delete from account where id = $1', [Buffer.from(idBytes(user.id))]);
      for (const table of ['session', 'session_data'])
        assert.deepEqual(await query(`select from ${table}`), []);
    });
  });

  test('is asked for one partition where a session is looked up by its id', async () => {
    await withScene(async (scene) => {
      const { store, schema, query, follow } = scene;
      await store.open(Date.now());
      await follow('convert', '2026-03-10');
      await follow('create', '2026-03-10');
      const dialect = postgresDialect(database.url, { schema });
      const db = new Kysely<Schema>({ dialect: dialect.kysely }).withSchema(schema);
      const { read, hold } = sessionStatements(db, dialect);
      const id = idBytes(sampleId<'session'>(Date.parse('2026-05-05T00:00Z')));
      for (const [name, statement] of Object.entries({ read, hold })) {
        const { sql, parameters } = statement.with({ id });
        await query(`prepare ${name} as ${sql}`);
        const values = parameters.map((value) =>
          value instanceof Uint8Array ? `'\\x${Buffer.from(value).toString('hex')}'` : `'${String(value)}'`,
        );
        // As of any statement, and as of one that has been prepared for long.
        for (const mode of ['force_custom_plan', 'force_generic_plan']) {
          await query(`set plan_cache_mode = ${mode}`);
          const plan = await query(`explain execute ${name} (${values.join()})`);
          const asked = JSON.stringify(plan).match(/session_(?:\d{4}_\d\d|default)\b(?= )/g);
          assert.deepEqual(new Set(asked), new Set(['session_2026_05']), `${name} by ${mode}`);
        }
      }
    });
  });

  test('loses a month when all of its sessions are past their limit, with their data, and nothing else', async () => {
    await withScene(async (scene) => {
      const { store, query, follow } = scene;
      await store.open(Date.now());
      await follow('convert', '2026-03-10');
      await follow('create', '2026-03-10');
      const ids = new Map<string, SessionId>();
      for (const day of ['2026-02-05', '2026-03-31', '2026-04-01', '2026-07-05']) {
        const { id } = await sessionOf(store, day);
        await store.data.write(id, 'cart', '1', 0);
        await store.sessions.seen([{ id, at: 1 }]);
        ids.set(day, id);
      }
      await follow('drop', '2026-04-30');
      assert.equal((await partitions(scene)).length, 5, 'one of the last day of March may be alive');
      await follow('drop', '2026-05-01');
      // Nobody made partitions in May and June.
      await follow('create', '2026-07-10');
      assert.deepEqual(await partitions(scene), [
        'session_2026_04',
        'session_2026_05',
        'session_2026_06',
        'session_2026_08',
        'session_2026_09',
        'session_2026_10',
        'session_default',
      ]);
      for (const [day, id] of ids) {
        const lives = day > '2026-04';
        assert.equal((await store.sessions.read(id)) !== null, lives, day);
        assert.equal((await store.data.read(id)).size, lives ? 1 : 0, day);
      }
      assert.equal((await query('select from session_seen')).length, 2);
      // Its own sweep goes on with what is left, by the same rule.
      assert.equal(await store.sessions.sweep(Date.parse('2026-06-01T00:00Z'), 10), 1);
      assert.equal((await query('select from session_data')).length, 1);
    });
  });

  test('is brought to a later version like any other', async () => {
    await withScene(async (scene) => {
      const { store, schema, query, follow } = scene;
      const dialect = postgresDialect(database.url, { schema });
      await dialect.open();
      const db = new Kysely<Schema>({ dialect: dialect.kysely });
      await db.transaction().execute(async (transaction) => {
        await dialect.beginMigration(transaction);
        const { name, types, passes } = dialect;
        const migrations = MIGRATIONS.slice(0, 1);
        await migrate(transaction.withSchema(schema), { migrations, types, name, passes });
      });
      await dialect.close();
      await follow('convert', '2026-03-10');
      await follow('create', '2026-03-10');
      await store.open(Date.now());
      const { id } = await sessionOf(store, '2026-04-05');
      assert.equal(await partitionOf(scene, id), 'session_2026_04');
      assert.equal((await store.sessions.read(id))?.session.chain, null);
      const [row] = await query('select schema_version from schema_state');
      assert.equal(row?.['schema_version'], MIGRATIONS.at(-1)?.version);
    });
  });

  test('is backed up and restored like any other', async () => {
    await withScene(async (scene) => {
      const { store, follow } = scene;
      await store.open(Date.now());
      await store.meta.put(ROOT_KEY, 'root');
      await follow('convert', '2026-03-10');
      await follow('create', '2026-03-10');
      const ids = [(await sessionOf(store, '2026-02-05')).id, (await sessionOf(store, '2026-05-05')).id];
      for (const id of ids) await store.data.write(id, 'cart', '1', 0);
      const lines = await Array.fromAsync(store.backup(Date.now()));
      await follow('drop', '2026-05-02');
      await store.restore(
        async function* () {
          yield* lines;
        },
        { now: Date.now(), replace: true, rootKeys: ['root'], seen: 0 },
      );
      for (const [index, partition] of ['session_default', 'session_2026_05'].entries()) {
        const id = ids[index];
        assert.ok(id !== undefined);
        assert.equal(await partitionOf(scene, id), partition);
        assert.equal((await store.data.read(id)).size, 1);
      }
      const sessionsIn = (backup: readonly string[]): readonly string[] =>
        backup.filter((line) => line.startsWith('["session')).toSorted();
      const again = await Array.fromAsync(store.backup(Date.now()));
      assert.equal(sessionsIn(lines).length, 4);
      assert.deepEqual(sessionsIn(again), sessionsIn(lines));
    });
  });

  test('becomes the table that it was, to the last word of the catalogue', async () => {
    await withScene(async (scene) => {
      const { store, follow } = scene;
      await store.open(Date.now());
      const before = await described(scene);
      await follow('convert', '2026-03-10');
      await follow('create', '2026-03-10');
      assert.notDeepEqual(await described(scene), before);
      const sessions = [await sessionOf(store, '2026-02-05'), await sessionOf(store, '2026-08-05')];
      for (const { id } of sessions) await store.data.write(id, 'cart', '1', 0);
      await follow('back', '2026-03-11');
      assert.deepEqual(await described(scene), before);
      for (const { id } of sessions) {
        assert.notEqual(await store.sessions.read(id), null);
        assert.equal((await store.data.read(id)).size, 1);
      }
    });
  });
});

describe('sessions in partitions', () => {
  /** Each with a store of its own, converted before its first session. */
  const partitioned: StoreTest = (title, run) => {
    test(title, async () => {
      await withScene(async ({ store, follow }) => {
        await store.open(Date.now());
        // The samples are of January 2027.
        await follow('convert', '2026-11-20');
        await follow('create', '2026-11-20');
        await run(store);
      });
    });
  };
  describe('as rows', () => sessionConformance(partitioned));
  describe('and their life', () => sessionLifeConformance(partitioned));
  describe('in lists', () => sessionListConformance(partitioned));
  describe('and their data', () => sessionDataConformance(partitioned));
  describe('and refresh chains', () => tokenConformance(partitioned));
});
