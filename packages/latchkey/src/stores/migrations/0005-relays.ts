import type { Migration } from './migration.ts';

/**
 * Who follows the log through a node that relays it. It adds only: the build before writes
 * a row of its own without them, and reads past them.
 */
export const relays: Migration = {
  version: 5,
  minCompatible: 2,
  up: async (db, { integer, text }) => {
    const follower = db.schema.alterTable('follower');
    await follower.addColumn('relayed', text).execute();
    await follower.addColumn('relayed_version', integer, (column) => column.notNull().defaultTo(0)).execute();
  },
};
