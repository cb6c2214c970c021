import type { Migration } from './migration.ts';

/**
 * Clients with a key: services. It adds only, so the build before goes on beside this
 * one; that build knows none of them, and refuses what they present.
 */
export const serviceClients: Migration = {
  version: 4,
  minCompatible: 2,
  up: async (db, { bytes, text, integer, byKey }) => {
    await db.schema
      .createTable('service_client')
      .addColumn('subject', bytes, (column) => column.primaryKey().notNull())
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('audiences', text, (column) => column.notNull())
      .addColumn('key_hash', bytes, (column) => column.notNull())
      .addColumn('previous_key_hash', bytes)
      .addColumn('previous_until', integer)
      .addColumn('created_at', integer, (column) => column.notNull())
      .addColumn('rotated_at', integer)
      .modifyEnd(byKey)
      .execute();
  },
};
