import type { Migration } from './migration.ts';

/**
 * From where in the log each follower counts. It adds only: one of the build before stands at
 * 0, so that every receipt waits for it.
 */
export const registeredSeq: Migration = {
  version: 8,
  minCompatible: 2,
  up: async (db, { integer }) => {
    await db.schema
      .alterTable('follower')
      .addColumn('registered_seq', integer, (column) => column.notNull().defaultTo(0))
      .execute();
  },
};
