import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Kysely, sql } from 'kysely';
import type { Schema } from '../sql/schema.ts';
import { sqliteDialect } from '../sql/sqlite-dialect.ts';
import { StoreRefused } from '../store.ts';
import { migrate } from './migrate.ts';
import type { Migration } from './migration.ts';
import { MIGRATIONS } from './migrations.ts';

const dialect = sqliteDialect(':memory:');

/** A build that knows the versions up to the last one named, each making a table of its own. */
function build(...steps: readonly (readonly [version: number, minCompatible: number])[]): Migration[] {
  return steps.map(([version, minCompatible]) => ({
    version,
    minCompatible,
    up: async (db) => {
      await db.schema.createTable(`step_${version}`).addColumn('a', 'integer').execute();
    },
  }));
}

const broken: Migration = {
  version: 2,
  minCompatible: 2,
  up: async (db) => {
    await db.schema.createTable('half').addColumn('a', 'integer').execute();
    await sql`no such\nstatement`.execute(db);
  },
};

interface Database {
  readonly run: (migrations: readonly Migration[]) => Promise<void>;
  readonly tables: () => Promise<readonly string[]>;
  readonly versions: () => Promise<unknown>;
}

async function withDatabase(work: (database: Database) => Promise<void>): Promise<void> {
  await dialect.open();
  const db = new Kysely<Schema>({ dialect: dialect.kysely });
  const options = { types: dialect.types, name: 'the database', passes: dialect.passes };
  try {
    await work({
      run: async (migrations) =>
        await db
          .transaction()
          .execute(async (transaction) => await migrate(transaction, { ...options, migrations })),
      tables: async () => (await db.introspection.getTables()).map(({ name }) => name),
      versions: async () => {
        const row = await db.selectFrom('schema_state').selectAll().executeTakeFirst();
        return [row?.schema_version, row?.min_compatible_version];
      },
    });
  } finally {
    await dialect.close();
  }
}

describe('bringing the schema up', () => {
  test('takes the steps that are missing, in order, and each once', async () => {
    await withDatabase(async ({ run, tables, versions }) => {
      await run(build([1, 1]));
      assert.deepEqual(await versions(), [1, 1]);
      await run(build([1, 1], [2, 1], [3, 2]));
      assert.deepEqual(await versions(), [3, 2]);
      await run(build([1, 1], [2, 1], [3, 2]));
      assert.deepEqual(await tables(), ['schema_state', 'step_1', 'step_2', 'step_3']);
    });
  });

  test('never lowers the version that a build must know', async () => {
    await withDatabase(async ({ run, versions }) => {
      await run(build([1, 1], [2, 2]));
      await run(build([1, 1], [2, 2], [3, 1]));
      assert.deepEqual(await versions(), [3, 2]);
    });
  });

  test('leaves a newer schema alone that it can work with', async () => {
    await withDatabase(async ({ run, versions }) => {
      await run(build([1, 1], [2, 1]));
      await run(build([1, 1]));
      assert.deepEqual(await versions(), [2, 1]);
    });
  });

  test('refuses a newer schema that needs a newer build, in one line with the versions', async () => {
    await withDatabase(async ({ run, versions }) => {
      await run(build([1, 1], [2, 1], [3, 2]));
      await assert.rejects(
        run(build([1, 1])),
        new StoreRefused(
          'the database has schema version 3 and needs a build that knows at least version 2, ' +
            'and this build knows 1: run a newer build of Latchkey',
        ),
      );
      assert.deepEqual(await versions(), [3, 2]);
    });
  });

  test('keeps nothing of a step that fails, nor of those before it in the same run', async () => {
    await withDatabase(async ({ run, tables, versions }) => {
      await assert.rejects(run([...build([1, 1]), broken]), (error) => {
        assert.ok(error instanceof StoreRefused);
        assert.match(error.message, /^the database cannot be brought to schema version 2 [^\n]+$/);
        return true;
      });
      assert.deepEqual(await tables(), []);
      await run(build([1, 1]));
      await assert.rejects(run([...build([1, 1]), broken]), StoreRefused);
      assert.deepEqual(await tables(), ['schema_state', 'step_1']);
      assert.deepEqual(await versions(), [1, 1]);
    });
  });
});

test('the published steps count up by one, and none asks for a build that does not exist yet', () => {
  for (const [index, { version, minCompatible }] of MIGRATIONS.entries()) {
    assert.equal(version, index + 1);
    assert.ok(minCompatible >= 1 && minCompatible <= version);
  }
});
