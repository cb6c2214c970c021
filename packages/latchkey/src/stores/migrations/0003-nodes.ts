import { type Kysely, sql } from 'kysely';
import type { Schema } from '../sql/schema.ts';
import type { ColumnTypes, Migration } from './migration.ts';

/**
 * What many nodes need: histories of the log that are told apart, keys that are
 * published before they sign, clients that are disabled. It adds only, and what it adds
 * has defaults, so the build before goes on beside this one.
 */
export const nodes: Migration = {
  version: 3,
  minCompatible: 2,
  up: async (db, types) => {
    await extendLog(db, types);
    await db.schema
      .alterTable('signing_key')
      .addColumn('activates_at', types.integer, (column) => column.notNull().defaultTo(0))
      .execute();
    await db.schema
      .createTable('disabled_client')
      .addColumn('subject', types.bytes, (column) => column.primaryKey().notNull())
      .addColumn('name', types.text, (column) => column.notNull())
      .addColumn('disabled_at', types.integer, (column) => column.notNull())
      .modifyEnd(types.byKey)
      .execute();
  },
};

async function extendLog(db: Kysely<Schema>, { integer, text }: ColumnTypes): Promise<void> {
  const head = db.schema.alterTable('log_head');
  await head.addColumn('lineage', text, (column) => column.notNull().defaultTo('')).execute();
  await head.addColumn('tag', integer, (column) => column.notNull().defaultTo(0)).execute();
  await head.addColumn('epoch_start', integer, (column) => column.notNull().defaultTo(0)).execute();
  await head.addColumn('epoch_cause', text, (column) => column.notNull().defaultTo('first')).execute();
  await head.addColumn('previous_epoch', text).execute();
  await head.addColumn('previous_seq', integer).execute();
  await head.addColumn('previous_beat', integer).execute();
  await head.addColumn('fingerprint', text).execute();
  await db.schema
    .alterTable('revocation')
    .addColumn('tag', integer, (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema
    .createTable('log_beat')
    .addColumn('one', 'integer', (column) => column.primaryKey().check(sql`one = 1`))
    .addColumn('at', integer, (column) => column.notNull())
    .execute();
}
