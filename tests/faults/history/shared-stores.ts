import { join } from 'node:path';
import { type Store, sqlite } from 'latchkey';
import { postgres } from 'latchkey/postgres';
import { createDatabase } from '../../../tools/postgres-database.mjs';
import { temporaryFolder } from '../../server/process.ts';

/** A kind of store that two processes can share. */
export interface SharedStore {
  /** Makes an empty database: where it is, and how to be rid of it. */
  provide(): Promise<{ readonly address: string; remove(): Promise<void> }>;
  /** The store on it, in whichever process. */
  open(address: string): Store;
}

/** The stores that the history is recorded over: a row each. */
export const SHARED_STORES = {
  sqlite: {
    provide: async () => {
      const folder = temporaryFolder();
      return { address: join(folder.path, 'latchkey.db'), remove: async () => folder.remove() };
    },
    open: sqlite,
  },
  postgres: {
    provide: async () => {
      const { url, drop } = await createDatabase();
      return { address: url, remove: drop };
    },
    open: postgres,
  },
} as const satisfies Readonly<Record<string, SharedStore>>;

export type SharedStoreName = keyof typeof SHARED_STORES;

export const SHARED_STORE_NAMES = Object.keys(SHARED_STORES) as SharedStoreName[];
