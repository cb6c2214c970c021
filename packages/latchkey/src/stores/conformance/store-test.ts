import type { Store } from '../store.ts';

/** Answers a store that is open and empty, and what closes it and removes what it left. */
export type OpenStore = () => Promise<{ readonly store: Store; readonly close: () => Promise<void> }>;

/** Declares one test, with a store of its own. */
export type StoreTest = (title: string, run: (store: Store) => Promise<void>) => void;
