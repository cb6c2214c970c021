import { setTimeout } from 'node:timers/promises';
import type { Millis } from '@latchkey/verify';
import { isBusy } from './sqlite-errors.ts';

/** Resolves after so many milliseconds. */
export type Sleep = (pause: Millis) => Promise<unknown>;

/** How long a lock that another connection holds is waited for, the turn of whoever asked before included. */
export const BUSY_TIMEOUT: Millis = 5_000;
const LONGEST_PAUSE: Millis = 50;

/**
 * Repeats `work` until the database is not busy, for at most `limit`.
 *
 * SQLite's own `busy_timeout` sleeps on the thread: nothing else would run
 * meanwhile, and a connection of the same process that holds the lock could
 * never give it back.
 */
export async function whileBusy<T>(
  work: () => T,
  sleep: Sleep = setTimeout,
  limit: Millis = BUSY_TIMEOUT,
): Promise<T> {
  let waited: Millis = 0;
  for (let pause: Millis = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || waited >= limit) throw error;
    }
    await sleep(pause);
    waited += pause;
  }
}
