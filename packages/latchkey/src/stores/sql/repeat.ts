import { setTimeout } from 'node:timers/promises';
import type { Millis } from '@latchkey/verify';
import { randomBytes } from '../../foundation/random.ts';
import type { Sleep } from './busy.ts';

/** How often work is run in all. */
export const ATTEMPTS = 5;

/** Before the second run, at most; twice as long before each one after it. */
const FIRST_PAUSE: Millis = 10;

/** What a database says of who lost against whom. */
export interface Contest {
  /**
   * Whether the database gave work up that may succeed when it runs again from its
   * start: of it nothing was kept.
   */
  readonly passes: (error: unknown) => boolean;
  /** `LK_STORE_UNAVAILABLE` for an error that passes by itself, any other as it is. */
  readonly unavailable: (error: unknown) => unknown;
}

/**
 * Runs `work`, and runs it again from its start where the database says that it
 * lost against another and nothing of it was kept.
 *
 * @throws what `work` throws last; `LK_STORE_UNAVAILABLE` where that would pass by itself.
 */
export async function repeating<T>(
  { passes, unavailable }: Contest,
  work: () => Promise<T>,
  sleep: Sleep = setTimeout,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!passes(error)) throw error;
      if (attempt === ATTEMPTS) throw unavailable(error);
    }
    await sleep(jittered(FIRST_PAUSE * 2 ** (attempt - 1)));
  }
}

/** Anywhere up to `most`, so that those who met once don't meet again. */
function jittered(most: Millis): Millis {
  return (most * randomBytes(1).readUInt8(0)) / 255;
}
