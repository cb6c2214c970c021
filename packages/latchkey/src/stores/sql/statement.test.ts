import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import type { Schema } from './schema.ts';
import { type Param, Statement } from './statement.ts';

const db = new Kysely<Schema>({
  dialect: {
    createDriver: () => new DummyDriver(),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
  },
});

test('a statement takes its values by name, in the order of its SQL, each as often as it is named', () => {
  const statement = new Statement((param: Param<{ key: string; value: string }>) =>
    db
      .updateTable('meta')
      .set({ value: param('value') })
      .where('key', '=', param('key'))
      .where('value', '<>', param('value'))
      .where('key', '<>', 'constant'),
  );
  const { parameters, sql } = statement.with({ key: 'k', value: 'v' });
  assert.deepEqual(parameters, ['v', 'k', 'v', 'constant']);
  assert.equal(sql.match(/\?/g)?.length, 4);
});

test('a statement is built once, however often it runs', () => {
  let built = 0;
  const statement = new Statement((param: Param<{ key: string }>) => {
    built += 1;
    return db.selectFrom('meta').select('value').where('key', '=', param('key'));
  });
  const texts = ['a', 'b', 'c'].map((key) => statement.with({ key }).sql);
  assert.equal(built, 1);
  assert.equal(new Set(texts).size, 1);
});
