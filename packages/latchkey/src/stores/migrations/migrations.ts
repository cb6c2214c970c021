import { first } from './0001-first.ts';
import type { Migration } from './migration.ts';

/** Every migration, in the order of versions. */
export const MIGRATIONS: readonly Migration[] = [first];
