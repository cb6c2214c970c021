import type { Migration } from './migration.ts';

/** Where each epoch ended, for whoever has missed those in between. It adds only. */
export const epochs: Migration = {
  version: 6,
  minCompatible: 2,
  up: async (db, { integer, text, byKey }) => {
    await db.schema
      .createTable('log_epoch')
      .addColumn('epoch', text, (column) => column.primaryKey().notNull())
      .addColumn('start', integer, (column) => column.notNull())
      .addColumn('cause', text, (column) => column.notNull())
      .addColumn('previous', text, (column) => column.notNull())
      .addColumn('previous_seq', integer, (column) => column.notNull())
      .addColumn('previous_beat', integer)
      .addColumn('begun_at', integer, (column) => column.notNull())
      .modifyEnd(byKey)
      .execute();
  },
};
