import type { Migration } from './migration.ts';

/**
 * Receipts of clients with a key, and followers that count for longer than their node runs.
 * It adds only: the build before gives none to clients, and keeps no row.
 */
export const untilExpiry: Migration = {
  version: 7,
  minCompatible: 2,
  up: async (db, { integer, text }) => {
    await db.schema.alterTable('receipt').addColumn('client', text).execute();
    await db.schema
      .alterTable('follower')
      .addColumn('kept_until', integer, (column) => column.notNull().defaultTo(0))
      .execute();
  },
};
