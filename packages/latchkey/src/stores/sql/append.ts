import type { Position } from '@latchkey/verify';
import type { NewEntry, Standing } from '../records.ts';
import type { Runner } from './statement.ts';

/** Entries on their way into the log, each with its tag. */
export interface Appending {
  readonly entries: readonly (NewEntry & { readonly tag: number })[];
  /** `null` where they rest on nothing. */
  readonly standing: Standing | null;
}

/**
 * As `LogStore.append`, in the open transaction or in one of its own.
 *
 * @returns where the log stands after the last entry; `null`, with nothing written, where it
 *   has no head, or what the entries rest on is another now.
 */
export type Append = (
  runner: Runner,
  appending: Appending,
) => Promise<{ readonly epoch: string; readonly seq: Position } | null>;
