import type { Kysely } from 'kysely';
import type { Schema } from '../sql/schema.ts';
import type { ColumnTypes, Migration } from './migration.ts';

/**
 * Refresh chains of sessions, keys that sign access tokens, and fields of users. It
 * adds only, and yet no older build may go on beside it: what that one revokes would
 * be forgotten before the tokens of this one are dead (R6).
 */
export const tokens: Migration = {
  version: 2,
  minCompatible: 2,
  up: async (db, types) => {
    await addChain(db, types);
    await createSigningKeys(db, types);
    await db.schema
      .alterTable('account')
      .addColumn('fields', types.text, (column) => column.notNull().defaultTo('{}'))
      .execute();
  },
};

/** All may be missing: a session of before has no chain, and one that a cookie alone holds needs none. */
async function addChain(db: Kysely<Schema>, { integer, bytes, text }: ColumnTypes): Promise<void> {
  const add = async (name: string, type: typeof integer | typeof bytes | typeof text): Promise<void> => {
    await db.schema.alterTable('session').addColumn(name, type).execute();
  };
  await add('chain_nonce', bytes);
  await add('generation', integer);
  await add('generation_at', integer);
  await add('chain_key', text);
  await add('chain_origin', bytes);
  await add('shared_run', integer);
  await add('shared_generation', integer);
}

async function createSigningKeys(
  db: Kysely<Schema>,
  { integer, bytes, text, byKey }: ColumnTypes,
): Promise<void> {
  await db.schema
    .createTable('signing_key')
    .addColumn('kid', text, (column) => column.primaryKey().notNull())
    .addColumn('algorithm', text, (column) => column.notNull())
    .addColumn('public_key', text, (column) => column.notNull())
    .addColumn('sealed', bytes, (column) => column.notNull())
    .addColumn('sealed_by', text, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addColumn('used_at', integer, (column) => column.notNull())
    .modifyEnd(byKey)
    .execute();
}
