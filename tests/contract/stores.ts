import { type Store, sqlite } from 'latchkey';
import { postgres } from 'latchkey/postgres';
import { createDatabase } from '../../tools/postgres-database.mjs';
import { folder } from '../attacks/scene.ts';

/** Stores over one empty database, as many as there are nodes, and what removes it. */
export interface OpenedStores {
  readonly stores: readonly Store[];
  readonly close: () => Promise<void>;
}

/** Every kind of store, for what must hold on each. */
export const STORES: readonly (readonly [name: string, open: (nodes: number) => Promise<OpenedStores>])[] = [
  [
    'SQLite',
    async (nodes) => {
      const { file, remove } = await folder();
      return { stores: Array.from({ length: nodes }, () => sqlite(file)), close: remove };
    },
  ],
  [
    'PostgreSQL',
    async (nodes) => {
      const { url, drop } = await createDatabase();
      return { stores: Array.from({ length: nodes }, () => postgres(url)), close: drop };
    },
  ],
];
