import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** The database as it was at one moment, for as long as it is not ended. */
export interface Snapshot {
  readonly db: Kysely<Schema>;
  /** Lets go of it. To be called once. */
  readonly end: () => Promise<void>;
}

/** Begins a transaction that only reads; `close` is called when it has ended, and where it cannot begin. */
export async function snapshotOf(db: Kysely<Schema>, close: () => Promise<void>): Promise<Snapshot> {
  try {
    const transaction = await db.startTransaction().setAccessMode('read only').execute();
    const end = async (): Promise<void> => {
      try {
        await transaction.rollback().execute();
      } finally {
        await close();
      }
    };
    return { db: transaction, end };
  } catch (error) {
    await close();
    throw error;
  }
}
